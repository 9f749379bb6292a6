# SPDX-License-Identifier: MIT
"""test_compose.py - the compose file, as typed from the top of the repository."""

import requests
import yaml

from engine import ROOT, free_port, wait_until


def settings_of(engine):
    return yaml.safe_load(engine.compose("config").stdout)


def test_files_at_the_top_lead_to_it(engine):
    services = settings_of(engine)["services"]
    assert set(services) == {"faas-server", "pyroscope", "prometheus", "grafana"}
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        (port,) = service["ports"]
        assert port.startswith("127.0.0.1:"), f"{name} is published elsewhere than on loopback"
        assert name == "faas-server" or ":" in service["image"], f"{name} has no version"
    assert services["faas-server"]["ports"] == ["127.0.0.1:8088:8088/tcp"]
    assert services["faas-server"]["read_only"] is True


def test_every_file_that_is_mounted_is_there(engine):
    for service in settings_of(engine)["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith("/") or (ROOT / source).exists(), source


def test_server_is_up_and_started_anew_with_optimized(engine, image):
    """Without the images of others, which no registry here has."""
    port = free_port()
    url = f"http://localhost:{port}"

    def up(**env):
        engine.compose("up", "-d", "faas-server", env={"FAAS_PORT": str(port), **env})
        wait_until(lambda: answers(url), "the server to answer")

    def start_of_a_call():
        assert requests.post(url + "/fn/warmpool/hash?size=1", timeout=60).status_code == 200
        return requests.post(url + "/fn/invoke/hash", timeout=60).headers["x-start"]

    try:
        up()
        assert requests.get(url + "/health", timeout=60).text == "OK"
        assert start_of_a_call() == "cold"
        assert requests.post(url + "/fn/invoke/greet", timeout=60).json()["hello"] == "world"
        assert requests.get(url + "/debug/profiling", timeout=60).status_code == 200
        stranger = requests.get(url + "/debug/profiling", timeout=60,
                                headers={"Host": f"faas-server:{port}"})
        assert stranger.status_code == 403
        up(OPTIMIZED="true")
        assert start_of_a_call() == "warm"
    finally:
        engine.compose("down", "--volumes")


def answers(url):
    try:
        return requests.get(url + "/ready", timeout=60).status_code == 200
    except requests.ConnectionError:
        return False
