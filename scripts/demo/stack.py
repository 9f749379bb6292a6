# SPDX-License-Identifier: MIT
"""stack.py - the containers of docker/compose.yaml: the server, Pyroscope, Prometheus, Grafana."""

import os
import re
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
    """It, when it is done. It has a session of its own, so that Ctrl-C ends it through us."""
    out = None if shown else subprocess.PIPE
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                               stderr=out, text=True, errors="replace", start_new_session=True)
    try:
        printed = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"it took more than {seconds} s")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return subprocess.CompletedProcess(command, process.returncode, *printed)


def reason(done):
    """Why it failed: the last that it said."""
    if done.stdout is None:
        return "see above"
    said = done.stderr.strip() or done.stdout.strip() or "it printed nothing"
    return said.splitlines()[-1].strip()


def find_compose():
    """The command; NoStack where there is no engine, or no compose."""
    if not shutil.which("docker"):
        raise NoStack("there is no `docker` in PATH")
    done = run(["docker", "version", "--format", "{{.Server.Version}}"], LOOK_S)
    if done.returncode != 0 or not done.stdout.strip():
        raise NoStack(f"no Docker engine answers (`docker version`: {reason(done)})")
    if run(["docker", "compose", "version"], LOOK_S).returncode == 0:
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
        self.token = next((name for name in ("FAAS_ADMIN_TOKEN", "FAAS_INVOKE_TOKEN")
                           if os.environ.get(name)), "")

    def _compose(self, *words, seconds=LOOK_S, shown=False):
        return run([*self.command, *words], seconds, shown)

    def _listed(self, *words):
        done = self._compose(*words)
        if done.returncode != 0:
            raise NoStack(f"compose does not work here: {reason(done)}")
        return set(done.stdout.split())

    def _running(self):
        return self.all & self._listed("ps", "--services", "--filter", "status=running")

    def begin(self):
        self.all = self._listed("config", "--services")
        self.before = self._running()  # these are not ours
        began = time.monotonic()
        self.shown_command = f"{' '.join(self.command)} ps"
        if "faas-server" not in self.before:
            self._up()
        done = self._compose("port", "faas-server", "8088")
        port = re.search(r":(\d+)$", done.stdout.strip())
        if done.returncode != 0 or not port:
            raise NoStack(f"the server's container does not run: {reason(done)}")
        self.url = f"http://127.0.0.1:{port[1]}"
        if not wait_until(lambda: is_ready(self.url), READY_S, 0.1):
            raise Failure(f"the server in its container was not ready after {READY_S} s; its log"
                          f" ends with:\n{self._log(5)}")
        self.started_ms = 1000 * (time.monotonic() - began)
        self.services = self._running()

    def _bring_up(self, *services):
        words = ["up", "-d", "--build", *services]
        self.shown_command = " ".join([*self.command, *words])
        return self._compose(*words, seconds=UP_S, shown=self.shown)

    def _up(self):
        self.began = True
        together = self._bring_up()
        if together.returncode == 0:
            return
        alone = self._bring_up("faas-server")
        if alone.returncode != 0:
            raise NoStack(f"the server's container cannot be had: {reason(alone)}")
        self.note = ("The server runs alone: Pyroscope, Prometheus and Grafana cannot be had"
                     f" ({reason(together)}).")

    def ready_words(self):
        return ("it ran before" if not self.began else
                f"{self.started_ms / 1000:.1f} s after that command, with building and fetching")

    def _log(self, lines):
        done = self._compose("logs", "--tail", str(lines), "faas-server")
        return (done.stderr + done.stdout).rstrip()

    def trouble(self):
        """A sentence when the server's container has ended, else empty."""
        if "faas-server" in self._running():
            return ""
        return f"the server's container has ended:\n{self._log(1)}"

    def end(self):
        """What came of ending it, as a sentence."""
        if not self.began:
            return "The containers ran before, and go on."
        ours = sorted(self.all - self.before)
        done = self._compose(*(["rm", "-s", "-f", *ours] if self.before else ["down"]),
                             seconds=DOWN_S)
        if done.returncode != 0:
            raise Failure(f"the containers could not be ended: {reason(done)}")
        kept = [name for name in ("Pyroscope", "Prometheus")
                if name.lower() in self.services - self.before]
        return ("The containers that it started are removed"
                + (f"; what {' and '.join(kept)} kept is in volumes." if kept else "."))
