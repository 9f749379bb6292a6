# SPDX-License-Identifier: MIT
"""test_demo.py - scripts/demo: the ten steps, and that nothing is left, however it ends."""

import contextlib
import os
import pty
import re
import signal
import socket
import subprocess

import pytest
import requests

from server import BINARY, PATIENCE_S, ROOT, all_stats, wait_until

pytestmark = pytest.mark.skipif(
    "/asan/" in BINARY or "/tsan/" in BINARY,
    reason="what is tested here is Python; other tests ask the same of an instrumented server")

DEMO = ["/usr/bin/python3", str(ROOT / "scripts/demo/run.py")]
FUNCTIONS = {"fibonacci", "transform", "hash", "sort", "sleep", "matrix", "regex", "compress",
             "primes", "contention", "fanout"}


def script(folder, name, text):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def left_of(said):
    """Processes of the server that the demo told the number of."""
    pid = int(re.search(r"start of process (\d+)", said)[1])
    return [one for one, fields in all_stats() if int(fields[3]) == pid]


class Demo:
    """A demo that runs; `said` is what it has printed so far."""

    def __init__(self, *flags, binary=BINARY, path=os.environ["PATH"], out=subprocess.PIPE,
                 stdin=subprocess.DEVNULL, ignored=None):
        def set_signals():
            for number in (signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN if number == ignored else signal.SIG_DFL)

        self.said = ""
        self.process = subprocess.Popen(
            [*DEMO, *flags], stdin=stdin, stdout=out, stderr=subprocess.STDOUT,
            env={**os.environ, "FAAS_SERVER": binary, "PATH": path, "OPTIMIZED": "true"},
            text=True, start_new_session=True, preexec_fn=set_signals)

    def read_until(self, text):
        for line in self.process.stdout:
            self.said += line
            if text in line:
                return self.said
        raise AssertionError(f"it never said {text!r}:\n{self.said}")

    def end(self):
        """(status, all that it said), when it has ended."""
        rest, _ = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, self.said + (rest or "")


@contextlib.contextmanager
def running():
    with contextlib.ExitStack() as stack:
        def start(*flags, **options):
            one = Demo(*flags, **options)
            stack.callback(one.process.wait)
            stack.callback(one.process.kill)
            return one

        yield start


@pytest.fixture(name="demo")
def demos():
    """demo(*flags, ...) starts one; all are ended, and their servers with them."""
    with running() as start:
        yield start


@pytest.fixture(scope="module", name="walk")
def whole_walk():
    """What one says from its start to its end."""
    with running() as start:
        status, said = start("--local", "--calls", "500").end()
        assert status == 0, said
        return said


# -- The walk --------------------------------------------------------------------------------------

def amounts(text, pattern):
    found = re.search(pattern, text)
    assert found, f"{pattern} is not in:\n{text}"
    return [float(value.replace(",", "")) for value in found.groups()]


def test_the_ten_steps_show_what_they_measured(walk):
    assert [int(step) for step in re.findall(r"^ ?(\d+)/10  \S", walk, re.M)] == list(range(1, 11))
    steps = re.split(r"^ ?\d+/10  ", walk, flags=re.M)
    assert {line.split()[0] for line in steps[2].splitlines() if line.endswith("%")} == FUNCTIONS
    waited, delay = amounts(steps[3], r"waits, ([\d.,]+) ms[^\n]*\n +lock profile +([\d.,]+) ms")
    assert waited > 0 and delay > 0
    assert "contention.lua:" in steps[3] and "sleep.lua:" in steps[6]
    assert re.findall(r"^ +(1|10|100|1000)  ", steps[4], re.M) == ["1", "10", "100", "1000"]
    assert "17 calls by one request" in steps[5]
    (wall_s,) = amounts(steps[6], r"wall profile +([\d.]+) s in 100 calls")
    assert wall_s > 25
    size, hits = amounts(steps[7], r"pool +(\d+) instances, \d+ idle; (\d+) hits")
    assert size == 64 and hits == 20 and "warm: 20 calls" in steps[7]
    for step in (steps[8], steps[10]):
        cold, warm = amounts(step, r"deploy \+ undeploy, p50 +([\d.,]+) +([\d.,]+)")
        assert cold > warm > 0
    assert "transform.lua:" in steps[9]
    profiled, kernels = amounts(steps[9], r"([\d.]+) s of processor time are .* ([\d.]+) s\n")
    assert 0.5 < profiled / kernels < 1.5
    assert "none failed" in steps[10] and "/#/profiles?view=difference&fn=hash" in steps[10]
    assert max(map(len, walk.splitlines())) <= 100
    assert "\033" not in walk
    assert not left_of(walk)


