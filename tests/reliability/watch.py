# SPDX-License-Identifier: MIT
"""watch.py - what a server's processes use, and which of them have died."""

import os
import pathlib
import re
import time

TICKS = os.sysconf("SC_CLK_TCK")
DIED = re.compile(r"(front|worker) died pid=\d+ (signal|exit)=(\d+)")
ENDED = re.compile(r"worker is ended: its call ran past the deadline .*function=(\S+)")


def pids(server):
    return [server.pid, *server.children().values()]


def pss_kib(server):
    """Of all its processes; what they share counts once."""
    texts = [pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids(server)]
    return sum(int(re.search(r"^Pss: +(\d+) kB$", text, re.M)[1]) for text in texts)


def rss_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.M)[1])


def descriptors(server):
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids(server))


def deaths(server):
    """[(front or worker, "signal 9" or "exit 1")], as the supervisor logged them."""
    return [(who, f"{how} {number}") for who, how, number in DIED.findall(server.log())]


def ended_by_rule(server):
    """Functions whose calls were stuck, so that their workers were killed; one for each death."""
    return ENDED.findall(server.log())


def busy_s():
    """Processor time that all the machine has used so far, and what it could have."""
    line = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0]
    fields = [int(field) for field in line.split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS, sum(fields) / TICKS


class Busy:
    """How much of the processors was used while it was open, in per cent."""

    def __enter__(self):
        self.began, self.clock = busy_s(), time.monotonic()
        return self

    def __exit__(self, *_):
        used, could = (now - before for now, before in zip(busy_s(), self.began))
        self.per_cent = 100 * used / max(could, 1e-9)
        self.seconds = time.monotonic() - self.clock
