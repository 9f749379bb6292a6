# SPDX-License-Identifier: MIT
"""test_walk.py - whatever a function can reach takes any arguments: no crash, no hang, no address.

tests/lua/walk.lua finds the functions and calls them; here is the client that has it do all of
them, part by part."""

import collections
import concurrent.futures
import pathlib
import re

import pytest

from server import BINARY, SIGNALS_COME_AT_ONCE, Server, wait_until

pytestmark = pytest.mark.skipif(not SIGNALS_COME_AT_ONCE,
                                reason="time: loops end with their worker there")

ROOT = pathlib.Path(__file__).resolve().parents[2]
WALK = (ROOT / "tests/lua/walk.lua").read_text()
NATIVE = re.compile(r"^const struct native native_(\w+)", re.MULTILINE)
NATIVES = sorted(name for path in (ROOT / "natives").glob("*.c")
                 for name in NATIVE.findall(path.read_text()))

PART_MS = 300  # run time of one call of the walk
FUNCTIONS_LEAST, CALLS_LEAST = 110, 300000
ENDS = {500: {"memory_limit"}, 504: {"deadline"}}  # what may end a call of the walk
ALL = 1 << 20
MAPS_TELL = "san/" not in str(BINARY)  # sanitizers map most of all addresses for themselves

# The walk while its file loads: without ctx, and outside a coroutine of the server's.
LOADING = """
local walk = (function() %s end)().handler
local names = walk({natives = {%s}, path = ""}).functions
local calls = 0
for _, name in ipairs(names) do
  calls = calls + walk({natives = {%s}, path = name, first = 0, last = 60}).calls
end
return function() return {functions = #names, calls = calls} end
"""


class Tally:
    """What came of the calls of one function."""

    def __init__(self):
        self.counts, self.numbers, self.ended = collections.Counter(), set(), []

    def add(self, result):
        self.numbers.update(int(digits, 16) for digits in result["numbers"].split())
        self.counts.update({key: result[key] for key in ("calls", "returned", "raised", "yielded")})


def ask(server, start, path="", first=0, last=0):
    body = {"natives": NATIVES, "path": path, "first": first, "last": last}
    return server.invoke("walk", body, start, headers={"X-Timeout-Ms": str(PART_MS)})


def ended_at(server, reply, first):
    """The combination that ended the call: the last one that it logged. What it prints may be all
    that it can log: then the first."""
    call_id = reply.headers["x-call-id"]
    lines = server.get("/fn/logs/walk?tail=1000").json()["lines"]
    numbers = [int(line["text"][1:]) for line in lines
               if line["call_id"] == call_id and re.fullmatch(r"@\d+", line["text"])]
    return max(numbers, default=first)


def walk(server, start, path):
    """Has one function called with all combinations, also those past one that ends its call."""
    tally, first, last, combinations = Tally(), 0, ALL, None
    while combinations is None or first < combinations:
        reply = ask(server, start, path, first, last)
        if reply.status_code == 200:
            result = reply.json()
            combinations = result["combinations"]
            tally.add(result)
            first, last = min(last, combinations) + 1, ALL
            continue
        assert reply.json()["code"] in ENDS.get(reply.status_code, ()), f"{path}: {reply.text}"
        at = ended_at(server, reply, first)
        if at > first:
            last = at - 1  # those before it once more, for they have not been counted
            continue
        tally.ended.append(at)
        first, last = at + 1, ALL
    return tally


def walk_all(server, start):
    names = ask(server, start).json()["functions"]
    with concurrent.futures.ThreadPoolExecutor(3) as clients:
        return dict(zip(names, clients.map(lambda name: walk(server, start, name), names)))


def mapped(pid):
    """Ranges of addresses that a process can read."""
    lines = pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()
    return [tuple(int(end, 16) for end in line.split()[0].split("-")) for line in lines
            if line.split()[1].startswith("r")]


def addresses(server, numbers):
    ranges = [one for pid in server.workers().values() for one in mapped(pid)]
    return {number for number in numbers if any(low <= number < high for low, high in ranges)}


def reveals(server, start, name, tally):
    """Whether texts of the function have addresses in them, twice: once may be by chance."""
    return MAPS_TELL and addresses(server, tally.numbers) and addresses(
        server, walk(server, start, name).numbers)


@pytest.fixture(scope="module", name="own")
def own_server():
    flags = ["--workers", "2", "--load-timeout-ms", "20000"]
    with Server({"walk": WALK}, flags) as running:
        yield running


@pytest.mark.parametrize("start", ["cold", "warm"])
def test_any_arguments(own, start):
    wait_until(lambda: len(own.workers()) == 2, "two workers")
    before = own.children()
    if start == "warm":
        assert own.post("/fn/warmpool/walk?size=4").status_code == 200
    tallies = walk_all(own, start)
    counts = sum((tally.counts for tally in tallies.values()), collections.Counter())
    ended = {name: len(tally.ended) for name, tally in tallies.items() if tally.ended}
    print(f"{start}: {len(tallies)} functions, {dict(counts)}, ended by a limit: {ended}")

    assert len(tallies) >= FUNCTIONS_LEAST
    assert counts["calls"] >= CALLS_LEAST
    assert min(counts["returned"], counts["raised"], counts["yielded"]) > 0
    assert sum(ended.values()) < counts["calls"] / 1000
    assert own.children() == before, own.log()[-4000:]
    assert sum(len(tally.numbers) for tally in tallies.values()) > 100
    assert not [name for name, tally in tallies.items() if reveals(own, start, name, tally)]


def test_any_arguments_while_loading(own):
    names = ", ".join(f'"{name}"' for name in NATIVES)
    own.write("loading", LOADING % (WALK, names, names))
    wait_until(lambda: "loading" in own.get("/fn/list").json()["functions"], "the file to load")
    result = own.result("loading", {})
    assert result["functions"] >= FUNCTIONS_LEAST - 5 and result["calls"] >= 60 * result["functions"]


