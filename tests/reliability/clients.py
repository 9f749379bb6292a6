# SPDX-License-Identifier: MIT
"""Clients that stall, hoard, never read, smuggle, or take back what they asked for, beside calls of
a function that does nothing at a steady rate. The p99 of those is compared with its idle value just
before; the memory of the front is what it grew by. Attackers get what others leave of the
processors, as they would be on other machines."""

import collections
import concurrent.futures
import fcntl
import functools
import itertools
import os
import pathlib
import resource
import select
import socket
import statistics
import sys
import threading

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "hostile"))
import frames  # pylint: disable=wrong-import-position
import watch  # pylint: disable=wrong-import-position
from load import Load, invoke  # pylint: disable=wrong-import-position
from server import Server, wait_until  # pylint: disable=wrong-import-position

NAME = "clients"
RATE = 250  # healthy calls a second
SECONDS, SECONDS_QUICK = 8, 3
ROUNDS, ROUNDS_QUICK = 3, 1
P99_MOST = 2
BUFFERS_MIB = 64
CONNECTION_KIB = 16  # what a connection may cost beside its buffers
STEP_S = 0.05
RESETS = 500  # in one write
LARGE_DESCRIPTOR = 2000
REPLACED_MOST = 3  # in a step: floods are another matter

FUNCTIONS = {
    "noop": "return function() return {} end",
    "big": 'return function() return {text = ("x"):rep(5 * 1024 * 1024)} end',
}
FLAGS = ["--read-timeout-ms", "3000", "--write-stall-ms", "3000", "--connections-max", "12000",
         "--buffers-max", str(BUFFERS_MIB << 20), "--http2"]
HEAD = b"POST /fn/invoke/noop HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


# -- Attacks ---------------------------------------------------------------------------------------
# Generators: up to the first yield they prepare; then they are resumed each STEP_S. What comes of
# their connections is counted in `seen`.

def connect(server, small=False):
    raw = socket.socket()
    if small:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", server.port))
    # The load waits by select, which takes small descriptors alone.
    moved = socket.socket(fileno=fcntl.fcntl(raw.fileno(), fcntl.F_DUPFD, LARGE_DESCRIPTOR))
    raw.close()
    moved.setblocking(False)
    return moved


def send(raw, data):
    """False when the server has closed the connection."""
    poll = select.poll()
    poll.register(raw, select.POLLRDHUP)
    try:
        raw.send(data)
    except BlockingIOError:
        pass
    except OSError:
        return False
    return not poll.poll(0)


def slow(server, seen, first, more, count, small=False, replaced=REPLACED_MOST):
    """Keeps `count` connections that send `first`, then `more` a little at a time; of those that
    the server closes, `replaced` a step are opened anew. A twentieth of them gets its turn in each
    step."""
    raws = []
    try:
        for _ in range(count):
            raws.append(connect(server, small))
            send(raws[-1], first)
        wait_until(lambda: server.stats("big")["in_flight"] == 0, "the calls to end")
        for turn in itertools.count():
            yield
            ended = [i for i in range(turn % 20, count, 20) if not send(raws[i], more)]
            seen["closed"] = max(seen["closed"], len(ended))
            for i in ended[:replaced]:
                raws[i].close()
                raws[i] = connect(server, small)
                send(raws[i], first)
                seen["replaced"] += 1
    finally:
        for raw in raws:
            raw.close()


def short_lived(server, seen, shapes, at_once):
    """Some connections a step, each with the next of `shapes`, and one that must not be served."""
    for turn in itertools.count():
        yield
        raws = [connect(server) for _ in range(at_once)]
        for i, raw in enumerate(raws):
            send(raw, shapes[(turn * at_once + i) % len(shapes)])
        for raw in raws:
            raw.setblocking(True)
            raw.settimeout(5)
            seen[answers(raw)] += 1
            raw.close()


def answers(raw):
    """The statuses that come before the end of the connection."""
    found = b""
    try:
        while piece := raw.recv(1 << 16):
            found += piece
    except OSError:
        pass
    return " ".join(part[:3].decode() for part in found.split(b"HTTP/1.1 ")[1:]) or "closed"


