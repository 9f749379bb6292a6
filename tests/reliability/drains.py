# SPDX-License-Identifier: MIT
"""Servers under load, of kept connections and of fresh ones, with calls that last, get SIGTERM
or SIGINT: what became of each request that was sent, and how long the end took."""

import collections
import signal
import statistics
import time

from pressure import Pressure
from server import Background, Server, wait_until

NAME = "drains"
LASTING = 4  # calls of LASTING_MS that run when the signal comes
LASTING_MS = 300


def drain(number, seen):
    """One server's end; (its exit status, seconds, how many of the lasting calls ended well)."""
    with Server(flags=["--workers", "2"]) as server:
        with Pressure(server.port, 6, 6) as load:
            wait_until(lambda: load.answered() > 300, "some load")
            calls = [Background(server, "sleep", {"ms": LASTING_MS}) for _ in range(LASTING)]
            server.wait_in_flight("sleep", LASTING)
            began = time.monotonic()
            server.process.send_signal(number)
            status = server.process.wait(60)
            seconds = time.monotonic() - began
            well = sum(call.reply().status_code == 200 for call in calls)
        seen.update(load.seen)
    return status, seconds, well


def run(options):
    count, seen = 10 if options.quick else 50, collections.Counter()
    signals = [signal.SIGTERM, signal.SIGINT]
    ends = [drain(signals[i % 2], seen) for i in range(count)]
    statuses, times, well = zip(*ends)
    sent = sum(seen.values()) - seen["not taken"]
    odd = {word: number for word, number in seen.items()
           if word not in ("200", "503", "crossed", "not taken", "lost")}
    return [
        {"what": f"requests lost in {count} drains", "goal": "0",
         "seen": f"{seen['lost']} of {sent}", "met": seen["lost"] == 0 and not odd},
        {"what": "of them refused with 503 draining", "goal": "", "seen": f"{seen['503']}",
         "met": None},
        {"what": "sent as their kept connection was closed unread", "goal": "",
         "seen": f"{seen['crossed']}", "met": None},
        {"what": f"running calls of {LASTING_MS} ms that ended with 200", "goal": "all",
         "seen": f"{sum(well)} of {LASTING * count}", "met": sum(well) == LASTING * count},
        {"what": "exit status 0", "goal": "all", "seen": f"{statuses.count(0)} of {count}",
         "met": statuses.count(0) == count},
        {"what": "from the signal to the end, s", "goal": "",
         "seen": f"{statistics.median(times):.2f} (most {max(times):.2f})", "met": None},
    ]
