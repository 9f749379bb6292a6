# SPDX-License-Identifier: MIT
"""test_metrics.py - what /metrics and /fn/stats count is what happened."""

import os
import re
import shutil
import signal
import subprocess

import pytest

from server import BINARY, Background, Server, wait_until

FUNCTIONS = {
    "echo": "return function(params) return params end",
    "raises": 'return function() error("raised") end',
    "waits": "return function(params, ctx) ctx.sleep(params.ms) return {} end",
    "spins": """return function(params)
  local stop = os.clock() + params.ms / 1000
  while os.clock() < stop do end
  return {}
end""",
}
BUCKETS = [50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3,
           500e-3, 1, 2.5, 5, 10, float("inf")]
METRICS = {
    "faas_calls_total": "counter",
    "faas_call_seconds": "histogram",
    "faas_phase_seconds_total": "counter",
    "faas_calls_in_flight": "gauge",
    "faas_queue_depth": "gauge",
    "faas_queue_limit": "gauge",
    "faas_calls_taken_back_total": "counter",
    "faas_requests_in_flight": "gauge",
    "faas_pool_size": "gauge",
    "faas_pool_idle": "gauge",
    "faas_pool_hits_total": "counter",
    "faas_pool_misses_total": "counter",
    "faas_workers": "gauge",
    "faas_worker_restarts_total": "counter",
    "faas_function_log_lines": "gauge",
    "faas_function_log_bytes": "gauge",
    "faas_heaps_bytes": "gauge",
    "faas_heaps_limit_bytes": "gauge",
    "faas_profile_ticks_total": "counter",
    "faas_profile_completed_total": "counter",
    "faas_profile_dropped_total": "counter",
    "faas_profile_unattributed_total": "counter",
    "faas_profile_handler_seconds_total": "counter",
    "faas_profile_samples_total": "counter",
    "faas_profile_stacks": "gauge",
    "faas_profile_folded_total": "counter",
    "faas_profile_corrupt_total": "counter",
    "faas_profile_bytes": "gauge",
    "faas_build_info": "gauge",
    "process_cpu_seconds_total": "counter",
    "process_resident_memory_bytes": "gauge",
    "process_open_fds": "gauge",
}


class Scrape:
    """The samples of one scrape."""

    def __init__(self, server):
        reply = server.get("/metrics")
        assert reply.status_code == 200
        assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        self.text = reply.text
        self.samples = {}
        for line in self.text.splitlines():
            if not line.startswith("#"):
                name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
                key = name, frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))
                assert key not in self.samples, f"twice: {line}"
                self.samples[key] = float(value)

    def value(self, metric, **labels):
        """Of the one sample with exactly these labels, or 0: what has not happened has none."""
        return self.samples.get((metric, frozenset(labels.items())), 0)

    def sum(self, metric, **labels):
        """Of all samples with at least these labels."""
        return sum(value for (name, found), value in self.samples.items()
                   if name == metric and found >= labels.items())

    def buckets(self, function, start):
        """Counts by upper bound, ascending."""
        found = {float(dict(labels)["le"]): value for (name, labels), value in self.samples.items()
                 if name == "faas_call_seconds_bucket"
                 and labels >= {"function": function, "start": start}.items()}
        return dict(sorted(found.items()))


def open_pool(server, name, size):
    assert server.post(f"/fn/warmpool/{name}?size={size}").json()["pool_size"] == size


@pytest.fixture(scope="module", name="busy")
def busy_server():
    """Has served some of everything; tests count nothing in it but what they do."""
    with Server(FUNCTIONS, ["--workers", "2"]) as running:
        open_pool(running, "waits", 2)
        for _ in range(5):
            running.result("echo")
            running.result("waits", {"ms": 30}, start="warm")
            running.invoke("raises")
        running.invoke("waits", {"ms": 10000}, headers={"X-Timeout-Ms": "20"})
        yield running


# -- The text --------------------------------------------------------------------------------------

