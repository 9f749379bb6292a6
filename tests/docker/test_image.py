# SPDX-License-Identifier: MIT
"""test_image.py - the image: what is in it, and what a container of it does and needs."""

import os
import re
import shlex
import signal
import subprocess
import threading

import pytest
import requests

from engine import CAREFUL, ROOT, TOKEN, free_port, wait_until
from receiver import Receiver

MIB = 1 << 20


def ask(engine, name, method, path, **options):
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return requests.request(method, engine.published(name) + path, headers=headers, timeout=60,
                            **options)


def test_image_is_small_and_says_what_it_is(engine, image):
    found = engine.inspect(image)
    print(f"size of the image: {found['Size'] / MIB:.1f} MiB")
    assert found["Size"] < 120 * MIB
    config = found["Config"]
    assert config["User"] == "65532:65532"
    assert config["StopSignal"] == "SIGTERM"
    assert config["ExposedPorts"] == {"8088/tcp": {}}
    assert config["Healthcheck"]["Test"] == ["CMD", "/usr/local/bin/faas-server", "--health"]


def test_image_has_neither_compiler_nor_sources(engine, image):
    script = ("for word in cc gcc cmake; do command -v $word; done; ls /build;"
              " ldd /usr/local/bin/faas-server | grep 'not found'")
    done = engine.run("docker", "run", "--rm", "--entrypoint", "sh", image, "-c", script,
                      check=False)
    assert done.stdout == ""
    listed = engine.docker("run", "--rm", "--entrypoint", "ls", image,
                           "/usr/local/share/faas-server/functions",
                           "/usr/lib/x86_64-linux-gnu/libcurl.so.4")
    assert "fibonacci.lua" in listed and "libcurl.so.4" in listed


def test_it_serves_all_functions_and_writes_nothing(engine, container):
    name = container()
    engine.wait_healthy(name)
    for function in ask(engine, name, "GET", "/fn/list").json()["functions"]:
        for start in ("cold", "warm"):
            reply = ask(engine, name, "POST", f"/fn/invoke/{function}?start={start}")
            assert reply.status_code == 200, reply.text
    assert engine.docker("diff", name) == ""
    assert "walls are off" not in engine.logs(name)
    for process in engine.docker("top", name, "-o", "pid,uid").splitlines()[1:]:
        assert process.split()[1] == "65532"


def walkthrough():
    """The commands of the README's walk."""
    text = (ROOT / "README.md").read_text().split("\n## A walk through it\n")[1]
    blocks = re.findall(r"```sh\n(.*?)```", text.split("\n## ")[0], re.S)
    return [line for block in blocks for line in block.splitlines() if line.startswith("curl ")]


def test_walkthrough_as_typed(engine, container):
    """With the settings of the compose file: no token, on a port of loopback."""
    name = container(env={"FAAS_ADMIN_TOKEN": "", "FAAS_LOCAL_CLIENTS": "true"})
    engine.wait_healthy(name)
    here = engine.published(name).removeprefix("http://")
    commands = walkthrough()
    assert len(commands) > 15
    for line in commands:
        words = shlex.split(line.split("  #")[0].replace("localhost:8088", here))
        done = subprocess.run([words[0], "-fsS", *words[1:]], capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        assert '"error":"' not in done.stdout, f"{line}\n{done.stdout}"


def test_port_is_that_of_the_environment(engine, container):
    name = container("-p", "127.0.0.1::9000", env={"PORT": "9000"})
    engine.wait_healthy(name)
    assert requests.get(engine.published(name, 9000) + "/health", timeout=60).text == "OK"


def test_without_a_token_it_says_what_is_missing(engine, container):
    name = container(env={"FAAS_ADMIN_TOKEN": ""})
    assert engine.docker("wait", name) == "1"
    assert "set FAAS_ADMIN_TOKEN" in engine.logs(name)


@pytest.mark.parametrize("cpus, workers", [("0.5", 4), ("1", 4)])
def test_limits_of_the_container_are_those_of_the_server(engine, container, cpus, workers):
    name = container("--cpus", cpus, "--memory", "256m")
    engine.wait_healthy(name)
    metrics = ask(engine, name, "GET", "/metrics").text
    assert f"\nfaas_workers {workers}\n" in metrics
    assert f"\nfaas_heaps_limit_bytes {192 * MIB}\n" in metrics


def test_calls_that_want_more_memory_than_the_container_has_do_not_end_it(engine, container):
    name = container("--memory", "128m", "--memory-swap", "128m")
    engine.wait_healthy(name)
    body = ask(engine, name, "POST", "/fn/burst/compress?count=20", json={"size": 20 * MIB}).json()
    print(f"of 20 calls that want 20 MiB and more: {body['succeeded']} succeeded")
    assert {item.get("code") for item in body["results"]} <= {None, "memory_limit"}
    assert body["failed"] > 0
    assert ask(engine, name, "POST", "/fn/invoke/hash").status_code == 200
    assert not engine.inspect(name)["State"]["OOMKilled"]
    assert "died" not in engine.logs(name)


def test_profiles_are_pushed_from_it(engine, image):
    """On the host's network, where the receiver is."""
    with Receiver() as receiver:
        env = {"FAAS_LISTEN": f"127.0.0.1:{free_port()}", "PYROSCOPE_UPLOAD_INTERVAL": "200ms",
               "PYROSCOPE_SERVER_ADDRESS": receiver.url}
        words = [word for name, value in env.items() for word in ("-e", f"{name}={value}")]
        engine.docker("run", "-d", "--name", "pushing", "--network", "host", *CAREFUL, *words,
                      image)
        try:
            engine.wait_healthy("pushing")
            reply = requests.post(f"http://{env['FAAS_LISTEN']}/fn/invoke/fibonacci",
                                  json={"n": 35}, timeout=60)
            assert reply.status_code == 200
            receiver.wait_function("fibonacci", "process_cpu")
            assert engine.docker("diff", "pushing") == ""
        finally:
            engine.docker("rm", "-f", "pushing")


def test_sigterm_ends_it_well_with_the_calls_that_run(engine, container):
    name = container()
    engine.wait_healthy(name)
    replies = []
    call = threading.Thread(target=lambda: replies.append(
        ask(engine, name, "POST", "/fn/invoke/sleep", json={"ms": 1000})))
    call.start()
    wait_until(lambda: ask(engine, name, "GET", "/fn/stats").json()["sleep"]["in_flight"],
               "the call to run")
    engine.docker("stop", name)
    call.join()
    assert replies[0].status_code == 200
    assert engine.inspect(name)["State"]["ExitCode"] == 0
    assert "draining" in engine.logs(name)


def test_health_check_finds_one_that_does_not_answer(engine, container):
    name = container("--health-interval", "100ms", "--health-retries", "1")
    engine.wait_healthy(name)
    for line in engine.docker("top", name, "-o", "pid,comm").splitlines()[1:]:
        pid, process = line.split()
        if process == "faas-front":
            os.kill(int(pid), signal.SIGSTOP)
    wait_until(lambda: engine.inspect(name)["State"]["Health"]["Status"] == "unhealthy",
               "it to be unhealthy")
