# SPDX-License-Identifier: MIT
"""test_walls.py - what processes have given up, seen from outside, and workers made to want more."""

import os
import pathlib
import platform
import re
import resource
import signal
import subprocess
import time

import pytest

from test_metrics import Scrape
from server import BINARY, PATIENCE_S, Background, Server, busy_worker, expect_error, wait_until

SANITIZED = "/asan/" in BINARY or "/tsan/" in BINARY
SIGSYS = 31

# Numbers of x86-64, with arguments that do nothing should the call be made.
FORBIDDEN = {"open": [2, 0], "socket": [41, 2, 1], "execve": [59, 0], "ptrace": [101, 0],
             "kill": [62, 1, 0], "fork": [57], "mmap_of_a_file": [9, 0, 4096, 1, 2, 0],
             "write_elsewhere": [1, 0], "io_uring_setup": [425, 0]}
FOR_REPORTS = {"open", "ptrace", "mmap_of_a_file", "write_elsewhere"}
GETPID = 39

# Capabilities, by number.
DAC_READ_SEARCH, NET_BIND_SERVICE, SYS_NICE = 1 << 2, 1 << 10, 1 << 23

SPIN = """return {timeout_ms = 60000, handler = function(p)
  if p.calm then return {calm = true} end
  while true do end
end}"""
BUSY = """return function(p)
  local stop = os.clock() + p.ms / 1000
  while os.clock() < stop do end
  return {done = true}
end"""
SECRET = "FAAS_TEST_SECRET"
XYZZY = "plugh-5f0c3e-xyzzy"


# -- Tools -----------------------------------------------------------------------------------------

@pytest.fixture(scope="module", name="inject")
def built_inject(tmp_path_factory):
    """The program of inject.c."""
    if platform.machine() != "x86_64":
        pytest.skip("inject.c knows the registers of x86-64 only")
    program = tmp_path_factory.mktemp("inject") / "inject"
    source = pathlib.Path(__file__).with_name("inject.c")
    subprocess.run(["cc", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
                    str(source), "-o", str(program)], check=True)
    return program


@pytest.fixture(name="call")
def call_in_another(inject):
    """call(pid, number, *arguments) makes that process make a system call; what came of it."""
    def call(pid, *numbers):
        done = subprocess.run([inject, "call", str(pid), *map(str, numbers)], text=True,
                              timeout=PATIENCE_S, capture_output=True, check=False)
        if done.returncode == 3:
            pytest.skip(f"this machine does not let one process trace another: {done.stderr}")
        assert done.returncode == 0, done.stderr
        kind, value = done.stdout.split()
        return kind, int(value)
    return call


def proc(pid, file):
    return pathlib.Path(f"/proc/{pid}/{file}").read_text(errors="replace")


def status(pid):
    """What /proc says of its rights: numbers by name."""
    found = dict(re.findall(r"^(NoNewPrivs|Seccomp|Cap\w+):\s+(\w+)$", proc(pid, "status"), re.M))
    return {name: int(value, 16) for name, value in found.items()}


def walled(pid):
    return status(pid)["Seccomp"] == 2


@pytest.fixture(scope="module", name="walls")
def server_with_walls():
    functions = {f"spin_{name}": SPIN for name in FORBIDDEN}
    with Server({**functions, "busy": BUSY}, ["--workers", "2"], env={SECRET: XYZZY}) as server:
        server.expected_faults = "(worker|front) died pid=.*a forbidden system call"
        for pid in server.workers().values():
            wait_until(lambda pid=pid: walled(pid), "its wall")
        yield server


# -- From outside ----------------------------------------------------------------------------------

def test_worker_has_no_rights(walls):
    for pid in walls.workers().values():
        rights = status(pid)
        assert (rights["NoNewPrivs"], rights["Seccomp"], rights["CapInh"]) == (1, 2, 0)
        # Only where root may not raise RLIMIT_NICE (no CAP_SYS_RESOURCE).
        assert rights["CapEff"] == rights["CapPrm"]
        assert rights["CapPrm"] in (0, SYS_NICE)


@pytest.mark.parametrize("limit, value", [
    ("Max core file size", "0"), ("Max open files", "64" if SANITIZED else "1"),
    ("Max locked memory", "0"), ("Max msgqueue size", "0")])
def test_worker_has_low_limits(walls, limit, value):
    for pid in walls.workers().values():
        assert re.search(rf"^{limit}\s+{value}\s+{value}\s", proc(pid, "limits"), re.M)


def links(pid):
    folder = pathlib.Path(f"/proc/{pid}/fd")
    return {int(fd): os.readlink(folder / fd) for fd in os.listdir(folder)}