def test_what_it_types_can_be_typed(walk):
    """A shell reads each as one command, with an address and what belongs to it."""
    typed = re.findall(r"^    \$ (curl .*)$", walk.replace(" \\\n      ", " "), re.M)
    assert len(typed) > 20
    for line in typed:
        words = subprocess.run(["sh", "-c", f"printf '%s\\n' {line}"], check=True, text=True,
                               stdout=subprocess.PIPE).stdout.splitlines()
        assert words[0] == "curl" and any(word.startswith("localhost:") for word in words), line


def test_on_a_terminal_it_stays_until_enter(demo):
    ours, theirs = pty.openpty()
    one = demo("--local", "--calls", "500", stdin=theirs, out=theirs)
    os.close(theirs)
    said = ""

    def more():
        nonlocal said
        said += os.read(ours, 65536).decode()
        return "Enter ends it" in said

    wait_until(more, "it to wait")
    address = re.search(r"address +(http://localhost:\d+)", said)[1]
    assert requests.get(address + "/health", timeout=PATIENCE_S).text == "OK"
    assert "\033[1m" in said
    os.write(ours, b"\n")
    wait_until(lambda: one.process.poll() is not None, "it to end")
    assert one.process.returncode == 0
    assert not left_of(said)
    os.close(ours)


def test_a_server_that_dies_while_one_looks_is_told(demo):
    ours, theirs = pty.openpty()
    one = demo("--local", "--calls", "500", "--stay", stdin=theirs)
    os.close(theirs)
    said = one.read_until("Enter ends it")
    os.kill(int(re.search(r"start of process (\d+)", said)[1]), signal.SIGKILL)
    wait_until(lambda: not left_of(said), "its processes to end")
    os.write(ours, b"\n")
    status, said = one.end()
    assert status == 1 and "demo: the server ended by itself, with status -9" in said
    os.close(ours)


def test_asked_to_stay_it_goes_on_until_a_signal(demo):
    one = demo("--local", "--calls", "500", "--stay")
    said = one.read_until("Ctrl-C, or SIGTERM, ends it")
    address = re.search(r"address +(http://localhost:\d+)", said)[1]
    assert requests.get(address + "/health", timeout=PATIENCE_S).text == "OK"
    one.process.send_signal(signal.SIGTERM)
    assert one.end()[0] == 143
    assert not left_of(said)


# -- How it ends -----------------------------------------------------------------------------------

@pytest.mark.parametrize("number, status", [
    (signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9)])
def test_a_signal_leaves_nothing(demo, number, status):
    one = demo("--local")
    said = one.read_until(" 2/10")
    one.process.send_signal(number)
    ended, said = one.end()
    assert ended == status, said
    assert number == signal.SIGKILL or f"stopped by {number.name}" in said
    # what was killed could not wait for its server
    wait_until(lambda: not left_of(said), "the server to end")


def test_a_signal_that_was_ignored_stays_so(demo):
    one = demo("--local", ignored=signal.SIGHUP)
    one.read_until(" 2/10")
    one.process.send_signal(signal.SIGHUP)
    one.read_until(" 3/10")
    one.process.terminate()
    assert one.end()[0] == 143


def test_whoever_has_the_port_is_left_alone(demo):
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(socket.create_server(("127.0.0.1", 8088)))
        except OSError:
            pass  # somebody else has it, which is as good
        one = demo("--local")
        said = one.read_until(" 2/10")
        assert "Port 8088 is taken" in said
        assert int(re.search(r"address +http://localhost:(\d+)", said)[1]) != 8088
        one.process.terminate()
        one.end()


@pytest.mark.parametrize("text, sentence", [
    ("echo no luck; exit 3", r"ended by itself, with status 3; [^$]*no luck"),
    ("exit 1", "ended by itself, with status 1; its log is empty"),
    (None, "the server could not be started: .*No such file"),
])
def test_a_server_that_does_not_start_is_told(demo, tmp_path, text, sentence):
    binary = script(tmp_path, "server", text) if text else str(tmp_path / "nobody")
    status, said = demo("--local", binary=binary).end()
    assert status == 1
    assert re.search(f"demo: .*{sentence}", said), said
    assert "Traceback" not in said


