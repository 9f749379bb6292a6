# SPDX-License-Identifier: MIT
"""server.py - a server under test: a port and a folder of its own, ended by its pid."""

import contextlib
import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import tempfile
import threading
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("FAAS_SERVER", str(ROOT / "build/release/faas-server"))
# ThreadSanitizer holds signals back until the program calls something that it knows.
SIGNALS_COME_AT_ONCE = "/tsan/" not in BINARY
# It also makes work some ten times as long: of what is repeated very often it gets this part.
PART = 1 if SIGNALS_COME_AT_ONCE else 1 / 5
PATIENCE_S = 60  # instrumented builds are slow; nothing that works takes this long

# What a server never logs while it works as it should: all deaths but those by SIGKILL, which is
# how a stuck worker is ended.
FAULTS = re.compile(r"nonsense|internal error|Sanitizer|runtime error:|Assertion|front died"
                    r"|(worker|pusher) died pid=\d+ (?!signal=9\b)")


def wait_until(condition, what, seconds=PATIENCE_S):
    """Polls until `condition` holds and returns its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {seconds} s for: {what}"
        time.sleep(0.005)


def all_stats():
    """(pid, fields after the name) of every process that is no zombie."""
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb", buffering=0) as stat:  # quick: it is asked often
                text = stat.read(4096)
        except OSError:
            continue
        fields = text[text.rindex(b")") + 2:].split()
        if fields[0] not in b"ZX":
            yield int(entry), fields


def cpu_ticks(pid):
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return sum(int(field) for field in text[text.rindex(")") + 2:].split()[11:13])


def busy_worker(server):
    """The pid of the worker that burns time."""
    before = {pid: cpu_ticks(pid) for pid in server.workers().values()}
    return wait_until(lambda: next((pid for pid in before if cpu_ticks(pid) > before[pid] + 5), 0),
                      "a worker to be busy")


class Server:
    """`functions` maps file names ("echo" or "lib/x") to Lua texts; `flags` and `env` are added.
    `url`: where it will listen, for one whose log does not tell. `log_is_pipe`: until close_log.
    `verify`: the certificate of one that speaks TLS, or False.
    `pid` is the process that was started, `supervisor` the one that has front and workers."""

    def __init__(self, functions=None, flags=(), env=None, files_max=None, url=None,
                 log_is_pipe=False, verify=None, binary=BINARY, listen="127.0.0.1:0"):
        self.home = tempfile.TemporaryDirectory(prefix="faas-test-")
        self.folder = pathlib.Path(self.home.name, "functions")
        self.folder.mkdir()
        self.log_path = pathlib.Path(self.home.name, "log")
        self.expected_faults = None  # a pattern for those that a test provokes
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = verify
        self.url = url
        self.reader = None  # of the pipe that is its log
        where = ["--listen", listen] if listen else []
        self.command = [str(binary), *where, "--functions", str(self.folder), *flags]
        for name, text in (functions or {}).items():
            self.write(name, text)
        self._start(env or {}, files_max, log_is_pipe)

    # -- Life ----------------------------------------------------------------------------------

    def _start(self, env, files_max, log_is_pipe):
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("FAAS_", "PYROSCOPE_"))
                and name not in ("PORT", "OPTIMIZED")}

        def limit():
            if files_max:
                resource.setrlimit(resource.RLIMIT_NOFILE, (files_max, files_max))

        with self.log_path.open("w") as file:
            log = file
            if log_is_pipe:
                self.reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file)
                log = self.reader.stdin
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stderr=log,
                                            stdout=subprocess.DEVNULL, env={**kept, **env},
                                            start_new_session=True, preexec_fn=limit)
        self.pid = self.supervisor = self.process.pid
        if self.reader:
            self.reader.stdin.close()
        try:
            self.url = self.url or wait_until(self._listening, "the server to listen")
            self.port = int(self.url.rsplit(":", 1)[1])
            wait_until(self._ready, "the server to be ready")
        except BaseException:
            self.kill()
            raise

    def _check_alive(self):
        status = self.process.poll()
        assert status is None, f"it ended with {status}:\n{self.log()}"

    def _ready(self):
        self._check_alive()
        try:
            return self.get("/ready").status_code == 200
        except requests.ConnectionError:
            return False

    def _listening(self):
        self._check_alive()
        found = re.search(r"listening url=(https?://\S+)", self.log())
        return found and found[1]

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            self.kill()
        else:
            self.stop()

    def wait_ended(self, status=0):
        """Waits for the end that something else has caused, and that nothing is left of it."""
        assert self.process.wait(PATIENCE_S) == status, self.log()
        wait_until(lambda: not self.family(), f"these to end: {self.family()}")

    def stop(self):
        """SIGTERM, unless it has ended; then nothing is left, and the log tells of no fault."""
        if self.process.poll() is None:
            self.session.close()  # a connection that was just used would be waited for
            self.process.send_signal(signal.SIGTERM)
            self.wait_ended()
        wait_until(lambda: not self.family(), f"these to end: {self.family()}")
        faults = [line for line in self.log().splitlines() if self._is_fault(line)]
        self.session.close()
        self.home.cleanup()
        assert not faults, "\n".join(faults)

    def _is_fault(self, line):
        expected = self.expected_faults and re.search(self.expected_faults, line)
        return FAULTS.search(line) and not expected

    def reload(self):
        """SIGHUP; waits until the new processes serve, and those before take nothing more."""
        before = self.log()
        self.process.send_signal(signal.SIGHUP)
        self.wait_reloads(before.count(" reloaded pid=") + 1)
        wait_until(lambda: self.log().count(" retiring ") > before.count(" retiring "),
                   "those before to retire")

    def wait_reloads(self, count):
        """Waits until there have been so many since the start; the last one's pid is noted."""
        pattern = re.compile(r" reloaded pid=(\d+)")
        found = wait_until(lambda: (pids := pattern.findall(self.log())) and len(pids) >= count
                           and pids, f"{count} reloads")
        self.supervisor = int(found[-1])

    def kill(self):
        """Ends it without a word: after a failure."""
        for pid in [self.pid, *self.family()]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.session.close()
        self.home.cleanup()

    # -- Processes -----------------------------------------------------------------------------

    def family(self):
        """Pids of its session: the supervisor and all that descends from it."""
        return [pid for pid, fields in all_stats() if int(fields[3]) == self.pid]

    def children(self):
        """{name: pid} of front and workers."""
        found = {}
        for pid, fields in all_stats():
            if int(fields[1]) != self.supervisor:
                continue
            try:
                found[pathlib.Path(f"/proc/{pid}/comm").read_text().strip()] = pid
            except OSError:
                pass
        return found

    def front(self):
        return wait_until(lambda: self.children().get("faas-front"), "a front")

    def workers(self):
        return {name: pid for name, pid in self.children().items() if "worker" in name}

    def worker(self):
        """The pid of the only worker, of a server with --workers 1."""
        (pid,) = wait_until(self.workers, "a worker").values()
        return pid

    # -- Files and log -------------------------------------------------------------------------

    def write(self, name, text):
        """A function file, put in its place by a rename."""
        path = self.folder / f"{name}.lua"
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(text)
        part.rename(path)
        return path

    def close_log(self):
        """Ends who reads the pipe that is its log."""
        self.reader.kill()
        self.reader.wait()

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_log(self, pattern):
        return wait_until(lambda: re.search(pattern, self.log()), f"the log to say {pattern}")

    # -- Requests ------------------------------------------------------------------------------

    def request(self, method, path, **options):
        options.setdefault("timeout", 2 * PATIENCE_S)
        return self.session.request(method, self.url + path, **options)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body=None, **options):
        """`body`: text as it is, a dict as JSON."""
        data = json.dumps(body) if isinstance(body, dict) else body
        return self.request("POST", path, data=data, **options)

    def invoke(self, name, body=None, start=None, **options):
        return self.post(f"/fn/invoke/{name}" + (f"?start={start}" if start else ""), body,
                         **options)

    def result(self, name, body=None, start=None, **options):
        """The JSON of a call that has to succeed."""
        reply = self.invoke(name, body, start, **options)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def detail(self, name):
        """What /fn/list says of a function, or None."""
        details = self.get("/fn/list").json()["details"]
        return next((item for item in details if item["name"] == name), None)

    def stats(self, name):
        return self.get("/fn/stats").json()[name]

    def wait_in_flight(self, name, count=1):
        wait_until(lambda: self.stats(name)["in_flight"] == count, f"{count} calls of {name}")

    def connect(self):
        raw = socket.create_connection(("127.0.0.1", self.port))
        raw.settimeout(PATIENCE_S)
        return raw


