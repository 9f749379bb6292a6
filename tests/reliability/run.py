# SPDX-License-Identifier: MIT
"""run.py - provokes what may go wrong, prints what came of it, and writes that as JSON.

A section is a module of this folder: its docstring says what it does, NAME is what it is called,
and run(options) returns or yields rows {"what", "goal", "seen", "met"}, each text but for `met`,
which is None where there is no goal. A row that is yielded is printed at once. options.quick asks
for less, options.minutes (or None) for how long a section that lasts shall last. The exit code
is 1 when a goal was missed."""

import argparse
import importlib
import json
import pathlib
import signal
import sys
import textwrap
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "bench"), str(HERE.parent / "http")]
import machine  # pylint: disable=wrong-import-position
from figures import WIDTH  # pylint: disable=wrong-import-position
from servers import BINARY, ROOT  # pylint: disable=wrong-import-position

# In this order; one whose file is not there is left out.
ORDER = ["deadlines", "hostile", "kills", "faults", "drains", "restarts", "reloads", "clients",
         "overload", "soak"]
SECTIONS = [name for name in ORDER if (HERE / f"{name}.py").exists()]
SECTION_MOST_S = 1800  # and what --minutes asks for
COLUMNS = (52, 26, 30)


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/run.sh reliability", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few minutes in all, less exact")
    parser.add_argument("--minutes", type=float, metavar="N",
                        help="how long the soak lasts (2, quick: 0.5)")
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / "build/reliability.json",
                        metavar="FILE", help="where the JSON goes (build/reliability.json)")
    parser.add_argument("sections", nargs="*", metavar="section",
                        help=f"only these: {', '.join(SECTIONS)}")
    chosen = parser.parse_args()
    wrong = [name for name in chosen.sections if name not in SECTIONS]
    if wrong:
        parser.error(f"no such section: {', '.join(wrong)} ({', '.join(SECTIONS)})")
    return chosen


def bound():
    """Signals become exceptions, so that whatever was started is ended."""
    def on_alarm(*_):
        raise TimeoutError("the section took too long")

    signal.signal(signal.SIGALRM, on_alarm)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def rows_of(section, options):
    """The rows as they come; a section that breaks off has missed a goal."""
    try:
        yield from section.run(options)
    except Exception as error:  # pylint: disable=broad-exception-caught
        traceback.print_exc()
        why = " ".join(f"{type(error).__name__}: {error}".split())
        yield {"what": section.NAME, "goal": "runs to its end", "seen": why[:400], "met": False}


def render(row):
    verdict = {True: "met", False: "MISSED", None: ""}[row["met"]]
    cells = [row[key].ljust(width) for key, width in zip(("what", "goal", "seen"), COLUMNS)]
    return "  ".join([*cells, verdict]).rstrip()


def measure(name, options):
    """One section: its heading, its rows as they become known."""
    section = importlib.import_module(name)
    print(f"\n== {section.NAME} ==")
    print("\n".join(textwrap.wrap(" ".join(section.__doc__.split()), WIDTH)), flush=True)
    began, rows = time.monotonic(), []
    signal.alarm(SECTION_MOST_S + int(60 * (options.minutes or 0)))
    for row in rows_of(section, options):
        rows.append(row)
        print(render(row), flush=True)
    signal.alarm(0)
    return {"section": section.NAME, "rows": rows, "seconds": round(time.monotonic() - began, 1)}


def main():
    options = arguments()
    if not BINARY.exists():
        sys.exit(f"{BINARY} is not built")
    bound()
    report = {**machine.describe(), "quick": options.quick}
    print("\n".join(f"{name:12} {value}" for name, value in report.items()))
    report["sections"] = [measure(name, options) for name in SECTIONS
                          if not options.sections or name in options.sections]
    goals = [row["met"] for one in report["sections"] for row in one["rows"]
             if row["met"] is not None]
    seconds = sum(one["seconds"] for one in report["sections"])
    print(f"\n{sum(goals)} of {len(goals)} goals met, in {seconds:.0f} s; {options.json}")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=1) + "\n")
    sys.exit(not all(goals))


if __name__ == "__main__":
    main()