def test_a_server_that_dies_is_told(demo):
    one = demo("--local")
    said = one.read_until(" 2/10")
    os.kill(int(re.search(r"start of process (\d+)", said)[1]), signal.SIGKILL)
    status, said = one.end()
    assert status == 1
    assert "the server ended by itself, with status -9" in said
    wait_until(lambda: not left_of(said), "its processes to end")


@pytest.mark.parametrize("flags, sentence", [
    ("--profile-cpu-hz 0 --profile-lock-ns 0", "has 0: cpu_hz, lock_ns"),
    ("--pool-max 1", "/fn/warmpool/hash?size=64: got 400"),
])
def test_a_reply_that_was_not_expected_ends_it(demo, tmp_path, flags, sentence):
    binary = script(tmp_path, "server", f'exec "{BINARY}" "$@" {flags}')
    status, said = demo("--local", binary=binary).end()
    assert status == 1
    assert re.search(f"demo: .*{re.escape(sentence)}", said), said
    assert not left_of(said)


@pytest.mark.parametrize("rate, profile", [("lock_ns", "lock"), ("wall_hz", "wall")])
def test_a_profile_without_samples_ends_it(demo, rate, profile):
    one = demo("--local")
    said = one.read_until(" 2/10")
    address = re.search(r"address +(http://localhost:\d+)", said)[1]
    requests.put(address + "/debug/profiling", json={rate: 0}, timeout=PATIENCE_S)
    status, said = one.end()
    assert status == 1
    assert f"the {profile} profile has nothing" in said
    assert not left_of(said)


def test_whoever_stops_reading_leaves_nothing(demo):
    one = demo("--local")
    said = one.read_until(" 2/10")
    one.process.stdout.close()
    assert one.process.wait(PATIENCE_S) == 1
    assert not left_of(said)


# -- With Docker, or without -----------------------------------------------------------------------

WITHOUT = [
    (None, "there is no `docker` in PATH"),
    ("echo nobody is there; exit 1",
     "no Docker engine answers (`docker version`: nobody is there)"),
    ('[ "$1" = version ] && echo 25', "Docker has no compose"),
]


@pytest.mark.parametrize("docker, why", WITHOUT)
def test_docker_is_told_to_be_missing(demo, tmp_path, docker, why):
    if docker:
        script(tmp_path, "docker", docker)
    status, said = demo("--docker", path=str(tmp_path)).end()
    assert status == 1
    assert f"demo: no demo with Docker: {why}" in said


def test_without_docker_it_goes_on_and_says_why(demo, tmp_path):
    one = demo(path=str(tmp_path))
    said = one.read_until(" 2/10")
    assert f"Without Docker, for {WITHOUT[0][1]}: the built server" in " ".join(said.split())
    one.process.terminate()
    assert one.end()[0] == 143


# An engine that warns of all it is asked for, and never comes up.
COMPOSE = """echo "warning: nothing" >&2
case "$*" in
version*) echo 25 ;;
"compose config --services") echo pyroscope; echo faas-server; echo grafana ;;
"compose ps"*) echo {before} ;;
"compose up"*) : >{tmp}/up; exec /bin/sleep 60 ;;
"compose rm"* | "compose down") echo "$*" >{tmp}/ended; exit {status} ;;
esac"""


@pytest.mark.parametrize("before, status, ended, outcome", [
    ("", 0, "compose down", "what it started has ended"),
    ("", 1, "compose down", "something it started may still run"),
    ("pyroscope", 0, "compose rm -s -f faas-server grafana", "what it started has ended"),
])
def test_stopped_while_containers_start_it_ends_its_own(demo, tmp_path, before, status, ended,
                                                        outcome):
    script(tmp_path, "docker", COMPOSE.format(tmp=tmp_path, before=before, status=status))
    one = demo("--docker", path=str(tmp_path))
    wait_until((tmp_path / "up").exists, "the containers to be started")
    one.process.terminate()
    code, said = one.end()
    assert code == 143 and f"stopped by SIGTERM; {outcome}" in said, said
    assert (tmp_path / "ended").read_text() == f"{ended}\n"


@pytest.mark.parametrize("calls", ["0", "10000001", "many"])
def test_calls_that_make_no_sense_are_refused(demo, calls):
    status, said = demo("--calls", calls).end()
    assert status == 2
    assert "--calls" in said
