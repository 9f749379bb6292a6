# SPDX-License-Identifier: MIT
"""profiles.py - what profiles show of each function, and how exact they are."""

import concurrent.futures
import json
import pathlib
import sys
import threading

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "http"))
import pprof  # pylint: disable=wrong-import-position
from client import (  # pylint: disable=wrong-import-position
    PATIENCE_S, Connection, invoke, request, wrk)
from figures import progress, row, table  # pylint: disable=wrong-import-position
from servers import Faas  # pylint: disable=wrong-import-position

TYPES = {"profile": "cpu", "wall": "wall", "allocs": "alloc", "mutex": "mutex"}
# Which types each function has to appear in.
EXPECTED = {
    "fibonacci": "cpu wall", "hash": "cpu wall", "matrix": "cpu wall alloc",
    "regex": "cpu wall", "compress": "cpu wall alloc", "primes": "cpu wall",
    "sort": "cpu wall alloc", "contention": "cpu wall mutex", "transform": "wall alloc",
    "sleep": "wall", "fanout": "wall",
}
PARAMETERS = {"hash": {"rounds": 100000}, "contention": {"iterations": 5000},
              "matrix": {"dim": 256}, "primes": {"limit": 20000000}, "sleep": {"ms": 100},
              "fanout": {"count": 4, "function": "sleep", "params": {"ms": 50}}}
CONNECTIONS, POOL = 64, 64


def profile(server, name, seconds):
    with Connection(server.port, seconds + PATIENCE_S) as connection:
        path = f"/debug/pprof/{name}?seconds={seconds}"
        return pprof.decode(connection.ask(request("GET", path))[2])


def while_profiled(server, names, seconds, work):
    """The profiles of `seconds` in which `work(connection)` is done over and over."""
    over = threading.Event()

    def go_on():
        with Connection(server.port) as connection:
            while not over.is_set():
                work(connection)

    with concurrent.futures.ThreadPoolExecutor(len(names) + 1) as threads:
        done = threads.submit(go_on)
        asked = [threads.submit(profile, server, name, seconds) for name in names]
        try:
            profiles = {name: one.result() for name, one in zip(names, asked)}
        finally:
            over.set()
        done.result()
    return profiles


def samples(one):
    """(stack from the root, labels, last value) of each sample."""
    texts = one.string_table
    names = {function.id: texts[function.name] for function in one.function}
    places = {place.id: names[place.line[0].function_id] for place in one.location}
    for sample, labels in zip(one.sample, pprof.labels(one)):
        yield ([places[place] for place in reversed(sample.location_id)], labels,
               sample.value[-1])


# -- Which types show what -------------------------------------------------------------------------

def measure_types(quick):
    """The table of functions by types."""
    seconds = 2 if quick else 5
    rows = []
    with Faas() as server:
        for name, expected in EXPECTED.items():
            progress(f"profiles: {name}")
            call = invoke(name, body=json.dumps(PARAMETERS.get(name, {})).encode())
            seen = while_profiled(server, TYPES, seconds, lambda one, call=call: one.call(call))
            shown = [TYPES[kind] for kind, one in seen.items()
                     if any("run" in stack and labels.get("function") == name
                            for stack, labels, _ in samples(one))]
            lacking = set(expected.split()) - set(shown)
            rows.append(row(f"{name}: {' '.join(shown)}", [len(lacking)], "lacking", most=0,
                            note=f"to be seen in {expected}"))
    return table("profiles: which types show which function",
                 f"Each function is called for {seconds} s, one call after another; it appears in"
                 " a type that has a sample of its running part.", rows)


# -- How exact -------------------------------------------------------------------------------------

# Three places that take 70, 20 and 10 per cent; each `step` is as much work.
PLACES = {
    "compiled": ("cpu", "local n = 0 for i = 1, 300000 * times do n = n + i % 7 end return n"),
    "interpreted": ("cpu", "for i = 1, 1000 * times do pcall(error, i) end"),
    "native": ("cpu", "local hash = require('sha256').iterate('x', 4000 * times) return hash"),
    "parked": ("wall", "sleep(5 * times) return times"),
    "running": ("wall", "local n = 0 for i = 1, 300000 * times do n = n + i % 7 end return n"),
    "allocated": ("alloc", "local t = {} for i = 1, 200 * times do t[i] = {i} end return #t"),
}
SHARES = {"most": 70, "some": 20, "few": 10}
TOLERANCE = 3  # points


