# SPDX-License-Identifier: MIT
"""test_crashes.py - workers, front and supervisor die."""

import os
import signal

import pytest

from server import SIGNALS_COME_AT_ONCE, Background, Server, busy_worker, expect_error, wait_until

SPIN = {"spin": "return {timeout_ms = 60000, handler = function(p)\n"
                "  if p.calm then return {calm = true} end\n  while true do end\nend}",
        "hold": "return function(p, ctx) ctx.sleep(p.ms) return {start = ctx.start} end"}


# Sanitizers would make a report of a signal that a test sends.
PLAIN = {name: ":".join(filter(None, [os.environ.get(name), "handle_segv=0"]))
         for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS")}


def spin(server):
    call = Background(server, "spin")
    server.wait_in_flight("spin")
    return call, busy_worker(server)


# -- Workers ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_dead_worker_costs_its_call_and_is_replaced(start, number):
    server = start(SPIN, ["--workers", "1"], env=PLAIN)
    server.expected_faults = "worker died"
    call, worker = spin(server)
    os.kill(worker, number)
    expect_error(call.reply(), 502, "worker_crashed", f"signal {number.value}", "spin")
    assert server.result("hash", {"rounds": 1})["rounds"] == 1
    assert server.worker() != worker
    assert server.stats("spin")["errors"] == 1
    assert server.stats("spin")["in_flight"] == 0


def test_calls_in_other_workers_go_on(start):
    server = start(SPIN, ["--workers", "2"])
    call, worker = spin(server)
    sleeper = Background(server, "sleep", {"ms": 1000})  # gets the other one: this one is busy
    server.wait_in_flight("sleep")
    os.kill(worker, signal.SIGKILL)
    expect_error(call.reply(), 502, "worker_crashed")
    assert sleeper.reply().json()["slept_ms"] == 1000
    wait_until(lambda: len(server.workers()) == 2, "two workers")


def test_sleeping_and_queued_calls_of_a_dead_worker(start):
    server = start(SPIN, ["--workers", "1"])
    sleeper = Background(server, "sleep", {"ms": 60000})
    server.wait_in_flight("sleep")
    call, worker = spin(server)
    queued = [Background(server, "hash", {"rounds": n}) for n in range(5)]
    server.wait_in_flight("hash", 5)
    os.kill(worker, signal.SIGKILL)
    expect_error(call.reply(), 502, "worker_crashed", "", "spin")
    expect_error(sleeper.reply(), 502, "worker_crashed", "", "sleep")
    assert [one.reply().json()["rounds"] for one in queued] == list(range(5))


def test_parent_of_a_call_in_a_dead_worker_is_told(start):
    server = start({**SPIN, "parent": """
        return function(_, ctx)
          local result, err = ctx.invoke("spin")
          return {result = result, code = err.code}
        end"""}, ["--workers", "2"])
    hold_one = Background(server, "spin")  # so that parent and child have the other worker
    server.wait_in_flight("spin")
    first = busy_worker(server)
    parent = Background(server, "parent")
    server.wait_in_flight("spin", 2)
    # the child may be where its parent sleeps, or not: with the first worker dead all else is well
    os.kill(first, signal.SIGKILL)
    expect_error(hold_one.reply(), 502, "worker_crashed")
    assert not parent.is_done()
    os.kill(busy_worker(server), signal.SIGKILL)
    reply = parent.reply()
    assert reply.status_code in (200, 502), reply.text
    assert reply.json()["code"] == "worker_crashed"


def test_idle_worker_is_replaced_with_its_pool(start):
    server = start(SPIN, ["--workers", "2"])
    assert server.post("/fn/warmpool/hold?size=6").json()["deployed"] == 6
    before = server.workers()
    os.kill(next(iter(before.values())), signal.SIGKILL)
    wait_until(lambda: len(server.workers()) == 2 and server.workers() != before, "a new worker")
    wait_until(lambda: server.get("/fn/warmpool").json()["hold"]["idle"] == 6, "the whole pool")
    for _ in range(10):
        assert server.result("hold", {"ms": 0}, "warm")["start"] == "warm"


def crash(server, times):
    for _ in range(times):
        call, worker = spin(server)
        os.kill(worker, signal.SIGSEGV)
        expect_error(call.reply(), 502, "worker_crashed", "", "spin")
        wait_until(lambda: worker not in server.workers().values() and server.workers(),
                   "a new worker")


def test_function_that_crashed_three_times_is_not_served_until_its_file_changes(start):
    server = start(SPIN, ["--workers", "1"], env=PLAIN)
    server.expected_faults = "worker died"
    crash(server, 2)
    assert server.result("spin", {"calm": True})["calm"] is True
    crash(server, 1)
    for path in ("/fn/invoke/spin", "/fn/chain"):
        reply = server.post(path, {"chain": ["spin"], "params": {"calm": True}, "calm": True})
        expect_error(reply, 503, "function_broken", "spin crashed its worker 3 times")
    burst = server.post("/fn/burst/spin?count=2", {"calm": True}).json()
    assert [item["code"] for item in burst["results"]] == ["function_broken"] * 2
    assert server.detail("spin")["status"] == "quarantined"
    assert server.result("hold", {"ms": 0})
    server.write("spin", SPIN["spin"] + " -- changed")
    wait_until(lambda: server.detail("spin")["status"] == "ok", "the new version")
    assert server.result("spin", {"calm": True})["calm"] is True


def test_queued_calls_of_a_function_that_crashed_too_often_do_not_begin(start):
    server = start(SPIN, ["--workers", "1"], env=PLAIN)
    server.expected_faults = "worker died"
    assert server.post("/fn/warmpool/spin?size=2").json()["deployed"] == 2
    calls = [Background(server, "spin") for _ in range(8)]
    server.wait_in_flight("spin", 8)
    workers = set()
    for left in (7, 6):
        worker = wait_until(lambda: set(server.workers().values()) - workers, "a worker").pop()
        workers.add(worker)
        busy_worker(server)
        os.kill(worker, signal.SIGSEGV)
        server.wait_in_flight("spin", left)
    os.kill(busy_worker(server), signal.SIGSEGV)
    replies = [call.reply().json()["code"] for call in calls]
    assert sorted(replies) == ["function_broken"] * 5 + ["worker_crashed"] * 3
    expect_error(server.post("/fn/warmpool/spin?size=3"), 503, "function_broken",
                 "crashed its worker too often")
    assert server.request("DELETE", "/fn/warmpool/spin").status_code == 200
    assert "spin" not in server.get("/fn/warmpool").json()
    assert server.result("hold", {"ms": 0})


def test_crashes_of_one_function_do_not_count_for_another(start):
    server = start({**SPIN, "other": SPIN["spin"]}, ["--workers", "1"], env=PLAIN)
    server.expected_faults = "worker died"
    crash(server, 2)
    call = Background(server, "other")
    server.wait_in_flight("other")
    os.kill(busy_worker(server), signal.SIGSEGV)
    expect_error(call.reply(), 502, "worker_crashed", "", "other")
    assert server.result("spin", {"calm": True}) and server.result("other", {"calm": True})


def test_function_that_crashed_runs_apart_from_parked_calls(start):
    server = start(SPIN, ["--workers", "2"], env=PLAIN)
    server.expected_faults = "worker died"
    crash(server, 1)
    for name in ("hold", "spin"):  # one instance each, in the first worker
        assert server.post(f"/fn/warmpool/{name}?size=1").json()["pool_size"] == 1
    wait_until(lambda: len(server.workers()) == 2, "two workers")
    parked = Background(server, "hold", {"ms": 4000}, start="warm")
    server.wait_in_flight("hold")
    call = Background(server, "spin", start="warm")
    server.wait_in_flight("spin")
    os.kill(busy_worker(server), signal.SIGKILL)
    expect_error(call.reply(), 502, "worker_crashed", "", "spin")
    assert not parked.is_done()
    assert parked.reply().json()["start"] == "warm"


def test_function_whose_worker_had_to_be_ended_three_times_is_not_served(start):
    server = start({"spin": SPIN["spin"].replace("60000", "2000")}, ["--workers", "1"])
    server.expected_faults = "worker is ended"
    for _ in range(3):
        call, worker = spin(server)
        os.kill(worker, signal.SIGSTOP)  # like one that is stuck
        expect_error(call.reply(), 504, "deadline", "", "spin")
        wait_until(lambda gone=worker: gone not in server.workers().values() and server.workers(),
                   "a new worker")
    expect_error(server.invoke("spin", {"calm": True}), 503, "function_broken",
                 "did not end with its deadline")
    assert server.detail("spin")["status"] == "quarantined"


@pytest.mark.skipif(not SIGNALS_COME_AT_ONCE, reason="time: loops end with their worker there")
def test_warm_call_at_its_deadline_is_answered_before_its_instance_is_replaced(start):
    slow = """local began = os.clock()
        while os.clock() - began < 0.18 do end
        return {timeout_ms = 200, handler = function() while true do end end}"""
    server = start({"slow": slow}, ["--workers", "1", "--load-timeout-ms", "1000"])
    assert server.post("/fn/warmpool/slow?size=1").json()["deployed"] == 1
    sleeper = Background(server, "sleep", {"ms": 1500})
    server.wait_in_flight("sleep")
    worker = server.worker()
    for _ in range(2):
        expect_error(server.invoke("slow", {}, "warm"), 504, "deadline", "", "slow")
        wait_until(lambda: server.get("/fn/warmpool").json()["slow"]["idle"] == 1,
                   "an instance")
    assert sleeper.reply().json()["slept_ms"] == 1500
    assert server.worker() == worker


# -- Front and supervisor --------------------------------------------------------------------------

def test_dead_front_is_replaced_and_the_next_connection_served(start):
    server = start(SPIN, ["--workers", "2"])
    server.expected_faults = "front died"
    front, workers = server.front(), server.workers()
    call, _ = spin(server)
    os.kill(front, signal.SIGKILL)
    with pytest.raises(Exception, match="Connection|closed|reset"):
        call.reply()
    assert Background(server, "hash", {"rounds": 1}).reply().json()["rounds"] == 1
    assert server.front() != front
    wait_until(lambda: len(server.workers()) == 2, "two workers")
    assert not set(workers.values()) & set(server.workers().values())


def test_log_that_nobody_reads_any_more_ends_nothing(start):
    server = start(SPIN, ["--workers", "2"], log_is_pipe=True)
    server.close_log()
    before = server.workers()
    os.kill(next(iter(before.values())), signal.SIGKILL)
    wait_until(lambda: len(server.workers()) == 2 and server.workers() != before, "a new worker")
    os.kill(server.front(), signal.SIGKILL)
    assert Background(server, "hash", {"rounds": 1}).reply().json()["rounds"] == 1


def test_nothing_outlives_the_supervisor():
    with Server(SPIN, ["--workers", "3"]) as server:
        call, _ = spin(server)
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(Exception, match="Connection|closed|reset"):
            call.reply()
        server.wait_ended(-signal.SIGKILL)
