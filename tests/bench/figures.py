# SPDX-License-Identifier: MIT
"""figures.py - rows and tables of figures: medians, goals, and how they are printed.

A table is {"title", "how", "rows"}; a row is a dict that goes into the JSON file as it is."""

import math
import statistics
import sys
import textwrap

WIDTH = 120
DECIMALS = 4  # that are kept; more would only be how fractions are stored
HEADINGS = ("what", "median", "min", "max", "unit", "goal", "")


def percentile(values, share):
    """The smallest of `values` that is at least as large as `share` of them."""
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]


def ratios(values, others):
    """Round by round, so that what slows the whole machine slows both sides."""
    return [value / other for value, other in zip(values, others)]


def row(name, values, unit, least=None, most=None, note=""):
    """A row of one value a round; its median is held against the goal, if there is one."""
    median = statistics.median(values)
    kept = [round(value, DECIMALS) for value in values]
    made = {"name": name, "unit": unit, "median": round(median, DECIMALS), "min": min(kept),
            "max": max(kept), "values": kept}
    if least is not None:
        made |= {"goal": f"at least {least:g}", "met": median >= least}
    if most is not None:
        made |= {"goal": f"at most {most:g}", "met": median <= most}
    return made | ({"note": note} if note else {})


def missing(name, why):
    """A row of what could not be measured."""
    return {"name": name, "missing": why}


def table(title, how, rows):
    return {"title": title, "how": how, "rows": rows}


def number(value):
    """Three digits that count, or all before the point."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.{1 if value >= 10 else 2 if value >= 1 else 3}f}"


def _cells(one):
    if "missing" in one:
        return [one["name"], "", "", "", "", "", f"not measured: {one['missing']}"]
    figures = [number(one[key]) if key in one else "" for key in ("median", "min", "max")]
    verdict = {True: "met", False: "MISSED", None: ""}[one.get("met")]
    note = one.get("note", "")
    return [one["name"], *figures, one.get("unit", ""), one.get("goal", ""),
            f"{verdict}; {note}" if verdict and note else verdict or note]


def render(made):
    """The table as text: numbers to the right, the rest to the left."""
    rows = [HEADINGS, *map(_cells, made["rows"])]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(HEADINGS))]
    lines = ["", f"== {made['title']} ==", *textwrap.wrap(made["how"], WIDTH)]
    for cells in rows:
        padded = [cell.rjust(width) if 0 < column < 4 else cell.ljust(width)
                  for column, (cell, width) in enumerate(zip(cells, widths))]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def progress(text):
    """What is going on, on standard error: one line that changes where it is a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)
