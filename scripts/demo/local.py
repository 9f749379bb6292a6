# SPDX-License-Identifier: MIT
"""local.py - the built server as a child of the demo, which ends with it."""

import ctypes
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

from client import Failure, is_ready, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("FAAS_SERVER", str(ROOT / "build/release/faas-server"))
PORT = 8088
START_S, END_S = 20, 10
POLL_S = 0.001  # also what the time of a start may be off by
LOG_LINES, LOG_MOST = 5, 1 << 20
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


def is_free(port):
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


class Local:
    """`begin()`, then `url`, `started_ms` and `pid`; `end()`, always. Where the usual port is
    taken it takes another one, and `note` says so."""

    url = note = process = started_ms = None
    services = {"faas-server"}
    token = ""
    began = True

    def begin(self):
        free = is_free(PORT)
        if not free:
            self.note = f"Port {PORT} is taken; whoever has it is left alone."
        self.log = tempfile.TemporaryFile()  # without a name: nothing is left of it
        command = [BINARY, "--listen", f"127.0.0.1:{PORT if free else 0}"]
        self.shown_command = " ".join(command).removeprefix(f"{ROOT}/")
        began = time.monotonic()
        try:
            self.process = subprocess.Popen(
                command, env=self._environment(), stdin=subprocess.DEVNULL, stdout=self.log,
                stderr=self.log, start_new_session=True,
                preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM))
        except OSError as error:
            raise Failure(f"the server could not be started: {error}") from error
        wait_until(lambda: self.trouble() or self._is_ready(), START_S, POLL_S)
        self.started_ms = 1000 * (time.monotonic() - began)
        if self.trouble():
            raise Failure(self.trouble())
        if not self._is_ready():
            raise Failure(f"the server was not ready after {START_S} s; {self._last_words()}")

    def ready_words(self):
        return f"{self.started_ms:.1f} ms after the start of process {self.process.pid}"

    @staticmethod
    def _environment():
        """Without what sets the server otherwise than its defaults do."""
        return {name: value for name, value in os.environ.items()
                if not name.startswith(("FAAS_", "PYROSCOPE_"))
                and name not in ("PORT", "OPTIMIZED")}

    def _is_ready(self):
        if not self.url:
            found = re.search(r" listening url=(\S+)", self._logged())
            self.url = found and found[1]
        return self.url and is_ready(self.url)

    def _logged(self):
        """Read without a seek: the server writes where this file is."""
        return os.pread(self.log.fileno(), LOG_MOST, 0).decode(errors="replace")

    def _last_words(self):
        lines = self._logged().splitlines()[-LOG_LINES:]
        if not lines:
            return "its log is empty"
        return "\n    ".join(["the last lines of its log:", *lines])

    def trouble(self):
        """A sentence when it has ended by itself, else empty."""
        status = self.process.poll()
        return "" if status is None else (
            f"the server ended by itself, with status {status}; {self._last_words()}")

    def end(self):
        """What came of ending it, as a sentence; Failure where it did not end well."""
        if not self.process or self.process.poll() is not None:
            return "The server had ended."
        self.process.terminate()
        try:
            status = self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            status = self.process.wait()
        if status != 0:
            raise Failure(f"the server ended with status {status}; {self._last_words()}")
        return "The server has ended, with status 0."