def pipelining(server, seen):
    """A thousand requests in one write, and again once they have been answered."""
    while True:
        yield
        with socket.create_connection(("127.0.0.1", server.port), 5) as raw:
            raw.sendall(GET * 999 + GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            seen["in order" if answers(raw) == " ".join(["200"] * 1000) else "wrong"] += 1


def rapid_resets(server, seen):
    batch = frames.hello() + b"".join(frames.invoke(i, b"noop") + frames.reset(i)
                                      for i in range(1, 2 * RESETS, 2))
    while True:
        yield
        with socket.create_connection(("127.0.0.1", server.port), 5) as raw:
            try:
                raw.sendall(batch)
                seen["resets"] += RESETS
                frames.wait_closed(raw)
                seen["closed"] += 1
            except OSError:
                seen["closed"] += 1


def smuggling_shapes():
    both = [b"Content-Length: 2", b"Transfer-Encoding: chunked"]
    heads = [[both[0], b"Content-Length: 40"], both, both[::-1], [both[1], b"Transfer-Encoding: x"],
             [b"Content-Length: 2, 2"], [b"Content-Length : 2"], [b"X: y\nContent-Length: 2"],
             [b"Host: other", both[0]]]
    shapes = [HEAD + b"\r\n".join([*lines, b"", b"2\r\n{}\r\n0\r\n\r\n"]) + GET for lines in heads]
    return shapes + [HEAD + both[1] + b"\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n" + GET]


def idle_most():
    """As many as this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(10000, (hard if soft else soft) - 500)


def attacks():
    """(what, connections, generator, whether what was seen is as it should be)"""
    idle = idle_most()
    body = HEAD + b"Content-Length: 1000000\r\n\r\n"
    refused = lambda seen: seen and not any("200" in key for key in seen)
    closed = lambda seen: seen["closed"] > 0  # the most that were in one step
    huge = [GET[:-2] + b"Connection: close\r\nX: " + b"x" * 100000 + b"\r\n" * 2,
            GET[:-2] + b"X: y\r\n" * 200 + b"\r\n", b"GET /" + b"x" * 500000]
    return [
        ("slow headers", 1000, functools.partial(slow, first=HEAD, more=b"X", count=1000), closed),
        ("slow bodies", 1000, functools.partial(slow, first=body, more=b"{", count=1000), closed),
        ("half bodies of 900 KB", 200,
         functools.partial(slow, first=body + b" " * 900000, more=b" ", count=200), closed),
        ("replies of 5 MiB that nobody reads", 200,
         functools.partial(slow, first=invoke("big") * 5, more=b" ", count=200, small=True,
                           replaced=0), closed),
        (f"{idle:,} idle connections", idle,
         functools.partial(slow, first=GET, more=b"", count=idle), lambda seen: not closed(seen)),
        ("pipelining, a thousand requests each", 1, pipelining,
         lambda seen: set(seen) == {"in order"}),
        ("smuggling shapes", 4,
         functools.partial(short_lived, shapes=smuggling_shapes(), at_once=4), refused),
        ("huge and many headers", 2, functools.partial(short_lived, shapes=huge, at_once=1),
         lambda seen: bool(seen)),
        ("HTTP/2 requests, each reset at once", 1, rapid_resets, closed),
    ]


# -- Measuring -------------------------------------------------------------------------------------

def judge(_, status, __):
    return "ok" if status == 200 else str(status)


def healthy(server, seconds, attack=lambda over: None):
    """`attack(over)` goes on meanwhile, until `over` is set."""
    over = threading.Event()
    with Load(server.port, lambda: (invoke("noop"), None), judge, RATE,
              count=RATE * seconds) as load, concurrent.futures.ThreadPoolExecutor(1) as threads:
        attacked = threads.submit(attack, over)
        try:
            return load.wait()
        finally:
            over.set()
            attacked.result()


class Round:
    """Idle, then under attack."""

    def __init__(self, server, attack, seconds, seen):
        self.idle = healthy(server, seconds)
        before, self.grown_kib = watch.rss_kib(server.front()), 0
        steps = attack(server, seen)

        def go_on(over):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))  # this thread
            while not over.wait(STEP_S):
                next(steps)
                self.grown_kib = max(self.grown_kib, watch.rss_kib(server.front()) - before)

        try:
            next(steps)
            self.attacked = healthy(server, seconds, go_on)
        finally:
            steps.close()
        self.ratio = self.attacked.p99_ms() / self.idle.p99_ms()


def rows_of(what, connections, attack, is_right, options):
    seen = collections.Counter()
    seconds, rounds = (SECONDS_QUICK, ROUNDS_QUICK) if options.quick else (SECONDS, ROUNDS)
    flags = [*FLAGS, *(["--read-timeout-ms", "60000"] if "idle" in what else [])]
    with Server(FUNCTIONS, flags) as server:
        done = [Round(server, attack, seconds, seen) for _ in range(rounds)]
    ratio = statistics.median(one.ratio for one in done)
    lost = sum((one.attacked.counts() for one in done), collections.Counter())
    grown = max(one.grown_kib for one in done) / 1024
    most = 3 * BUFFERS_MIB + connections * CONNECTION_KIB / 1024
    yield {"what": f"{what}: healthy p99, to idle", "goal": f"at most {P99_MOST}",
           "seen": f"{ratio:.2f} ({done[-1].idle.p99_ms():.2f} to "
                   f"{done[-1].attacked.p99_ms():.2f} ms)", "met": ratio <= P99_MOST}
    yield {"what": f"{what}: healthy calls", "goal": "all well",
           "seen": ", ".join(f"{key}: {n}" for key, n in lost.items()), "met": set(lost) == {"ok"}}
    yield {"what": f"{what}: the front grew by", "goal": f"at most {most:.0f} MiB",
           "seen": f"{grown:.1f} MiB", "met": grown <= most}
    yield {"what": f"{what}: what came of them", "goal": "closed, or the right status",
           "seen": ", ".join(f"{key}: {n}" for key, n in seen.items())[:200] or "kept",
           "met": bool(is_right(seen))}


def run(options):
    for what, connections, attack, is_right in attacks():
        yield from rows_of(what, connections, attack, is_right, options)
