# SPDX-License-Identifier: MIT
"""A server under load, of kept connections and of fresh ones, gets SIGHUP again and again: new
front, new workers, no failed request."""

import statistics
import time

from pressure import Pressure
from server import Server, wait_until

NAME = "restarts"


def run(options):
    count, times, fronts = 20 if options.quick else 100, [], set()
    with Server(flags=["--workers", "2"]) as server:
        with Pressure(server.port, 6, 6) as load:
            for _ in range(count):
                answered, began = load.answered(), time.monotonic()
                server.reload()
                times.append(time.monotonic() - began)
                fronts.add(server.front())
                wait_until(lambda more=answered + 100: load.answered() > more, "some load")
        server.session.close()
        wait_until(lambda: len(server.family()) == 5, "the processes before to end")
    failed = {word: number for word, number in load.seen.items() if word != "200"}
    return [
        {"what": f"requests failed in {count} reloads", "goal": "0",
         "seen": f"{sum(failed.values())} of {sum(load.seen.values())}"
                 + (f" ({failed})" if failed else ""), "met": not failed},
        {"what": "fronts that served", "goal": f"{count}", "seen": f"{len(fronts)}",
         "met": len(fronts) == count},
        {"what": "from the signal until the new ones serve, ms", "goal": "",
         "seen": f"{1000 * statistics.median(times):.0f} (most {1000 * max(times):.0f})",
         "met": None},
    ]
