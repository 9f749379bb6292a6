# SPDX-License-Identifier: MIT
"""startup.py - how soon the server answers, and what it holds when idle."""

from figures import progress, row, table
from servers import Faas

START_MS_MOST, IDLE_MIB_MOST = 100, 40


def measure(quick):
    """The table of starts."""
    rounds = 5 if quick else 10
    started, pss, rss, processes = [], [], [], 0
    for turn in range(rounds):
        progress(f"startup: start {turn + 1} of {rounds}")
        with Faas() as server:
            started.append(server.started_ms)
            pss.append(server.memory_kib("Pss") / 1024)
            rss.append(server.memory_kib("Rss") / 1024)
            processes = len(server.family())
    return table("startup", f"{rounds} starts with default settings: {processes} processes. Pss"
                 " counts shared pages once, Rss once for each process.",
                 [row("exec to the first 200 on /health", started, "ms", most=START_MS_MOST),
                  row("idle memory, Pss", pss, "MiB", most=IDLE_MIB_MOST),
                  row("idle memory, Rss", rss, "MiB", most=IDLE_MIB_MOST)])
