# SPDX-License-Identifier: MIT
"""engine.py - a Docker engine of the tests' own: data, socket and processes end with it."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "http"))
from server import ROOT, wait_until  # noqa: E402

TOOLS = ROOT / "build/tools"
PLACE = TOOLS / "docker"  # where scripts/run.sh unpacks Debian's packages
BASE = TOOLS / "debian-12-slim.tar"
LIBRARIES = PLACE / "usr/lib/x86_64-linux-gnu"
CAREFUL = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
TOKEN = "0123456789abcdef0123456789abcdef"
# What Debian's own images do without too.
LEFT_OUT = ["usr/share/doc/*", "usr/share/man/*", "usr/share/locale/*", "usr/share/info/*",
            "var/cache/*", "var/lib/apt/lists/*", "var/log/*"]


class NoEngine(Exception):
    """With the sentence that tells why."""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        return chosen.getsockname()[1]


def tool_environment():
    paths = [str(PLACE / "usr/sbin"), str(PLACE / "usr/bin"), os.environ["PATH"]]
    return {**os.environ, "PATH": ":".join(paths), "LD_LIBRARY_PATH": str(LIBRARIES),
            "XTABLES_LIBDIR": str(LIBRARIES / "xtables"), "DOCKER_BUILDKIT": "0",
            "PYTHONPATH": str(PLACE / "usr/lib/python3/dist-packages")}


class Engine:
    """`docker(...)` runs Docker's client and gives what it prints. It has a bridge of its own, and
    leaves the host's packet filter alone: ports are published by docker-proxy. Where DOCKER_HOST
    names an engine, that is used."""

    def __init__(self):
        self.process = None
        self.env = tool_environment()
        if "DOCKER_HOST" in os.environ:
            return
        if os.geteuid() != 0:
            raise NoEngine("a Docker engine needs root; or name one by DOCKER_HOST")
        if not (PLACE / "usr/sbin/dockerd").exists():
            raise NoEngine("no dockerd; `scripts/run.sh test docker` fetches it")
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="faas-docker-"))
        self.env["DOCKER_HOST"] = f"unix://{self.home}/socket"
        self.log_path = self.home / "log"
        self.links_before = set(os.listdir("/sys/class/net"))
        self._start()

    def _start(self):
        self.bridge = f"faas{os.getpid()}"
        for words in (["link", "add", self.bridge, "type", "bridge"],
                      ["link", "set", self.bridge, "up"],
                      ["address", "add", f"10.213.{os.getpid() % 250}.1/24", "dev", self.bridge]):
            subprocess.run(["ip", *words], check=True)
        command = ["dockerd", "--data-root", self.home / "data", "--exec-root", self.home / "run",
                   "--pidfile", self.home / "pid", "--host", self.env["DOCKER_HOST"],
                   "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--bridge",
                   self.bridge]
        with self.log_path.open("w") as log:
            self.process = subprocess.Popen(command, env=self.env, stdout=log, stderr=log,
                                            start_new_session=True)
        try:
            wait_until(self._answers, "the engine to answer")
        except BaseException:
            self.close()
            raise

    def _answers(self):
        if self.process.poll() is not None:
            last = self.log_path.read_text().strip().splitlines()[-1:]
            raise NoEngine(f"dockerd does not run here: {' '.join(last)}")
        return self.run("docker", "info", check=False).returncode == 0

    def close(self):
        if not self.process:
            return
        if self.process.poll() is None:
            for one in self.run("docker", "ps", "-aq", check=False).stdout.split():
                self.run("docker", "rm", "-f", one, check=False)
            self.process.terminate()
            self.process.wait(60)
        for link in {self.bridge, "docker_gwbridge"} - self.links_before:
            subprocess.run(["ip", "link", "delete", link], stderr=subprocess.DEVNULL, check=False)
        mounts = [line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
        for mount in reversed([path for path in mounts if path.startswith(f"{self.home}/")]):
            subprocess.run(["umount", mount], check=False)
        shutil.rmtree(self.home, ignore_errors=True)

    def run(self, *command, check=True, cwd=ROOT, env=None, stdin=None, timeout=600):
        done = subprocess.run([str(word) for word in command], env={**self.env, **(env or {})},
                              cwd=cwd, input=stdin, stdout=subprocess.PIPE, check=False,
                              stderr=subprocess.PIPE, text=True, timeout=timeout)
        assert not check or done.returncode == 0, (
            f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def docker(self, *words, **options):
        return self.run("docker", *words, **options).stdout.strip()

    def compose(self, *words, **options):
        """docker-compose 1.29, from the top of the repository."""
        return self.run("/usr/bin/python3", PLACE / "usr/bin/docker-compose", *words, **options)

    # -- Images ------------------------------------------------------------------------------------

    def import_base(self):
        """The image that docker/Dockerfile begins with, from Debian's packages: no registry of
        images is asked."""
        name = re.search(r"^FROM (\S+) AS build", (ROOT / "docker/Dockerfile").read_text(), re.M)[1]
        if self.run("docker", "image", "inspect", name, check=False).returncode == 0:
            return
        if not BASE.exists():
            with tempfile.TemporaryDirectory(prefix="faas-base-") as folder:
                self.run("debootstrap", "--variant=minbase", "bookworm", folder)
                part = BASE.with_suffix(".part")
                out = [f"--exclude=./{path}" for path in LEFT_OUT]
                self.run("tar", "-C", folder, "-cf", part, *out, ".")
                part.rename(BASE)
        self.docker("import", BASE, name)

    def build(self, tag, dockerfile="docker/Dockerfile", context=ROOT):
        # The host's network: Debian's packages are fetched, and nothing translates addresses here.
        self.docker("build", "--network", "host", "-f", dockerfile, "-t", tag, context)

    def derive(self, tag, base, *lines):
        """An image that differs from `base` by some lines of a Dockerfile."""
        self.docker("build", "-t", tag, "-", stdin="\n".join([f"FROM {base}", *lines]))

    # -- Containers --------------------------------------------------------------------------------

    def inspect(self, name):
        return json.loads(self.docker("inspect", name))[0]

    def logs(self, name):
        done = self.run("docker", "logs", name)
        return done.stdout + done.stderr

    def wait_healthy(self, name):
        wait_until(lambda: self.inspect(name)["State"]["Health"]["Status"] == "healthy",
                   f"{name} to be healthy")

    def published(self, name, port=8088):
        """The URL of a published port."""
        return "http://" + self.docker("port", name, f"{port}/tcp").splitlines()[0]
