# SPDX-License-Identifier: MIT
"""A function file is replaced again and again under load, by a rename and in place by turns: no
failed call, and none that is of two versions."""

import statistics
import time

from pressure import Pressure
from server import Server, wait_until
from versions import by_rename, in_pieces, look, text_of, tools_of

NAME = "reloads"


def run(options):
    count, times = 100 if options.quick else 1000, []
    with Server({"changing": text_of(0), "lib/tools": tools_of(0)}, ["--workers", "2"]) as server:
        with Pressure(server.port, 6, 2, "changing", b"", look) as load:
            wait_until(lambda: load.seen[0], "some load")
            for version in range(1, count + 1):
                began = time.monotonic()
                write = in_pieces if version % 2 else by_rename
                write(server.folder / "changing.lua", text_of(version))
                wait_until(lambda wanted=version: load.seen[wanted], f"version {version}")
                times.append(time.monotonic() - began)
    calls, mixed = sum(load.seen.values()), load.seen["mixed"]
    failed = {word: number for word, number in load.seen.items()
              if isinstance(word, str) and word != "mixed" and number}
    return [
        {"what": f"calls failed in {count} reloads of a function", "goal": "0",
         "seen": f"{sum(failed.values())} of {calls}" + (f" ({failed})" if failed else ""),
         "met": not failed},
        {"what": "calls of two versions, or of half a file", "goal": "0", "seen": f"{mixed}",
         "met": mixed == 0},
        {"what": "from the write to the first reply of it, ms", "goal": "",
         "seen": f"{1000 * statistics.median(times):.0f} (most {1000 * max(times):.0f})",
         "met": None},
    ]
