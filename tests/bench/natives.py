# SPDX-License-Identifier: MIT
"""natives.py - the natives beside libraries of Debian that do the same, by natives_benchmark."""

import json
import os
import statistics
import subprocess

from figures import missing, number, progress, table
from servers import BUILD

MOST_S = {True: 60, False: 240}
STEERING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # would change what OpenBLAS is


def times(name, values):
    return (f"{name} {number(statistics.median(values))} ms"
            f" ({number(min(values))}..{number(max(values))})")


def row_of(said):
    """The row of one line that the program printed."""
    name = " ".join(filter(None, (said["native"], said.get("case"))))
    if "missing" in said:
        return missing(name, f"{said['missing']} is not there")
    return {"name": f"{name} / {said['reference']}", "unit": "times", "median": said["ratio"],
            "goal": said["goal"], "met": said["met"], "ours_ms": said["ours_ms"],
            "reference_ms": said["reference_ms"],
            "note": f"{times('ours', said['ours_ms'])},"
                    f" {times('theirs', said['reference_ms'])}"}


def run(program, quick):
    """The program's rows."""
    kept = {name: value for name, value in os.environ.items() if name not in STEERING}
    done = subprocess.run([program, *(["--quick"] if quick else [])], env=kept, text=True,
                          stdout=subprocess.PIPE, timeout=MOST_S[quick], check=True)
    return [row_of(json.loads(line)) for line in done.stdout.splitlines() if line.strip()]


def measure(quick):
    """The table of natives."""
    program = BUILD / "natives_benchmark"
    progress("natives")
    rows = (run(program, quick) if program.exists()
            else [missing("natives_benchmark", "the program is not built")])
    return table("natives", "Each beside a library of Debian that does the same, in alternating"
                 " runs of one thread.", rows)
