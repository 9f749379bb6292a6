# SPDX-License-Identifier: MIT
"""test_swarm.py - the stack on a Swarm of one node: a rolling update under load, and one that is
rolled back. Images come from no registry, and a balancer of the test's stands in front, since not
every kernel has Swarm's own (IPVS)."""

import collections
import json
import threading
import time

import pytest
import requests
import yaml

from engine import ROOT, TOKEN, free_port, wait_until

STACK = ROOT / "docker/swarm/stack.yaml"
SERVICE = "faas_faas-server"
LONG_S = 240  # an update replaces three tasks one by one, and looks at each for some seconds


class Load:
    """Calls through the balancer, one after another in some threads, until it is stopped."""

    THREADS = 8

    def __init__(self, url):
        self.url = url
        self.outcomes = collections.Counter()
        self.failures = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work) for _ in range(self.THREADS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self):
        with requests.Session() as session:
            while not self._stop.wait(0.01):
                outcome = self._call(session)
                with self._lock:
                    self.outcomes[outcome] += 1

    def _call(self, session):
        try:
            reply = session.post(self.url + "/fn/invoke/sleep", data='{"ms":20}', timeout=60)
        except requests.RequestException as error:
            self.failures.append(f"{time.strftime('%T')} {error}")
            return "no reply"
        if reply.status_code != 200:
            self.failures.append(f"{time.strftime('%T')} {reply.status_code} {reply.text[:200]}")
        return reply.status_code

    def expect_all_well(self, what):
        failed = sum(count for outcome, count in self.outcomes.items() if outcome != 200)
        print(f"{what}: {sum(self.outcomes.values())} requests, {failed} failed")
        assert not failed, "\n".join(self.failures[:20])
        assert self.outcomes[200] > 100


@pytest.fixture(scope="module", name="swarm")
def swarm_of_one(engine, image):
    engine.docker("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr",
                  f"127.0.0.1:{free_port()}")
    engine.derive("faas-server:1", image, "LABEL version=1")
    engine.derive("faas-server:2", image, "LABEL version=2")
    engine.derive("faas-server:broken", image, 'ENTRYPOINT ["sleep", "600"]',
                  "STOPSIGNAL SIGKILL")
    engine.run("docker", "build", "--network", "host", "-t", "haproxy:debian", "-",
               stdin="FROM debian:12-slim\nRUN apt-get update && apt-get install -y "
                     "--no-install-recommends haproxy")
    try:
        yield engine
    finally:
        engine.docker("stack", "rm", "faas", check=False)
        wait_until(lambda: engine.docker("ps", "-q") == "", "the stack's containers to end")
        engine.docker("swarm", "leave", "--force")


def stack_of(version):
    """docker/swarm/stack.yaml, with the balancer in place of Swarm's."""
    text = STACK.read_text().replace("${FAAS_IMAGE:-faas-server}", f"faas-server:{version}")
    stack = yaml.safe_load(text)
    service = stack["services"]["faas-server"]
    assert service.pop("ports") == ["8088:8088"]
    service["deploy"]["endpoint_mode"] = "dnsrr"
    service["deploy"]["update_config"].update(delay="1s", monitor="6s")
    service["deploy"]["resources"].pop("reservations")
    stack["services"]["balancer"] = {
        "image": "haproxy:debian",
        "command": ["haproxy", "-f", "/haproxy.cfg", "-db"],
        "configs": [{"source": "balancer", "target": "/haproxy.cfg"}],
        "ports": [{"target": 8080, "mode": "host"}],
    }
    stack["configs"]["greet"]["file"] = str(ROOT / "docker/functions/greet.lua")
    stack["configs"]["balancer"] = {"file": str(ROOT / "tests/docker/haproxy.cfg")}
    return yaml.safe_dump(stack)


def deploy(engine, version):
    engine.docker("stack", "deploy", "--resolve-image", "never", "-c", "-", "faas",
                  stdin=stack_of(version), env={"FAAS_ADMIN_TOKEN": TOKEN})


def healthy_images(engine):
    """Of the tasks' containers that are healthy, by image."""
    names = engine.docker("ps", "-q", "--filter", f"label=com.docker.swarm.service.name={SERVICE}",
                          "--filter", "health=healthy").split()
    return collections.Counter(engine.inspect(name)["Config"]["Image"] for name in names)


def update_state(engine):
    service = json.loads(engine.docker("service", "inspect", SERVICE))[0]
    return service.get("UpdateStatus", {}).get("State")


def url_of_balancer(engine):
    names = engine.docker("ps", "-q", "--filter",
                          "label=com.docker.swarm.service.name=faas_balancer").split()
    return names and engine.published(names[0], 8080)


@pytest.mark.timeout(2 * LONG_S)
def test_rolling_update_and_rollback_under_load_fail_no_request(swarm):
    engine = swarm
    deploy(engine, "1")
    wait_until(lambda: healthy_images(engine) == {"faas-server:1": 3}, "three healthy tasks",
               LONG_S)
    url = wait_until(lambda: url_of_balancer(engine), "the balancer to run")
    wait_until(lambda: is_served(url), "the balancer to find a task")
    assert requests.post(url + "/fn/invoke/greet", timeout=60).json()["hello"] == "world"

    with Load(url) as load:
        deploy(engine, "2")
        wait_until(lambda: update_state(engine) == "completed", "the update to be over", LONG_S)
    assert healthy_images(engine) == {"faas-server:2": 3}
    load.expect_all_well("rolling update of three replicas")

    with Load(url) as load:
        deploy(engine, "broken")
        wait_until(lambda: update_state(engine) == "rollback_completed", "the rollback", LONG_S)
    assert healthy_images(engine) == {"faas-server:2": 3}
    load.expect_all_well("update to one that does not become healthy, rolled back")


def is_served(url):
    try:
        return requests.get(url + "/ready", timeout=5).status_code == 200
    except requests.RequestException:
        return False
