# SPDX-License-Identifier: MIT
"""test_ahead.py - quick calls are given to a worker before it is free, and none waits there long."""

import pytest

from server import Background, wait_until

FUNCTIONS = {
    # Tells the log when it begins and ends; takes `ms` of its worker's time.
    "varies": """return function(params, ctx)
  ctx.log("info", "begin " .. params.id)
  local stop = os.clock() + params.ms / 1000
  while os.clock() < stop do end
  ctx.log("info", "end " .. params.id)
  return {id = params.id}
end""",
    "many": """return function(params, ctx)
  local calls = {}
  for i, ms in ipairs(params.ms) do
    calls[i] = {"varies", {id = params.round .. "-" .. i, ms = ms}}
  end
  return {results = ctx.invoke_all(calls)}
end""",
    "nothing": "return function() return {} end",
}
QUICK = 40  # so many that they were expected to be as quick again


def taken_back(server):
    text = server.get("/metrics").text
    return float(text.split("\nfaas_calls_taken_back_total ")[1].split("\n")[0])


def run(server, round_, ms):
    found = server.result("many", {"round": round_, "ms": ms})["results"]
    assert [one.get("id") for one in found] == [f"{round_}-{i + 1}" for i in range(len(ms))]


def places(server, text):
    """Where lines that end with a log text stand in the log, in order."""
    lines = server.log().splitlines()
    return [i for i, line in enumerate(lines) if line.endswith(f'text="{text}"')]


@pytest.fixture
def two_workers(start):
    return start(FUNCTIONS, ["--workers", "2"])


def slow_one_behind_quick_ones(server, round_):
    """Calls that were quick so far, and one among them that is not; True if some were taken back."""
    before = taken_back(server)
    for i in range(4):
        run(server, f"{round_}-{i}", [0] * QUICK)
    run(server, f"{round_}-x", [400] + [0] * 20)
    return taken_back(server) > before


def test_quick_calls_do_not_wait_behind_a_slow_one(two_workers):
    rounds = iter(range(20))
    round_ = wait_until(lambda: next(r for r in rounds if slow_one_behind_quick_ones(two_workers, r))
                        + 1, "calls to be taken back") - 1
    slow = places(two_workers, f"end {round_}-x-1")
    quick = [places(two_workers, f"end {round_}-x-{i + 2}") for i in range(20)]
    assert len(slow) == 1 and all(len(one) == 1 for one in quick)  # each ran, and once
    assert max(one[0] for one in quick) < slow[0]


def test_calls_in_a_burst_run_once_each(two_workers):
    for _ in range(5):
        burst = two_workers.post("/fn/burst/nothing?count=1000").json()
        assert (burst["succeeded"], burst["failed"]) == (1000, 0)
    assert two_workers.stats("nothing")["invocations"] == 5000


def test_pool_is_built_while_quick_calls_keep_every_worker_busy(two_workers):
    burst = "/fn/burst/nothing?count=1000"
    two_workers.post(burst)
    busy = [Background(two_workers, "many", {"round": i, "ms": [0] * 500}) for i in range(4)]
    assert two_workers.post("/fn/warmpool/nothing?size=4").json()["deployed"] == 4
    for one in busy:
        assert one.reply().status_code == 200


def test_one_instance_serves_many_quick_calls(start):
    server = start(FUNCTIONS, ["--workers", "1"])
    server.post("/fn/warmpool/nothing?size=1")
    for _ in range(3):
        assert server.post("/fn/burst/nothing?count=100&start=warm").json()["succeeded"] == 100
    stats = server.stats("nothing")
    assert (stats["warm"], stats["cold"]) == (300, 0)
    pool = server.get("/fn/warmpool").json()["nothing"]
    assert (pool["hits"], pool["misses"], pool["in_use"]) == (300, 0, 0)