class Background:
    """A request in a thread of its own; `reply()` waits for what came of it."""

    def __init__(self, server, *args, method="invoke", **options):
        self._reply = self._error = None

        def work():
            try:
                # requests' sessions are not for several threads
                with requests.Session() as session:
                    session.trust_env = False
                    alone = _Alone(server, session)
                    self._reply = getattr(alone, method)(*args, **options)
            except requests.RequestException as error:
                self._error = error

        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()

    def is_done(self):
        return not self._thread.is_alive()

    def reply(self):
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "no reply came"
        if self._error:
            raise self._error
        return self._reply


class _Alone:
    """A server's requests through another session."""

    request, get, post, invoke = Server.request, Server.get, Server.post, Server.invoke

    def __init__(self, server, session):
        self.url, self.session = server.url, session


def expect_error(reply, status, code, text="", function=None):
    """Checks an error reply against the contract; returns its JSON."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    body = reply.json()
    assert body["code"] == code, body
    assert text in body["error"], body
    assert body["call_id"] == reply.headers["x-call-id"]
    assert body.get("function") == function or function is None
    assert set(body) - {"steps", "chain_length", "total_ms"} <= {
        "error", "code", "function", "call_id", "child", "details", "traceback"}
    assert ("retry-after" in reply.headers) == (status in (429, 503))
    return body


@contextlib.contextmanager
def starting():
    """Gives start(functions, flags=..., env=...), whose servers are stopped at the end."""
    running = []

    def start_one(*args, **options):
        running.append(Server(*args, **options))
        return running[-1]

    yield start_one
    for one in running:
        one.stop()