def test_worker_has_its_own_descriptors_only(walls):
    for pid in walls.workers().values():
        found = links(pid)
        assert (found.pop(0), found.pop(1)) == ("/dev/null", "/dev/null")
        assert found.pop(2) == str(walls.log_path)
        assert list(found.values()) == ["anon_inode:[eventfd]"]


def test_worker_that_logs_to_a_pipe_has_that_too(start):
    server = start(flags=["--workers", "1"], log_is_pipe=True)
    worker = server.worker()
    wait_until(lambda: walled(worker), "its wall")
    found = links(worker)
    assert sorted(link.split(":")[0] for fd, link in found.items() if fd >= 2) == [
        "anon_inode", "pipe", "pipe"]


def test_worker_has_no_environment(walls):
    assert XYZZY in proc(walls.pid, "environ")
    for pid in walls.workers().values():
        assert set(pathlib.Path(f"/proc/{pid}/environ").read_bytes()) <= {0}


def memory(pid):
    """What its own writable memory holds; large reserved mappings aside."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in proc(pid, "maps").splitlines():
            match = re.match(r"(\w+)-(\w+) rw-p", line)
            if not match:
                continue
            first, end = (int(edge, 16) for edge in match.groups())
            if end - first > 64 << 20:
                continue
            try:
                mem.seek(first)
                yield mem.read(end - first)
            except OSError:
                pass  # it went away meanwhile, or is guarded


@pytest.mark.skipif(SANITIZED, reason="sanitizers keep a copy of the environment")
def test_worker_has_no_trace_of_the_environment_in_its_memory(walls):
    try:
        assert any(XYZZY.encode() in part for part in memory(walls.front()))
        for pid in walls.workers().values():
            assert not any(XYZZY.encode() in part for part in memory(pid))
    except PermissionError:
        pytest.skip("this machine does not let one process read another's memory")


def test_worker_cannot_reach_memory_of_other_workers(walls):
    shared = [len(re.findall(r" rw-s ", proc(pid, "maps"))) for pid in walls.workers().values()]
    assert len(set(shared)) == 1
    assert shared[0] < len(re.findall(r" rw-s ", proc(walls.front(), "maps")))


def test_front_and_supervisor_have_few_rights(walls):
    for pid in (walls.front(), walls.pid):
        rights = status(pid)
        assert rights["NoNewPrivs"] == 1
        assert not rights["CapPrm"] & ~(DAC_READ_SEARCH | NET_BIND_SERVICE | SYS_NICE)
        assert re.search(r"^Max core file size\s+0\s+0\s", proc(pid, "limits"), re.M)
    assert walled(walls.front())


def test_local_time_is_that_of_the_servers_time_zone(start):
    asks = {"asks": "return function()\n  return {hour = os.date('*t', 0).hour,\n"
                    "    back = os.time({year = 1970, month = 1, day = 2, hour = 7})}\nend"}
    server = start(asks, ["--workers", "1"], env={"TZ": "XXX-7"})
    for _ in range(2):
        result = server.result("asks")
        assert (result["hour"], result["back"]) == (7, 86400)


@pytest.mark.skipif("TZ" in os.environ, reason="TZ is set here")
def test_local_time_without_tz_is_that_of_the_machine(start):
    asks = {"asks": "return function() return {hour = os.date('*t', 0).hour,\n"
                    "    back = os.time(os.date('*t', 0))} end"}
    server = start(asks, ["--workers", "1"])
    for _ in range(2):
        result = server.result("asks")
        assert (result["hour"], result["back"]) == (time.localtime(0).tm_hour, 0)


def test_worker_that_cannot_raise_its_wall_runs_nothing(start):
    server = start(flags=["--workers", "1"])
    server.expected_faults = "worker died"
    most = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (3, most[1]))  # no room for /dev/null
    os.kill(server.worker(), signal.SIGKILL)
    server.wait_log(r"worker no wall: /dev/null: Too many open files")
    server.wait_log(r"worker died pid=\d+ exit=1")
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, most)
    assert server.result("hash", {"rounds": 1})["rounds"] == 1
    assert walled(server.worker())


# -- From inside -----------------------------------------------------------------------------------

def test_worker_may_be_made_to_do_what_it_may(walls, call):
    spinning = Background(walls, "busy", {"ms": 1000})
    worker = busy_worker(walls)
    assert call(worker, GETPID) == ("result", worker)
    assert spinning.reply().json()["done"] is True
    assert worker in walls.workers().values()


@pytest.mark.parametrize("name", FORBIDDEN)
def test_forbidden_system_call_costs_its_call_only(walls, call, name):
    if SANITIZED and name in FOR_REPORTS:
        pytest.skip("sanitizers make this call for their reports")
    front, function = walls.front(), f"spin_{name}"
    spinning = Background(walls, function)
    worker = busy_worker(walls)
    other = Background(walls, "sleep", {"ms": 300})  # in the other worker: this one is busy
    walls.wait_in_flight("sleep")
    assert call(worker, *FORBIDDEN[name]) == ("signal", SIGSYS)
    expect_error(spinning.reply(), 502, "worker_crashed", "forbidden system call", function)
    assert other.reply().status_code == 200
    walls.wait_log(f"worker died pid={worker} signal=31 cause=\"a forbidden system call\"")
    wait_until(lambda: len(walls.workers()) == 2, "the next worker")
    assert walls.result(function, {"calm": True})["calm"] is True
    assert walls.front() == front


def test_function_that_makes_forbidden_calls_is_no_longer_served(start, call):
    server = start({"spin": SPIN}, ["--workers", "1"])
    server.expected_faults = "worker died pid=.*a forbidden system call"
    for _ in range(3):
        spinning = Background(server, "spin")
        worker = busy_worker(server)
        call(worker, *FORBIDDEN["socket"])
        expect_error(spinning.reply(), 502, "worker_crashed")
        wait_until(lambda worker=worker: worker not in server.workers().values()
                   and server.workers(), "the next worker")
    expect_error(server.invoke("spin", {"calm": True}), 503, "function_broken")


def test_front_that_makes_a_forbidden_call_is_replaced(start, call):
    server = start(flags=["--workers", "1"])
    server.expected_faults = "front died pid=.*a forbidden system call"
    front = server.front()
    wait_until(lambda: walled(front), "its wall")
    assert call(front, *FORBIDDEN["execve"]) == ("signal", SIGSYS)
    assert Background(server, "hash", {"rounds": 1}).reply().json()["rounds"] == 1
    assert server.front() != front


@pytest.mark.skipif(not SANITIZED, reason="only programs built with a sanitizer report")
@pytest.mark.parametrize("process", ["front", "worker"])
def test_report_of_a_sanitizer_comes_over_the_wall(start, tmp_path, process):
    options = f"log_path={tmp_path}/report"
    server = start(flags=["--workers", "1"], env={f"{name}SAN_OPTIONS": options
                                                  for name in ("A", "T", "UB")})
    server.expected_faults = "Sanitizer|died"
    pid = getattr(server, process)()
    wait_until(lambda: walled(pid), "its wall")
    os.kill(pid, signal.SIGSEGV)
    server.wait_log(rf"{process} died pid={pid} exit=")
    reports = [server.log(), *(path.read_text() for path in tmp_path.iterdir())]
    assert any(re.search(r"SUMMARY: \w+Sanitizer: SEGV", report) for report in reports)


# -- Machines without ------------------------------------------------------------------------------

def test_server_does_not_start_where_walls_cannot_be_raised(inject):
    done = subprocess.run([inject, "without-seccomp", BINARY, "--listen", "127.0.0.1:0"],
                          text=True, timeout=PATIENCE_S, capture_output=True, check=False)
    assert done.returncode == 1, done.stderr
    assert re.search(r"error supervisor workers cannot run here: seccomp.*--walls=false",
                     done.stderr)
    assert "listening" not in done.stderr


def test_server_without_walls_says_so(start, inject):
    server = start({"spin": SPIN}, ["--workers", "1", "--walls=false"])
    server.wait_log("warn  supervisor walls are off")
    assert server.result("spin", {"calm": True})
    for pid in (server.worker(), server.front(), server.pid):
        assert (status(pid)["NoNewPrivs"], status(pid)["Seccomp"]) == (0, 0)
    command = [inject, "without-seccomp", BINARY, "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "FAAS_WALLS": "no"}) as other:
        assert any("listening" in line for line in other.stderr)
        other.terminate()
        other.stderr.read()
    assert other.returncode == 0


# -- What workers tell -----------------------------------------------------------------------------

MADVISE, MADV_REMOVE = 28, 9


def test_figures_of_the_profiler_are_not_taken_back(call):
    """A worker empties the page of memory that it shares with the front."""
    with Server(flags=["--workers", "1", "--profile-alloc-bytes", "65536"]) as server:
        def taken():
            return Scrape(server).value("faas_profile_completed_total")

        wait_until(lambda: server.result("sort", {"size": 20000}) and taken() > 20, "samples")
        before = taken()
        sizes = {int(start, 16): int(end, 16) - int(start, 16) for start, end in
                 re.findall(r"^(\w+)-(\w+) rw-s ", proc(server.worker(), "maps"), re.M)}
        page = max(sizes, key=sizes.get)
        assert call(server.worker(), MADVISE, page, 4096, MADV_REMOVE) == ("result", 0)
        assert taken() >= before