def expect_no_complaints(text):
    promtool = shutil.which("promtool")
    if not promtool and os.environ.get("CI") != "true":
        pytest.skip("promtool is not installed")
    assert promtool, "promtool is not installed"
    done = subprocess.run([promtool, "check", "metrics"], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_promtool_has_nothing_to_say(busy):
    expect_no_complaints(Scrape(busy).text)


@pytest.mark.parametrize("name, kind", METRICS.items(), ids=METRICS)
def test_metric_is_there(busy, name, kind):
    scrape = Scrape(busy)
    assert f"# TYPE {name} {kind}\n" in scrape.text
    assert f"# HELP {name} " in scrape.text
    suffix = "_count" if kind == "histogram" else ""
    assert any(found == name + suffix for found, _ in scrape.samples)


def test_build_info_tells_version_and_commit(busy):
    ((labels, value),) = [(dict(labels), value)
                          for (name, labels), value in Scrape(busy).samples.items()
                          if name == "faas_build_info"]
    assert value == 1 and set(labels) == {"version", "commit"} and all(labels.values())


# -- Calls -----------------------------------------------------------------------------------------

def test_calls_are_counted_by_function_start_and_outcome(busy):
    before = Scrape(busy)
    for _ in range(3):
        busy.result("echo", start="cold")
    for _ in range(2):
        busy.invoke("raises", start="cold")
    busy.result("waits", {"ms": 0}, start="warm")
    busy.invoke("waits", {"ms": 10000}, start="warm", headers={"X-Timeout-Ms": "20"})
    busy.invoke("echo", "no json")  # never became a call
    after = Scrape(busy)
    grown = {key: value - before.samples.get(key, 0) for key, value in after.samples.items()
             if key[0] == "faas_calls_total" and value != before.samples.get(key, 0)}
    assert grown == {("faas_calls_total", frozenset(labels.items())): count for labels, count in [
        ({"function": "echo", "start": "cold", "outcome": "ok"}, 3),
        ({"function": "raises", "start": "cold", "outcome": "function_error"}, 2),
        ({"function": "waits", "start": "warm", "outcome": "ok"}, 1),
        ({"function": "waits", "start": "warm", "outcome": "deadline"}, 1),
    ]}


def test_burst_chain_and_children_are_counted_as_calls(busy):
    before = Scrape(busy)
    busy.post("/fn/burst/echo?count=7", {})
    busy.post("/fn/chain", {"chain": ["echo", "echo"], "params": {}})
    busy.result("fanout", {"count": 4, "function": "echo"})
    after = Scrape(busy)
    for name, count in [("echo", 13), ("fanout", 1)]:
        assert (after.sum("faas_calls_total", function=name)
                - before.sum("faas_calls_total", function=name)) == count


@pytest.mark.parametrize("function, start", [("echo", "cold"), ("raises", "cold"),
                                             ("waits", "cold"), ("waits", "warm")])
def test_buckets_are_cumulative_and_agree_with_the_count(busy, function, start):
    scrape = Scrape(busy)
    buckets = scrape.buckets(function, start)
    assert list(buckets) == BUCKETS
    counts = list(buckets.values())
    assert counts == sorted(counts)
    labels = {"function": function, "start": start}
    assert counts[-1] == scrape.value("faas_call_seconds_count", **labels) > 0
    assert counts[-1] == scrape.sum("faas_calls_total", **labels)
    least = sum((count - lower) * bound for count, lower, bound
                in zip(counts[1:], counts, [0, *BUCKETS][1:]))
    assert scrape.value("faas_call_seconds_sum", **labels) >= least > -1


def test_call_is_in_the_bucket_of_its_time(busy):
    before = Scrape(busy).buckets("waits", "cold")
    busy.result("waits", {"ms": 30}, start="cold")
    after = Scrape(busy).buckets("waits", "cold")
    grown = {bound: after[bound] - before.get(bound, 0) for bound in BUCKETS}
    assert [grown[bound] for bound in BUCKETS if bound <= 0.025] == [0] * 9
    assert grown[float("inf")] == 1


@pytest.mark.parametrize("start", ["cold", "warm"])
def test_phases_add_up_to_less_than_the_call(busy, start):
    busy.result("waits", {"ms": 30}, start=start)
    scrape = Scrape(busy)
    phases = {phase: scrape.value("faas_phase_seconds_total", function="waits", start=start,
                                  phase=phase) for phase in ("queue", "deploy", "exec", "undeploy")}
    assert all(seconds > 0 for seconds in phases.values()), phases
    total = scrape.value("faas_call_seconds_sum", function="waits", start=start)
    assert 0.03 <= phases["exec"] <= sum(phases.values()) <= total * 1.01


# -- Now -------------------------------------------------------------------------------------------

def test_gauges_tell_what_goes_on_now(start):
    server = start(FUNCTIONS, flags=["--workers", "1", "--queue-max", "7"])
    assert Scrape(server).value("faas_queue_limit") == 7
    sleeping = Background(server, "waits", {"ms": 3000})
    server.wait_in_flight("waits")
    spinning = Background(server, "spins", {"ms": 1000})
    server.wait_in_flight("spins")
    waiting = [Background(server, "echo") for _ in range(3)]
    seen = wait_until(lambda: (scrape := Scrape(server)).value("faas_queue_depth") == 3 and scrape,
                      "3 calls in the queue")
    assert seen.value("faas_calls_in_flight", function="waits") == 1
    assert seen.value("faas_calls_in_flight", function="spins") == 1
    assert seen.value("faas_calls_in_flight", function="echo") == 3
    assert seen.value("faas_requests_in_flight") == 6  # this one too
    assert seen.value("faas_workers") == 1
    for call in [sleeping, spinning, *waiting]:
        assert call.reply().status_code == 200
    after = Scrape(server)
    assert after.value("faas_queue_depth") == after.sum("faas_calls_in_flight") == 0


def test_pool_figures(start):
    server = start(FUNCTIONS, flags=["--workers", "1"])
    assert Scrape(server).sum("faas_pool_size") == 0
    open_pool(server, "waits", 2)
    calls = [Background(server, "waits", {"ms": 1500}, start="warm") for _ in range(3)]
    server.wait_in_flight("waits", 3)

    def figures():
        scrape = Scrape(server)
        return tuple(scrape.value(f"faas_pool_{what}", function="waits")
                     for what in ("size", "idle", "hits_total", "misses_total"))

    wait_until(lambda: figures() == (2, 0, 2, 1), "two hits and a miss")
    for call in calls:
        call.reply()
    assert figures() == (2, 2, 2, 1)
    server.result("waits", {"ms": 0}, start="cold")
    assert figures() == (2, 2, 2, 1)
    server.request("DELETE", "/fn/warmpool/waits")
    assert figures() == (0, 0, 2, 1)


# -- Processes -------------------------------------------------------------------------------------

def test_cpu_grows_with_work_and_does_not_fall_when_workers_die(start):
    server = start(FUNCTIONS, flags=["--workers", "2"])
    first = last = Scrape(server).value("process_cpu_seconds_total")
    server.result("spins", {"ms": 500})
    assert Scrape(server).value("process_cpu_seconds_total") - first >= 0.4
    for deaths in range(1, 9):
        os.kill(server.workers()[f"faas-worker-{deaths % 2}"], signal.SIGKILL)
        restarts = 0
        while restarts < deaths:
            scrape = Scrape(server)
            restarts = scrape.value("faas_worker_restarts_total")
            assert scrape.value("process_cpu_seconds_total") >= last
            last = scrape.value("process_cpu_seconds_total")
        assert restarts == deaths
        server.result("spins", {"ms": 50})
        wait_until(lambda: len(server.workers()) == 2, "two workers")
    assert last - first >= 0.4


def test_memory_grows_with_what_calls_hold(start):
    server = start({"holds": """
return {memory_mb = 400, handler = function(_, ctx)
  local text = ("x"):rep(100 * 1024 * 1024)
  ctx.sleep(1500)
  return {size = #text}
end}"""}, flags=["--workers", "1"])
    idle = Scrape(server).value("process_resident_memory_bytes")
    assert 1 << 20 < idle < 1 << 30
    call = Background(server, "holds")
    wait_until(lambda: Scrape(server).value("process_resident_memory_bytes") > idle + (90 << 20),
               "memory to grow")
    assert call.reply().status_code == 200
    if "tsan" in BINARY:
        return  # ThreadSanitizer keeps its shadow of memory that was given back
    wait_until(lambda: Scrape(server).value("process_resident_memory_bytes") < idle + (50 << 20),
               "memory to be given back")


# -- /fn/stats -------------------------------------------------------------------------------------

def test_stats_count_the_calls_made(start):
    server = start(FUNCTIONS, flags=["--workers", "2"])
    open_pool(server, "echo", 2)
    zero = {"invocations": 0, "avg_latency_ms": 0, "errors": 0, "timeouts": 0, "cold": 0,
            "warm": 0, "in_flight": 0, "p50_ms": 0, "p95_ms": 0, "p99_ms": 0, "max_ms": 0,
            "peak_bytes": 0}
    assert server.stats("waits") == server.stats("echo") == zero
    for kind, count in [("cold", 6), ("warm", 4)]:
        for _ in range(count):
            server.result("echo", start=kind)
    server.post("/fn/burst/echo?count=5&start=cold", {})
    for _ in range(3):
        server.invoke("raises")
    for ms in ["20", "30"]:
        server.invoke("waits", {"ms": 10000}, headers={"X-Timeout-Ms": ms})
    server.result("waits", {"ms": 40})
    counts = {name: tuple(server.stats(name)[key] for key in
                          ("invocations", "errors", "timeouts", "cold", "warm", "in_flight"))
              for name in ("echo", "raises", "waits")}
    assert counts == {"echo": (15, 0, 0, 11, 4, 0), "raises": (3, 3, 0, 3, 0, 0),
                      "waits": (3, 2, 2, 3, 0, 0)}
    waits = server.stats("waits")
    assert 20 <= waits["p50_ms"] <= waits["p95_ms"] <= waits["p99_ms"] <= waits["max_ms"] * 1.04
    assert 40 <= waits["max_ms"] and 30 <= waits["avg_latency_ms"] <= waits["max_ms"]
