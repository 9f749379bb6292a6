# SPDX-License-Identifier: MIT
"""test_demo_stack.py - scripts/demo with the containers of the compose file: the server alone where
no registry has the others, all of it with stand-ins, and what ran before."""

import json
import re
import signal
import socket
import subprocess

import pytest
import requests

from engine import ROOT, TOKEN, free_port, wait_until
from test_compose import answers

DEMO = ["/usr/bin/python3", ROOT / "scripts/demo/run.py", "--docker", "--calls", "500"]
PUBLISHED = (4040, 3000, 9090)  # by the others, always
# Takes what is pushed, and says so. (Debian's slim image has no more than Perl.)
PYROSCOPE = r"""use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalPort => 4040, Listen => 9, ReuseAddr => 1) or die;
while (my $c = $s->accept) {
    my $n = 0;
    while (<$c>) { $n = $1 if /^content-length: *(\d+)/i; last if /^\r?$/ }
    read($c, my $body, $n);
    print $c "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    close $c;
}"""


def run_demo(engine, port, **env):
    return engine.run(*DEMO, env={"FAAS_PORT": str(port), **env}, check=False)


def expect_walk(done, port):
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r"^ ?\d+/10  ", done.stdout, re.M)) == 10
    assert f"http://localhost:{port}/#/profiles" in done.stdout
    assert "warm: 20 calls" in done.stdout and "none failed" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "lj_str_new" in done.stdout  # the image's binary has names for profiles


def expect_nothing_left(engine):
    assert engine.docker("ps", "-aq") == ""


@pytest.fixture(name="others")
def stand_ins(engine, image):
    """Images with the names that the compose file has; those of Grafana and Prometheus wait."""
    def is_taken(port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    taken = [port for port in PUBLISHED if is_taken(port)]
    if taken:
        pytest.skip(f"somebody else has port {taken[0]}")
    images = {name: image for name, image in compose_images().items() if name != "faas-server"}
    for name in images:
        words = ["perl", "-e", PYROSCOPE, "--"] if name == "pyroscope" else ["sleep", "600"]
        engine.derive(images[name], "debian:12-slim", "STOPSIGNAL SIGKILL",
                      f"ENTRYPOINT {json.dumps(words)}", "CMD []")
    yield
    for name in images.values():
        engine.docker("rmi", name)


def compose_images():
    """{service: image} of the compose file."""
    text = (ROOT / "docker/compose.yaml").read_text()
    return dict(re.findall(r"^  ([\w-]+):\n(?:    .*\n)*?    image: (\S+)", text, re.M))


def test_where_no_registry_has_the_others_the_server_runs_alone(engine, image):
    port = free_port()
    done = run_demo(engine, port)
    expect_walk(done, port)
    assert "The server runs alone" in done.stdout
    assert "up -d --build faas-server" in done.stdout
    assert done.stdout.rstrip().endswith("The containers that it started are removed.")
    assert "localhost:3000" not in done.stdout
    expect_nothing_left(engine)


def test_all_of_it_and_profiles_get_to_pyroscope(engine, image, others):
    port = free_port()
    done = run_demo(engine, port)
    expect_walk(done, port)
    assert int(re.search(r"Pyroscope took (\d+)", done.stdout)[1]) > 0
    for address in ("localhost:3000/d/before-after", "localhost:4040/", "localhost:9090/"):
        assert address in done.stdout
    assert "removed; what Pyroscope and Prometheus kept is in volumes." in done.stdout
    expect_nothing_left(engine)


def test_what_ran_before_goes_on(engine, image):
    port = free_port()
    try:
        engine.compose("up", "-d", "faas-server",
                       env={"FAAS_PORT": str(port), "FAAS_ADMIN_TOKEN": TOKEN})
        url = f"http://localhost:{port}"
        wait_until(lambda: answers(url), "the server to answer")
        admin = {"Authorization": f"Bearer {TOKEN}"}
        for path in ("warmpool/hash?size=3", "burst/hash?count=100&start=cold"):
            assert requests.post(f"{url}/fn/{path}", headers=admin, timeout=60).status_code == 200
        done = run_demo(engine, port, FAAS_ADMIN_TOKEN=TOKEN)
        expect_walk(done, port)
        assert 'curl -H "Authorization: Bearer $FAAS_ADMIN_TOKEN"' in done.stdout
        assert TOKEN not in done.stdout
        assert "it ran before" in done.stdout and "go on" in done.stdout
        assert "ends now" not in done.stdout and "go tool pprof" not in done.stdout
        pools = requests.get(f"{url}/fn/warmpool", timeout=60).json()
        assert {name: pool["pool_size"] for name, pool in pools.items()} == {"hash": 3}
    finally:
        engine.compose("down", "--volumes")


def test_a_signal_ends_the_containers_too(engine, image):
    port = free_port()
    stop_demo(engine, port, lambda line: " 3/10" in line)
    expect_nothing_left(engine)


def test_a_signal_leaves_what_ran_before(engine, image, others):
    """Also when it comes while containers start."""
    try:
        engine.compose("up", "-d", "pyroscope")
        before = engine.docker("ps", "-aq")
        stop_demo(engine, free_port(), lambda line: "With Docker" in line and wait_until(
            lambda: engine.docker("ps", "-aq") != before, "containers to start"))
        assert engine.docker("ps", "-q") == engine.docker("ps", "-aq") == before
    finally:
        engine.compose("down", "--volumes")


def stop_demo(engine, port, is_time):
    """Stops one at a line that it says."""
    with subprocess.Popen([str(word) for word in DEMO], cwd=ROOT, text=True,
                          env={**engine.env, "FAAS_PORT": str(port)}, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        try:
            assert any(is_time(line) for line in process.stdout)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "stopped by SIGINT; what it started has ended" in said
