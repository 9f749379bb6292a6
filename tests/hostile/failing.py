# SPDX-License-Identifier: MIT
"""failing.py - servers in which allocations and forks fail when they are told to."""

import contextlib
import mmap
import pathlib
import struct
import subprocess
import tempfile
import time

import requests

from server import BINARY, Server, wait_until

HANG_S = 20  # longer than anything here takes
SOURCE = pathlib.Path(__file__).with_name("failing.c")
SANITIZED = "/asan/" in BINARY or "/tsan/" in BINARY  # those have allocators of their own
LAYOUT = struct.Struct("iiqqqq")  # struct orders of failing.c
PID, FORKS, FIRST, EVERY, COUNT, FAILED = range(6)


class Orders:
    """What fails, in the server that is started with `env`."""

    def __init__(self):
        self.home = tempfile.TemporaryDirectory(prefix="faas-failing-")
        library, file = (pathlib.Path(self.home.name, name) for name in ("failing.so", "orders"))
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
        file.write_bytes(bytes(LAYOUT.size))
        with file.open("r+b") as opened:
            self.memory = mmap.mmap(opened.fileno(), LAYOUT.size)
        self.env = {"LD_PRELOAD": str(library), "FAILING_ORDERS": str(file)}

    def get(self, which):
        return LAYOUT.unpack(self.memory)[which]

    def _set(self, *values):
        self.memory[:] = LAYOUT.pack(*values)

    @contextlib.contextmanager
    def allocations(self, pid, first, every=0):
        """The first-th allocation of `pid` from now on fails, and each `every`-th after it."""
        self._set(0, 0, first, every, 0, 0)
        self._set(pid, 0, first, every, 0, 0)
        try:
            yield
        finally:
            self._set(0, 0, 0, 0, self.get(COUNT), self.get(FAILED))

    def fail_forks(self, count):
        self._set(0, count, 0, 0, 0, 0)

    def close(self):
        self.memory.close()
        self.home.cleanup()


@contextlib.contextmanager
def failing_server(functions, flags=()):
    """(server, orders); the server may lose front and workers."""
    orders = Orders()
    try:
        with Server(functions, flags, env=orders.env) as server:
            server.expected_faults = "died|out of memory"
            yield server, orders
    finally:
        orders.close()


# -- Requests that are right, refused, or cut off; never wrong, never without an end ---------------

FUNCTIONS = {
    "echo": "return function(p) return p end",
    "strict": 'return {params = {n = {type = "integer", max = 9}},\n'
              "  handler = function(p) return {n = p.n} end}",
    "asks": 'return function(p, ctx) return {child = ctx.invoke("echo", p) or "none"} end',
}
TEXT = "x" * 3000
BODY = {"n": 7, "text": TEXT}


def has(**wanted):
    return lambda body: all(body[key] == value for key, value in wanted.items())


# (method, path, body, what a good reply holds)
REQUESTS = [
    ("POST", "/fn/invoke/echo", BODY, has(**BODY)),
    ("POST", "/fn/invoke/echo?start=warm", BODY, has(**BODY)),
    ("POST", "/fn/invoke/strict", {"n": 5}, has(n=5)),
    ("POST", "/fn/invoke/asks", BODY,
     lambda body: body["child"] == "none" or body["child"]["text"] == TEXT),
    ("POST", "/fn/burst/echo?count=3", BODY,
     lambda body: len(body["results"]) == 3 and all(
         one.get("text") == TEXT or one.get("code") in REFUSALS for one in body["results"])),
    ("POST", "/fn/chain", {"chain": ["echo", "echo"], "params": BODY},
     lambda body: [step["result"]["text"] for step in body["steps"]] == [TEXT] * 2),
    ("POST", "/fn/warmpool/echo?size=2", None, has(function="echo")),
    ("DELETE", "/fn/warmpool/echo", None, has(function="echo")),
    ("GET", "/fn/list", None, has()),  # a new front may not have read them yet
    ("GET", "/fn/stats", None, has()),
]
# What may be said to a good request when there is no memory.
REFUSALS = {"internal", "memory_limit", "worker_crashed", "queue_full", "queue_timeout",
            "function_broken", "draining"}


def complaint(server, request):
    """What is wrong with the outcome of a request, or None."""
    method, path, body, is_right = request
    try:
        reply = requests.request(method, server.url + path, json=body, timeout=HANG_S)
    except requests.ConnectionError:
        return None  # cut off
    except requests.Timeout:
        return f"{path}: no answer"
    said = reply.json()
    if reply.status_code == 200 and is_right(said):
        return None
    if reply.status_code >= 500 and said.get("code") in REFUSALS:
        return None
    return f"{path}: {reply.status_code} {reply.text[:200]}"


def renew(server):
    """Functions whose workers aborted three times are served again when their files change."""
    for name, text in FUNCTIONS.items():
        server.write(name, f"{text} -- {time.monotonic_ns()}")


def recovers(server):
    """Waits until every request is answered well again."""
    def well():
        try:
            statuses = {requests.request(method, server.url + path, json=body,
                                         timeout=HANG_S).status_code
                        for method, path, body, _ in REQUESTS}
        except requests.ConnectionError:
            return False
        if 503 in statuses:
            renew(server)
        return statuses == {200}

    wait_until(well, "the server to recover")


def sweep(server, orders, find_pid, points):
    """Runs the requests once for each (first, every) of `points`; complaints, and how many
    allocations failed."""
    wrong, failed = [], 0
    for first, every in points:
        with orders.allocations(find_pid(server), first, every):
            wrong += [f"{first}/{every}: {said}" for said in
                      (complaint(server, one) for one in REQUESTS) if said]
        failed += orders.get(FAILED)
        recovers(server)
    return wrong, failed


def a_worker(server):
    return min(wait_until(server.workers, "a worker").values())
