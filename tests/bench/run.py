# SPDX-License-Identifier: MIT
"""run.py - measures the server: prints tables and writes them as JSON.

The exit code tells whether everything was measured, not whether goals were met."""

import argparse
import json
import pathlib
import signal
import subprocess
import sys
import time

import footprint
import lifecycle
import machine
import natives
import overhead
import profiles
import startup
import tail
import texts
import throughput
from client import Missing
from figures import missing, progress, render, table
from servers import BINARY, ROOT

SECTIONS = {
    "lifecycle": [lifecycle.measure],
    "requests": [throughput.measure, tail.measure],
    "natives": [natives.measure],
    "json": [texts.measure],
    "footprint": [footprint.measure_instances, footprint.measure_sleepers],
    "startup": [startup.measure],
    "profiles": [profiles.measure_types, profiles.measure_accuracy, profiles.measure_quick_calls,
                 profiles.measure_delay],
    "overhead": [overhead.measure],
}
TABLE_MOST_S = 900  # three times what the longest takes
FAILURES = (Missing, OSError, RuntimeError, ValueError, LookupError, subprocess.SubprocessError)


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/run.sh benchmark", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="four minutes, less exact")
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / "build/benchmark.json",
                        metavar="FILE", help="where the JSON goes (build/benchmark.json)")
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
        raise TimeoutError(f"it took more than {TABLE_MOST_S} s")

    signal.signal(signal.SIGALRM, on_alarm)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def measure(section, function, quick):
    """One table; what could not be measured is a row that says why."""
    began = time.monotonic()
    signal.alarm(TABLE_MOST_S)
    try:
        made = function(quick)
    except FAILURES as error:
        what = f"{function.__module__}.{function.__name__}"
        why = str(error) if isinstance(error, Missing) else f"{type(error).__name__}: {error}"
        made = table(section, "", [missing(what, " ".join(why.split()))])
    finally:
        signal.alarm(0)
    return {"section": section, **made, "seconds": round(time.monotonic() - began, 1)}


def main():
    chosen = arguments()
    if not BINARY.exists():
        sys.exit(f"{BINARY} is not built")
    bound()
    began = time.monotonic()
    report = {**machine.describe(), "quick": chosen.quick, "tables": []}
    print("\n".join(f"{name:12} {value}" for name, value in report.items() if name != "tables"))
    for section, functions in SECTIONS.items():
        for function in functions if not chosen.sections or section in chosen.sections else ():
            report["tables"].append(measure(section, function, chosen.quick))
            progress("")
            print(render(report["tables"][-1]), flush=True)
    report["seconds"] = round(time.monotonic() - began, 1)
    finish(report, chosen.json)


def finish(report, file):
    """Writes the file; ends with a sentence if something could not be measured."""
    rows = [row for one in report["tables"] for row in one["rows"]]
    lost = [f"{row['name']} ({row['missing']})" for row in rows if "missing" in row]
    goals = [row["met"] for row in rows if "met" in row]
    print(f"\n{sum(goals)} of {len(goals)} goals met, in {report['seconds']:.0f} s; {file}")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(report, indent=1) + "\n")
    if lost:
        sys.exit(f"not measured: {'; '.join(lost)}")


if __name__ == "__main__":
    main()
