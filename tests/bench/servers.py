# SPDX-License-Identifier: MIT
"""servers.py - servers under test: a port and a folder of their own, ended by their pid."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time

from client import Connection, Missing, request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("FAAS_SERVER", ROOT / "build/release/faas-server"))
BUILD = BINARY.parent
PATIENCE_S = 30
END_S = 10
POLL_S = 0.0001  # also what the figure of a start may be off by
CLOCK_SCHEDULED = 2  # what runs, to the nanosecond; that of /proc is of whole ticks
NOOP = "return function() return {} end\n"


def wait_until(condition, what, pause_s=0.005):
    """Polls until `condition` holds and returns its value."""
    end = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {PATIENCE_S} s for {what}")
        time.sleep(pause_s)
    return value


class Server:
    """A process that listens, with its children. A subclass says how it is started."""

    name = ready_path = None

    def __init__(self):
        self.home = tempfile.TemporaryDirectory(prefix="faas-bench-")
        self.folder = pathlib.Path(self.home.name)
        self.log = self.folder / "log"

    def command(self):
        raise NotImplementedError

    def environment(self):
        """Ours, without what would change the server's settings."""
        return {name: value for name, value in os.environ.items()
                if not name.startswith(("FAAS_", "PYROSCOPE_"))
                and name not in ("PORT", "OPTIMIZED")}

    def find_port(self):
        """The port, once it is known."""
        found = re.search(r"listening url=\S+:(\d+)", self.log.read_text())
        return found and int(found[1])

    # -- Life ----------------------------------------------------------------------------------

    def __enter__(self):
        with self.log.open("wb") as log:
            self.began = time.perf_counter()
            self.process = subprocess.Popen(self.command(), env=self.environment(), stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)
        try:
            self.port = self._wait(self.find_port)
            self._wait(self.answers)
            self.started_ms = (time.perf_counter() - self.began) * 1000
            self.settle()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            for pid in self.family():
                os.kill(pid, signal.SIGKILL)
            self.process.wait()
        self.home.cleanup()

    def _wait(self, condition):
        def alive():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text()}")
            return condition()

        return wait_until(alive, f"{self.name} to start", POLL_S)

    def answers(self, path=None):
        """Whether a GET of `path` is answered with 200."""
        try:
            with Connection(self.port) as connection:
                return connection.ask(request("GET", path or self.ready_path))[0] == 200
        except ConnectionError:
            return False

    def settle(self):
        """Waits for what has to follow its first reply."""

    # -- Figures -------------------------------------------------------------------------------

    def family(self):
        """Its pid and those of its children."""
        pid = self.process.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def cpu_us(self):
        """Processor time of the family, by the kernel's clock of each process."""
        clocks = [~pid << 3 | CLOCK_SCHEDULED for pid in self.family()]  # clock_getcpuclockid(3)
        return sum(map(time.clock_gettime_ns, clocks)) / 1000

    def memory_kib(self, kind):
        """The family's memory; of Pss, shared pages count once."""
        texts = [pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self.family()]
        return sum(int(re.search(rf"^{kind}: +(\d+) kB$", text, re.M)[1]) for text in texts)


class Faas(Server):
    """The server, with one function more: noop. `flags` and `env` are added to its defaults."""

    name, ready_path = "faas-server", "/health"

    def __init__(self, *flags, env=None):
        super().__init__()
        self.flags, self.env = flags, env or {}
        functions = self.folder / "functions"
        functions.mkdir()
        (functions / "noop.lua").write_text(NOOP)

    def command(self):
        return [BINARY, "--listen", "127.0.0.1:0", "--functions", self.folder / "functions",
                *self.flags]

    def environment(self):
        return super().environment() | self.env

    def settle(self):
        self._wait(lambda: self.answers("/ready"))

    def json(self, method, path):
        with Connection(self.port) as connection:
            return connection.json(method, path)

    def add_warm(self, size):
        """`size` more warm instances of noop, when they are there."""
        had = self.json("GET", "/fn/warmpool").get("noop", {"idle": 0})["idle"]
        self.json("POST", f"/fn/warmpool/noop?size={size}")
        wait_until(lambda: self.json("GET", "/fn/warmpool")["noop"]["idle"] == had + size,
                   f"{size} warm instances")

    def started(self, start):
        """How many calls of noop started cold, or warm."""
        return self.json("GET", "/fn/stats")["noop"][start]


class BareH2o(Server):
    """libh2o alone."""

    name, ready_path = "bare libh2o", "/"

    def command(self):
        program = BUILD / "bare_h2o"
        if not program.exists():
            raise Missing("bare_h2o is not built (cmake -DFAAS_BENCHMARKS=ON, target benchmarks)")
        return [program]


class Nginx(Server):
    """Debian's nginx with its Lua module, installed or unpacked under build/tools."""

    name, ready_path = "nginx with Lua", "/"
    places = (ROOT / "build/tools/nginx", pathlib.Path("/"))
    config = """
daemon off;
pid {home}/pid;
error_log {home}/log;
worker_processes {processors};
load_module {root}/usr/lib/nginx/modules/ndk_http_module.so;
load_module {root}/usr/lib/nginx/modules/ngx_http_lua_module.so;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    lua_package_path "{root}/usr/share/lua/5.1/?.lua;;";
    server {{
        listen 127.0.0.1:{port} reuseport;
        location / {{
            default_type application/json;
            content_by_lua_block {{
                ngx.req.read_body()
                ngx.header.content_length = 2
                ngx.print("{{}}")
            }}
        }}
    }}
}}
"""

    def command(self):
        has = "usr/lib/nginx/modules/ngx_http_lua_module.so"
        root = next((place for place in self.places if (place / has).exists()), None)
        if not root or not (root / "usr/sbin/nginx").exists():
            raise Missing("nginx and its Lua module are neither installed nor unpacked")
        with socket.create_server(("127.0.0.1", 0)) as free:  # it has no port 0
            self.free_port = free.getsockname()[1]
        file = self.folder / "nginx.conf"
        file.write_text(self.config.format(home=self.folder, root=str(root).rstrip("/"),
                                           port=self.free_port, processors=os.cpu_count()))
        return [root / "usr/sbin/nginx", "-p", self.folder, "-e", self.log, "-c", file]

    def environment(self):
        libraries = ROOT / "build/tools/nginx/usr/lib" / sysconfig.get_config_var("MULTIARCH")
        return super().environment() | {"LD_LIBRARY_PATH": str(libraries)}

    def find_port(self):
        return self.free_port
