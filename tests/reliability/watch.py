# SPDX-License-Identifier: MIT
"""watch.py - what a server's processes use, and which of them have died."""

import os
import pathlib
import re

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


def cpu_s(server):
    """Processor time of all its processes, also of those that have ended."""
    ticks = 0
    for pid in pids(server):
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
        fields = text[text.rindex(")") + 2:].split()
        ticks += sum(map(int, fields[11:15 if pid == server.pid else 13]))
    return ticks / TICKS


class Busy:
    """How much of the machine's processors was used while it was open, in per cent: by all, and by
    the server."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        self.began, self.server_began = busy_s(), cpu_s(self.server)
        return self

    def __exit__(self, *_):
        used, could = (now - before for now, before in zip(busy_s(), self.began))
        self.could_s = max(could, 1e-9)
        self.all = 100 * used / self.could_s
        self.ours = 100 * (cpu_s(self.server) - self.server_began) / self.could_s

    def describe(self, client_s):
        """What the server, its clients, and others had of the processors."""
        client = 100 * client_s / self.could_s
        return (f"server {self.ours:.0f} %, clients {client:.0f} %,"
                f" others {max(0, self.all - self.ours - client):.0f} %")
