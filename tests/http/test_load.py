# SPDX-License-Identifier: MIT
"""test_load.py - many calls at once: each gets its own reply, and nothing is left of them."""

import asyncio
import hashlib
import http.client
import json
import os
import pathlib
import resource
import threading
import time

import pytest

from server import PART, PATIENCE_S, Background, Server, wait_until

CALLS, CONNECTIONS = 10000, 64
SLEEPERS = int(2000 * PART)
FUNCTIONS = {
    "echo": "return function(params) return params end",
    "raises": "return function(params) error(params.token, 0) end",
    "waits": "return function(params, ctx) ctx.sleep(params.ms) return params end",
    "asks": 'return function(params, ctx) return {child = ctx.invoke("echo", params)} end',
}


def run_threads(count, work):
    """work(i) in `count` threads; raises what the first one raised."""
    errors = []

    def guarded(i):
        try:
            work(i)
        except BaseException as error:  # told in the main thread
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class Client:
    """One connection that is kept."""

    def __init__(self, server):
        self.http = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
        self.http.connect()

    def invoke(self, name, params, query=""):
        self.http.request("POST", f"/fn/invoke/{name}{query}", json.dumps(params),
                          {"X-Call-Id": params.get("token", "none")})
        reply = self.http.getresponse()
        body = json.loads(reply.read())
        assert not reply.will_close
        return reply, body

    def close(self):
        self.http.close()


# -- Mixed calls -----------------------------------------------------------------------------------

def digest(token, rounds):
    value = token.encode()
    for _ in range(rounds):
        value = hashlib.sha256(value).digest()
    return value.hex()


def case_of(i, token):
    """(function, params, status, what the reply has to hold) of the i-th call."""
    mine = {"token": token}
    return [
        lambda: ("echo", {**mine, "list": [i, [], {}]}, 200, {**mine, "list": [i, [], {}]}),
        lambda: ("hash", {**mine, "rounds": 3, "input": token}, 200,
                 {"rounds": 3, "hash": digest(token, 3)}),
        lambda: ("raises", mine, 500, {"code": "function_error", "error": token}),
        lambda: ("waits", {**mine, "ms": i % 4}, 200, {**mine, "ms": i % 4}),
        lambda: ("asks", mine, 200, {"child": mine}),
        lambda: ("echo", {**mine, "text": "x" * (i * 37 % 5000)}, 200,
                 {**mine, "text": "x" * (i * 37 % 5000)}),
        lambda: ("primes", {**mine, "limit": 1000}, 200, {"primes_found": 168}),
        lambda: ("nowhere", mine, 404, {"code": "unknown_function", "call_id": token}),
    ][i % 8]()


def run_mixed(server, calls):
    def work(thread):
        client = Client(server)
        for i in range(thread, calls, CONNECTIONS):
            token = f"call-{i}"
            name, params, status, expected = case_of(i, token)
            reply, body = client.invoke(name, params, "?start=warm" if i % 3 == 0 else "")
            assert reply.status == status, (name, body)
            assert reply.headers["x-call-id"] == token
            assert expected.items() <= body.items(), (name, expected, body)
        client.close()

    run_threads(CONNECTIONS, work)


def descriptors(server):
    """{process: open descriptors}."""
    return {name: len(os.listdir(f"/proc/{pid}/fd")) for name, pid in server.children().items()}


def is_socket(descriptor):
    """False also of one that was closed since it was listed."""
    try:
        return os.readlink(descriptor).startswith("socket:")
    except FileNotFoundError:
        return False


def at_rest(server):
    """Descriptors, once those of closed connections are gone: the count does not fall any more."""
    before, front = descriptors(server), f"/proc/{server.front()}/fd"
    server.get("/health", headers={"Connection": "close"})  # behind all that was closed before
    sockets = sum(is_socket(f"{front}/{fd}") for fd in os.listdir(front))
    return before == descriptors(server) and sockets < CONNECTIONS and before


def mappings(server):
    return {name: len(pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines())
            for name, pid in server.children().items()}


def shared_memory():
    return (sorted(os.listdir("/dev/shm")),
            len(pathlib.Path("/proc/sysvipc/shm").read_text().splitlines()))


def test_mixed_calls_get_their_own_replies_and_leave_nothing(start):
    server = start(FUNCTIONS)
    for name in ("echo", "waits"):
        server.post(f"/fn/warmpool/{name}?size=8")
    run_mixed(server, 800)  # what is kept for later calls is kept from now on
    server.session.close()
    pids = server.children()
    fewest = wait_until(lambda: at_rest(server), "descriptors to settle")
    maps, shared = mappings(server), shared_memory()
    run_mixed(server, CALLS)
    wait_until(lambda: all(count <= fewest[name] for name, count in descriptors(server).items()),
               f"only these descriptors: {fewest}")
    assert server.children() == pids
    for name, count in mappings(server).items():
        assert count <= maps[name] + 100, (name, maps[name], count)
    assert shared_memory() == shared
    stats = server.get("/fn/stats").json()
    assert {name: stats[name]["in_flight"] for name in stats} == dict.fromkeys(stats, 0)
    assert stats["raises"]["errors"] == stats["raises"]["invocations"] == (CALLS + 800) // 8


