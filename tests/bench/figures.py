# SPDX-License-Identifier: MIT
"""figures.py - rows and tables of figures: medians, goals, and how they are printed.

A table is {"title", "how", "columns", "rows"}; a row is a dict that goes into the JSON file as it
is. Its name comes first when it is printed, then what it has of the columns, then its verdict."""

import itertools
import math
import statistics
import sys
import textwrap

WIDTH = 120
DECIMALS = 4  # that are kept; more would only be how fractions are stored
COLUMNS = ("median", "min", "max", "unit", "goal")
SURE = 0.95  # how often an interval has what it is of


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


def interval(values):
    """Where the median of what `values` were drawn from lies; as exact as so few of them allow."""
    ordered = sorted(values)
    # Each value is below that median or above it, as a coin falls.
    ways = itertools.accumulate(math.comb(len(values), below) for below in range(len(values)))
    left_out = sum(2 * one <= (1 - SURE) * 2 ** len(values) for one in ways) - 1
    return ordered[max(0, left_out)], ordered[-1 - max(0, left_out)]


def change(of_rounds):
    """The cell of a change in per cent: the median of the rounds' ratios, and its interval."""
    values = [round(100 * (ratio - 1), DECIMALS) for ratio in of_rounds]
    low, high = interval(values)
    return {"median": round(statistics.median(values), DECIMALS), "low": low, "high": high,
            "values": values}


def missing(name, why):
    """A row of what could not be measured."""
    return {"name": name, "missing": why}


def table(title, how, rows, columns=COLUMNS):
    return {"title": title, "how": how, "columns": columns, "rows": rows}


def number(value):
    """Three digits that count, or all before the point."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.{1 if value >= 10 else 2 if value >= 1 else 3}f}"


def _text(value):
    if isinstance(value, dict):
        return f"{value['median']:+.1f} ({value['low']:.1f}..{value['high']:.1f})"
    return value if isinstance(value, str) else number(value)


def _cells(one, columns):
    if "missing" in one:
        return [one["name"], *("" for _ in columns), f"not measured: {one['missing']}"]
    verdict = {True: "met", False: "MISSED", None: ""}[one.get("met")]
    note = one.get("note", "")
    return [one["name"], *(_text(one.get(key, "")) for key in columns),
            f"{verdict}; {note}" if verdict and note else verdict or note]


def render(made):
    """The table as text: numbers to the right, the rest to the left."""
    columns = made["columns"]
    rows = [["what", *columns, ""], *(_cells(one, columns) for one in made["rows"])]
    numbers = [key for key in columns
               if any(not isinstance(one.get(key, ""), str) for one in made["rows"])]
    widths = [max(map(len, cells)) for cells in zip(*rows)]
    lines = ["", f"== {made['title']} ==", *textwrap.wrap(made["how"], WIDTH)]
    for cells in rows:
        padded = [cell.rjust(width) if key in numbers else cell.ljust(width)
                  for key, cell, width in zip(rows[0], cells, widths)]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def progress(text):
    """What is going on, on standard error: one line that changes where it is a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)
