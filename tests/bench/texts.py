# SPDX-License-Identifier: MIT
"""texts.py - JSON in a worker beside lua-cjson and beside jansson trees, by json_benchmark."""

import json
import subprocess

from figures import missing, progress, ratios, row, table
from servers import BUILD

MOST_S = 120


def size(count):
    return f"{count} bytes" if count < 1000 else f"{count / 1e6:.0f} MB"


def rows_of(said):
    """A row for each way and direction of one size, and its ratio to the worker's own."""
    ours = {one["direction"]: one for one in said if one["way"] == "worker"}
    for one in said:
        name = f"{one['direction']} {size(one['bytes'])}: {one['way']}"
        memory = f"takes {one['memory'] / 1e6:.1f} MB" if one["bytes"] > 1000 else ""
        yield row(name, one["us"], "us", note=memory)
        if one["way"] != "worker":
            yield row(f"{name}, worker's time to it", ratios(ours[one["direction"]]["us"], one["us"]),
                      "times")


def measure(_quick):
    """The table of JSON."""
    program = BUILD / "json_benchmark"
    progress("json")
    how = ("One process, without load: an object and a list of 50,000, which a function returns or"
           " gets. Memory is what the heap grows by; lua-cjson's buffer, which malloc gives, is not in it."
           " `trees` is jansson, as workers had it before lua-cjson.")
    if not program.exists():
        return table("json", how, [missing("json_benchmark", "the program is not built")])
    done = subprocess.run([program], text=True, stdout=subprocess.PIPE, timeout=MOST_S, check=True)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    sizes = sorted({one["bytes"] for one in said})
    return table("json", how, [made for bytes_ in sizes for made in
                               rows_of([one for one in said if one["bytes"] == bytes_])])