# -- Sleepers --------------------------------------------------------------------------------------

async def invoke_raw(port, path, body):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                 f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
    reply = await reader.read()
    writer.close()
    return reply


async def invoke_all(port, count, path, body):
    return await asyncio.gather(*(invoke_raw(port, path, body) for _ in range(count)))


def test_many_sleepers_on_2_workers_end_together(start):
    # One after another on two workers 2000 of them would take 3000 seconds.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    server = start(flags=["--workers", "2", "--queue-max", "4096", "--queue-wait-ms", "60000"],
                   files_max=min(most, 16384))
    began = time.monotonic()
    replies = asyncio.run(invoke_all(server.port, SLEEPERS, "/fn/invoke/sleep", '{"ms":3000}'))
    assert 3 <= time.monotonic() - began < 3 + PATIENCE_S
    wrong = [reply for reply in replies if not reply.startswith(b"HTTP/1.1 200 ")]
    assert not wrong, (len(wrong), wrong[0])
    assert all(b'"slept_ms":3000' in reply for reply in replies)
    assert server.stats("sleep")["invocations"] == SLEEPERS


# -- Bursts ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("name, params", [("echo", {"token": "x" * 1000}), ("sleep", {"ms": 500})])
def test_burst_of_1000(start, name, params):
    server = start(FUNCTIONS, flags=["--workers", "2"])
    reply = server.post(f"/fn/burst/{name}?count=1000", params).json()
    assert (reply["count"], reply["succeeded"], reply["failed"]) == (1000, 1000, 0)
    assert len(reply["results"]) == 1000
    key, value = ("slept_ms", 500) if name == "sleep" else ("token", params["token"])
    assert all(result[key] == value for result in reply["results"])


# -- Replacing under load --------------------------------------------------------------------------

def versioned(number):
    return f"""
return function(params, ctx)
  local began_on = {number}
  ctx.sleep(params.ms or 2)
  return {{began_on = began_on, ended_on = {number}, token = params.token}}
end
"""


def test_file_is_replaced_under_load_without_a_failed_call(start):
    server = start({"changing": versioned(0)})
    server.post("/fn/warmpool/changing?size=8")
    stop, newest = threading.Event(), [0] * 16

    def work(thread):
        client, i = Client(server), 0
        while not stop.is_set():
            i += 1
            token = f"{thread}-{i}"
            reply, body = client.invoke("changing", {"token": token}, "?start=warm")
            assert reply.status == 200, body
            assert body["began_on"] == body["ended_on"] and body["token"] == token
            assert body["began_on"] >= newest[thread], "an older version came back"
            newest[thread] = body["began_on"]
        client.close()

    errors = []
    load = threading.Thread(target=lambda: errors.extend(tried(work)), daemon=True)
    load.start()
    try:
        for number in range(1, 11):
            slow = Background(server, "changing", {"ms": 300, "token": "slow"}, start="warm")
            server.write("changing", versioned(number))
            wait_until(lambda: errors or min(newest) >= number, f"all to get version {number}")
            body = slow.reply().json()
            assert body["began_on"] == body["ended_on"] and body["token"] == "slow"
    finally:
        stop.set()
        load.join(PATIENCE_S)
    assert not errors, errors[0]
    pool = server.get("/fn/warmpool").json()["changing"]
    assert pool["hits"] > 0 and (pool["pool_size"], pool["in_use"]) == (8, 0)


def tried(work):
    try:
        run_threads(16, work)
    except BaseException as error:
        return [error]
    return []


@pytest.mark.parametrize("kind", ["cold", "warm"])
def test_calls_in_flight_end_on_the_version_they_began_on(start, kind):
    server = start({"changing": versioned(0)})
    server.post("/fn/warmpool/changing?size=4")
    slow = [Background(server, "changing", {"ms": 1500, "token": str(i)}, start=kind)
            for i in range(8)]
    server.wait_in_flight("changing", 8)
    server.write("changing", versioned(1))
    wait_until(lambda: server.result("changing", {}, start=kind)["began_on"] == 1, "version 1")
    for i, call in enumerate(slow):
        body = call.reply().json()
        assert (body["began_on"], body["ended_on"], body["token"]) == (0, 0, str(i))
