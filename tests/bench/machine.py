# SPDX-License-Identifier: MIT
"""machine.py - where and of what the figures are."""

import datetime
import os
import pathlib
import re
import subprocess

from servers import ROOT


def _first(pattern, path):
    try:
        found = re.search(pattern, pathlib.Path(path).read_text(), re.M)
    except OSError:
        found = None
    return found[1].strip() if found else "unknown"


def _commit():
    try:
        said = subprocess.run(["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=ROOT,
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              check=False)
    except FileNotFoundError:
        return "unknown"
    return said.stdout.strip() or "unknown"


def describe():
    """What the output begins with."""
    memory_kib = int(_first(r"^MemTotal: +(\d+) kB", "/proc/meminfo"))
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "processor": _first(r"^model name\s*: (.*)$", "/proc/cpuinfo"),
        "processors": os.cpu_count(),
        "memory": f"{memory_kib / (1 << 20):.1f} GiB",
        "kernel": os.uname().release,
        "debian": _first(r"(.*)", "/etc/debian_version"),
        "load before": f"{os.getloadavg()[0]:.2f}",
        "commit": _commit(),
    }