def function_of(body):
    parts = "\n".join(f"local function {name}(sleep)\n  local times = {share // 10}\n  {body}\nend"
                      for name, share in SHARES.items())
    calls = "\n".join(f"    local {name}_result = {name}(ctx.sleep)" for name in SHARES)
    return (f"{parts}\nreturn function(params, ctx)\n  for _ = 1, params.rounds or 5 do\n{calls}\n"
            "  end\n  return {}\nend\n")


def shares_of(one, name):
    """Per cent of the samples below the handler that have each place in their stack."""
    found = dict.fromkeys(SHARES, 0)
    for stack, labels, value in samples(one):
        for place in SHARES if labels.get("function") == name else ():
            if any(frame.endswith(f" {place}") for frame in stack):
                found[place] += value
    total = sum(found.values()) or 1
    return {place: 100 * value / total for place, value in found.items()}


def measure_accuracy(quick):
    """The table of how far shares are from what is known, and of the processor time."""
    seconds = 5 if quick else 30
    server, rows = Faas(), []
    for name, (_, body) in PLACES.items():
        (server.folder / "functions" / f"{name}.lua").write_text(function_of(body))
    with server:
        for name, (kind, _) in PLACES.items():
            progress(f"profiles: shares, {name}")
            key = next(key for key, value in TYPES.items() if value == kind)
            call = invoke(name)
            before = server.cpu_us()
            seen = while_profiled(server, [key], seconds, lambda one, call=call: one.call(call))
            took_us = server.cpu_us() - before
            shares = shares_of(seen[key], name)
            off = max(abs(shares[place] - share) for place, share in SHARES.items())
            rows.append(row(f"{kind}, {name}: off by at most", [off], "points", most=TOLERANCE,
                            note=" ".join(f"{share:.1f}" for share in shares.values())))
            if name in ("compiled", "native"):
                rows.append(told_row(f"{kind}, {name}", seen[key], took_us))
    return table("profiles: shares of 70, 20 and 10 per cent",
                 f"Three functions of a file take known shares; {seconds} s each.", rows)


def told_row(name, one, took_us):
    """How far the processor time in a profile is from what the kernel says of all processes."""
    told_us = sum(value for _, _, value in samples(one)) / 1000
    return row(f"{name}: processor time told, off by at most", [100 * abs(told_us / took_us - 1)],
               "per cent", most=TOLERANCE, note=f"{told_us / took_us:.3f} of the kernel's")


def measure_quick_calls(quick):
    """The table of the processor time that profiles tell of calls whose work is half the front's."""
    seconds = 5 if quick else 15
    rows = []
    with Faas() as server, concurrent.futures.ThreadPoolExecutor(1) as threads:
        server.add_warm(POOL)
        for start in ("cold", "warm"):
            progress(f"profiles: processor time of quick calls, {start}")
            load = threads.submit(wrk, server.port, f"/fn/invoke/noop?start={start}", seconds + 2,
                                  CONNECTIONS)
            before = server.cpu_us()
            one = profile(server, "profile", seconds)
            rows.append(told_row(f"noop, {start}", one, server.cpu_us() - before))
            for root in ("front", "supervisor", "worker"):
                told = sum(value for stack, _, value in samples(one) if stack[0] == root) / 1e9
                rows.append(row(f"noop, {start}: of these, {root}", [told], "s"))
            load.result()
    return table("profiles: processor time of supervisor, front and workers",
                 f"A profile of {seconds} s beside wrk -t1 -c{CONNECTIONS}; the kernel's account is"
                 " that of its clocks of all processes.", rows)


def measure_delay(quick):
    """The table of the delay in the mutex profile, beside what calls say that they waited."""
    call = invoke("contention", body=b'{"threads":4,"iterations":1000}')
    said_ms = 0
    with Faas() as server, Connection(server.port) as connection:
        for turn in range(calls := 20 if quick else 100):
            progress(f"profiles: mutex delay, {turn + 1} of {calls}")
            said_ms += json.loads(connection.ask(call)[2])["waited_ms"]
        told = pprof.decode(connection.ask(request("GET", "/debug/pprof/mutex"))[2])
        told_ms = sum(value for _, _, value in samples(told)) / 1e6
    off = 100 * abs(told_ms / said_ms - 1)
    return table("profiles: delay of a mutex",
                 f"{calls} calls of contention; the rest of less than 10 ms a worker is told later.",
                 [row("delay told, off by at most", [off], "per cent", most=10,
                      note=f"{told_ms:.0f} of {said_ms:.0f} ms")])
