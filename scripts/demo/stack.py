# SPDX-License-Identifier: MIT
"""stack.py - the containers of docker/compose.yaml: the server, Pyroscope, Prometheus, Grafana."""

import os
import shutil
import signal
import subprocess
import time

from client import Failure, is_ready, wait_until
from local import ROOT

LOOK_S, UP_S, READY_S, DOWN_S, END_S = 20, 900, 60, 120, 10


class NoStack(Exception):
    """With the sentence that tells why there can be none."""


def run(command, seconds, shown=False):
    """(status, what it printed). It has a session of its own, so that Ctrl-C ends it through us."""
    out = None if shown else subprocess.PIPE
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                               stderr=None if shown else subprocess.STDOUT, text=True,
                               errors="replace", start_new_session=True)
    try:
        printed, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return 1, f"it took more than {seconds} s"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return process.returncode, printed or ""


def last_line(text):
    return (text.strip().splitlines() or ["it printed nothing"])[-1].strip()


def find_compose():
    """The command; NoStack where there is no engine, or no compose."""
    if not shutil.which("docker"):
        raise NoStack("there is no `docker` in PATH")
    status, printed = run(["docker", "info", "--format", "{{.ServerVersion}}"], LOOK_S)
    if status != 0 or not printed.strip():
        raise NoStack(f"no Docker engine answers (`docker info`: {last_line(printed)})")
    if run(["docker", "compose", "version"], LOOK_S)[0] == 0:
        return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    raise NoStack("Docker has no compose (neither `docker compose` nor `docker-compose`)")


class Stack:
    """`begin()`, then `url`, `services` (those that run) and `note`; `end()`, always. What ran
    before the demo is used as it is, and left running."""

    url = note = started_ms = None
    services = frozenset()

    def __init__(self, compose, shown):
        self.command = compose
        self.shown = shown  # whether what compose prints while it builds and fetches is shown
        self.began = False
        self.before = set()  # services that ran already
        self.token = next((name for name in ("FAAS_ADMIN_TOKEN", "FAAS_INVOKE_TOKEN")
                           if os.environ.get(name)), "")

    def _compose(self, *words, seconds=LOOK_S, shown=False):
        return run([*self.command, *words], seconds, shown)

    def _running(self):
        status, printed = self._compose("ps", "--services", "--filter", "status=running")
        if status != 0:
            raise NoStack(f"compose does not work here: {last_line(printed)}")
        return set(printed.split())

    def begin(self):
        self.before = self._running()
        began = time.monotonic()
        self.shown_command = f"{' '.join(self.command)} ps"
        if "faas-server" not in self.before:
            self._up()
        status, printed = self._compose("port", "faas-server", "8088")
        if status != 0:
            raise NoStack(f"the server's container does not run: {last_line(printed)}")
        self.url = f"http://127.0.0.1:{last_line(printed).rsplit(':', 1)[1]}"
        if not wait_until(lambda: is_ready(self.url), READY_S, 0.1):
            _, log = self._compose("logs", "--tail", "5", "faas-server")
            raise Failure(f"the server in its container was not ready after {READY_S} s; its log"
                          f" ends with:\n{log.rstrip()}")
        self.started_ms = 1000 * (time.monotonic() - began)
        self.services = self._running()

    def _bring_up(self, *services):
        words = ["up", "-d", "--build", *services]
        self.shown_command = " ".join([*self.command, *words])
        return self._compose(*words, seconds=UP_S, shown=self.shown)

    def _up(self):
        self.began = True
        status, why = self._bring_up()
        if status == 0:
            return
        status, why_alone = self._bring_up("faas-server")
        if status != 0:
            raise NoStack(f"the server's container cannot be had: {last_line(why_alone)}")
        self.note = ("The server runs alone: Pyroscope, Prometheus and Grafana cannot be had"
                     + (f" ({last_line(why)})." if why else "."))

    def ready_words(self):
        return ("it ran before" if not self.began else
                f"{self.started_ms / 1000:.1f} s after this, images and all")

    def trouble(self):
        """A sentence when the server's container has ended, else empty."""
        if "faas-server" in self._running():
            return ""
        return f"the server's container has ended: {last_line(self._compose('logs')[1])}"

    def end(self):
        """What came of ending it, as a sentence."""
        if not self.began:
            return "The containers ran before, and go on."
        ending = ["rm", "-s", "-f", *self.services - self.before] if self.before else ["down"]
        status, printed = self._compose(*ending, seconds=DOWN_S)
        if status != 0:
            raise Failure(f"the containers could not be ended: {last_line(printed)}")
        return "The containers are removed; what Pyroscope and Prometheus keep is in volumes."
