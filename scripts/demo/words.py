# SPDX-License-Identifier: MIT
"""words.py - how the demo prints: titles, sentences, commands and tables, 100 columns at most."""

import os
import sys
import textwrap

WIDTH = 100
INDENT = " " * 4
STEPS = 10
COLOURED = sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def painted(text, code):
    return f"\033[{code}m{text}\033[0m" if COLOURED else text


class Last:
    """What was printed last, so that no two empty lines follow each other."""

    line = ""


def line(text=""):
    text = text.rstrip()
    if not text and not Last.line:
        return
    Last.line = text
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def title(number, text):
    line()
    line(painted(f"{number:>2}/{STEPS}  {text}", 1))


def say(text, indent=INDENT):
    for part in textwrap.wrap(" ".join(text.split()), WIDTH, initial_indent=indent,
                              subsequent_indent=indent, break_on_hyphens=False,
                              break_long_words=False):
        line(part)


def command(text):
    """What one would type; a long one goes on in another line."""
    parts = textwrap.wrap(text, WIDTH - 10, break_on_hyphens=False, break_long_words=False)
    for i, part in enumerate(parts):
        last = "" if part is parts[-1] else " \\"
        line(INDENT + painted(f"{'  ' if i else '$ '}{part}{last}", 36))


def table(head, rows, texts=1):
    """The first `texts` columns are words, the others figures, set to the right."""
    cells = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells)]
    line()
    for i, row in enumerate(cells):
        made = "  ".join(cell.ljust(width) if n < texts else cell.rjust(width)
                         for n, (cell, width) in enumerate(zip(row, widths)))
        line(INDENT + (made if i else painted(made, 4 if COLOURED else 0)))
    line()


def pairs(rows):
    """Names and what they are, in two columns."""
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        line(f"{INDENT}{name.ljust(width)}  {text}")


# -- Figures ---------------------------------------------------------------------------------------

def figure(value):
    """Three digits that count, or all before the point."""
    if value == 0:
        return "0"
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3}f}"


def amount(value, unit):
    """Of a profile: nanoseconds or bytes, in what reads best."""
    scales = [(1e9, "s"), (1e6, "ms"), (1e3, "us")] if unit == "nanoseconds" else [
        (2 ** 30, "GiB"), (2 ** 20, "MiB"), (2 ** 10, "KiB")]
    scale, name = next((pair for pair in scales if value >= pair[0]), scales[-1])
    return f"{figure(value / scale)} {name}"


def ratio(value, other):
    return f"{value / other:.1f}" if other else "-"


def percent(part, whole):
    share = 100 * part / whole if whole else 0
    return f"{share:.{0 if share >= 10 or share == 0 else 1}f} %"
