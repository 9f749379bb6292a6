# SPDX-License-Identifier: MIT
"""startup.py - how soon the server answers, what it holds when idle, what a call of nothing costs."""

import http.client
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("FAAS_SERVER", str(ROOT / "build/release/faas-server"))
RUNS, CALLS, WARM_UP = 10, 2000, 200
PATIENCE_S = 30
NOTHING = "return function() return {} end\n"


class Server:
    """A server with default settings and one function more, which does nothing."""

    def __init__(self):
        self.home = tempfile.TemporaryDirectory(prefix="faas-bench-")
        folder = pathlib.Path(self.home.name, "functions")
        folder.mkdir()
        (folder / "nothing.lua").write_text(NOTHING)
        self.log = pathlib.Path(self.home.name, "log")
        command = [BINARY, "--listen", "127.0.0.1:0", "--functions", str(folder)]
        with self.log.open("wb") as log:
            self.began = time.perf_counter()
            self.process = subprocess.Popen(command, stderr=log)

    def __enter__(self):
        try:
            self.http = http.client.HTTPConnection("127.0.0.1", int(self._wait_port()))
            self._wait(lambda: self.get("/health") == 200, 0.0001)
        except BaseException:
            self.__exit__()
            raise
        self.started_ms = (time.perf_counter() - self.began) * 1000
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.home.cleanup()

    def _wait(self, condition, pause_s):
        """Polls until `condition` is true; how often bounds what the start's figure is off by."""
        end = time.monotonic() + PATIENCE_S
        while not (value := condition()):
            if self.process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{BINARY} did not start:\n{self.log.read_text()}")
            time.sleep(pause_s)
        return value

    def _wait_port(self):
        found = self._wait(lambda: re.search(r"listening url=\S+:(\d+)", self.log.read_text()),
                           0.0001)
        return found[1]

    def get(self, path, method="GET"):
        """The status; the reply's headers are kept."""
        try:
            self.http.request(method, path, b"{}" if method == "POST" else None)
            reply = self.http.getresponse()
            reply.read()
        except (ConnectionError, http.client.HTTPException):
            self.http.close()
            return 0
        self.headers = reply.headers
        return reply.status

    def wait_ready(self):
        self._wait(lambda: self.get("/ready") == 200, 0.005)

    def family(self):
        """The server's pid and those of its children."""
        pid = self.process.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [str(pid), *children]

    def memory_mib(self, kind):
        texts = [pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self.family()]
        return sum(int(re.search(rf"^{kind}: +(\d+) kB$", text, re.M)[1]) for text in texts) / 1024

    def phases(self, start):
        """{phase: milliseconds} of one call."""
        status = self.get(f"/fn/invoke/nothing?start={start}", "POST")
        if status != 200 or self.headers["x-start"] != start:
            raise SystemExit(f"a {start} call got {status}, started {self.headers['x-start']}")
        return {name: float(value) for name, value
                in re.findall(r"(\w+);dur=([\d.]+)", self.headers["server-timing"])}


def show(title, columns, rows):
    width = max(len(name) for name, _ in rows)
    print(f"{title:{width}}" + "".join(f"{column:>10}" for column in columns))
    for name, values in rows:
        print(f"{name:{width}}" + "".join(f"{value:10.3f}" for value in values))
    print()


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure_starts():
    """Starts it RUNS times; prints how long each took and what it then held."""
    figures = {"exec to first 200 on /health, ms": [], "idle, sum of Pss, MiB": [],
               "idle, sum of Rss, MiB": []}
    processes = 0
    for _ in range(RUNS):
        with Server() as server:
            server.wait_ready()
            figures["exec to first 200 on /health, ms"].append(server.started_ms)
            figures["idle, sum of Pss, MiB"].append(server.memory_mib("Pss"))
            figures["idle, sum of Rss, MiB"].append(server.memory_mib("Rss"))
            processes = len(server.family())
    show(f"start, {RUNS} runs, {processes} processes", ["median", "min", "max"],
         [(name, (statistics.median(values), min(values), max(values)))
          for name, values in figures.items()])


def measure_calls():
    """Calls of a function that does nothing, one after another; prints what their phases took."""
    rows = []
    with Server() as server:
        server.wait_ready()
        server.get("/fn/warmpool/nothing?size=16", "POST")
        for start in ("cold", "warm"):
            for _ in range(WARM_UP):
                server.phases(start)
            seen = [server.phases(start) for _ in range(CALLS)]
            for phase in seen[0]:
                values = [1000 * call[phase] for call in seen]
                rows.append((f"{start} {phase}", (percentile(values, .5), percentile(values, .99))))
            total = [1000 * sum(call.values()) for call in seen]
            rows.append((f"{start} sum", (percentile(total, .5), percentile(total, .99))))
    show(f"phases of {CALLS} calls, us", ["p50", "p99"], rows)


if __name__ == "__main__":
    measure_starts()
    measure_calls()
