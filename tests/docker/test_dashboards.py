# SPDX-License-Identifier: MIT
"""test_dashboards.py - each query of each panel, asked of a real Prometheus that scrapes a real
server."""

import itertools
import json
import re
import subprocess

import pytest
import requests
import yaml

from engine import ROOT, TOOLS, free_port, wait_until
import pprof
from receiver import TYPES, Receiver
from server import Server

FOLDER = ROOT / "docker/grafana"
BOARDS = {file.stem: json.loads(file.read_text())
          for file in sorted((FOLDER / "dashboards").glob("*.json"))}
SOURCES = {item["uid"]: item for item in yaml.safe_load(
    (FOLDER / "provisioning/datasources/datasources.yaml").read_text())["datasources"]}

# What gives no data in a server without these, and why.
NO_DATA = {
    "sum(faas_heaps_limit_bytes) > 0": "heaps have no limit outside of a container",
}
# As Pyroscope calls what is pushed: name, sample type and unit, period type and unit.
PROFILES = {":".join([name, *kind, *period]) for name, (kinds, period) in TYPES.items()
            for kind in kinds}


def targets(source):
    """(board, title of a panel, target) of all that ask `source`."""
    for name, board in BOARDS.items():
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                if target["datasource"]["uid"] == source:
                    yield name, panel["title"], target


QUERIES = [(f"{board}: {title}", target["expr"]) for board, title, target in targets("prometheus")]


def test_boards_are_those_that_are_wanted():
    assert {board["title"] for board in BOARDS.values()} == {"FaaS Server", "Before/After"}
    for name, board in BOARDS.items():
        assert board["uid"] == name
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)


def test_panels_do_not_lie_on_each_other():
    for name, board in BOARDS.items():
        for a, b in itertools.combinations([panel["gridPos"] for panel in board["panels"]], 2):
            apart = (a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
                     or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"])
            assert apart, f"{name}: {a} {b}"
            assert a["x"] + a["w"] <= 24


def test_panels_ask_sources_that_are_provisioned():
    for board in BOARDS.values():
        for panel in board["panels"]:
            for item in [panel, *panel.get("targets", [])]:
                if "datasource" in item:
                    source = SOURCES[item["datasource"]["uid"]]
                    assert item["datasource"]["type"] == source["type"]


def test_variables_that_are_used_are_there():
    for name, board in BOARDS.items():
        known = {item["name"] for item in board["templating"]["list"]}
        asked = [str(target.get(key, "")) for panel in board["panels"]
                 for target in panel.get("targets", [])
                 for key in ("expr", "labelSelector", "profileTypeId")]
        used = {found[0] or found[1] for text in asked
                for found in re.findall(r"\$(?:(\w+)|\{(\w+)[:}])", text)} - {"__rate_interval"}
        assert used <= known, f"{name}: {used - known}"
        assert known <= used, f"{name}: {known - used} are asked for, but not used"


def test_flame_graphs_ask_for_profiles_that_are_pushed():
    flames = list(targets("pyroscope"))
    assert [name for name, *_ in flames] == ["before-after", "before-after", "faas-server"]
    for name, _, target in flames:
        assert (target["queryType"], target["profileTypeId"]) == ("profile", "$profile")
        choices = next(item for item in BOARDS[name]["templating"]["list"]
                       if item["name"] == "profile")
        assert {option["value"] for option in choices["options"]} == PROFILES - {
            "process_cpu:samples:count:cpu:nanoseconds"}
        shown = [f"{option['text']} : {option['value']}" for option in choices["options"]]
        assert choices["query"] == ", ".join(shown)


# -- With a real Prometheus ------------------------------------------------------------------------

def environment():
    """Of the compose file, with its defaults."""
    file = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
    return {name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
            for name, value in file["services"]["faas-server"]["environment"].items()
            if name.startswith("PYROSCOPE_")}


@pytest.fixture(scope="module", name="receiver")
def running_receiver():
    with Receiver() as running:
        yield running


@pytest.fixture(scope="module", name="server")
def pushing_server(receiver):
    env = {**environment(), "PYROSCOPE_SERVER_ADDRESS": receiver.url,
           "PYROSCOPE_UPLOAD_INTERVAL": "200ms", "NO_PROXY": "*"}
    with Server(env=env) as running:
        yield running


@pytest.fixture(scope="module", name="prometheus")
def running_prometheus(server, tmp_path_factory):
    """Its URL; it has scraped the server with calls of each kind, several times."""
    binary = TOOLS / "prometheus"
    if not binary.exists():
        pytest.skip("no prometheus; `scripts/run.sh test docker` fetches it")
    folder = tmp_path_factory.mktemp("prometheus")
    port = free_port()
    config = yaml.safe_load((ROOT / "docker/prometheus/prometheus.yml").read_text())
    config["global"]["scrape_interval"] = "1s"
    (job,) = config["scrape_configs"]
    job["static_configs"][0]["targets"] = [f"127.0.0.1:{server.port}"]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = [binary, f"--config.file={folder}/prometheus.yml",
               f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        scrape_some_traffic(server, url)
        yield url
    finally:
        running.terminate()
        running.wait(60)


def call_each_kind(server):
    server.post("/fn/warmpool/hash?size=2")
    for start in ("cold", "warm"):
        server.result("hash", {"rounds": 1}, start)
    server.invoke("primes", start="warm")  # a miss
    late = server.invoke("sleep", {"ms": 60000}, headers={"X-Timeout-Ms": "1"})
    assert late.status_code == 504


def scrape_some_traffic(server, url):
    def calls_scraped():
        found = ask(url, "sum(faas_call_seconds_count)")
        return float(found[0]["value"][1]) if found else 0

    # A rate needs two values: some calls before the first scrape, and some after it.
    for _ in range(3):
        before = calls_scraped()
        call_each_kind(server)
        wait_until(lambda: calls_scraped() > before, "Prometheus to have scraped these calls")


def ask(url, query):
    try:
        reply = requests.get(url + "/api/v1/query", params={"query": query}, timeout=60)
    except requests.ConnectionError:
        return []
    if reply.status_code == 503:  # it starts
        return []
    assert reply.status_code == 200, f"{query}\n{reply.text}"
    return reply.json()["data"]["result"]


@pytest.mark.parametrize("panel, query", QUERIES)
def test_query_gives_data(prometheus, panel, query):
    # A long time, so that it begins before the traffic however slow the machine is.
    filled = query.replace("$__rate_interval", "10m").replace("$function", ".*")
    assert "$" not in filled

    def values():
        return [float(item["value"][1]) for item in ask(prometheus, filled)]

    if query in NO_DATA:
        assert not values(), "it does give data"
    else:
        wait_until(lambda: (found := values()) and all(value >= 0 for value in found),
                   f"data of {panel}")


def test_exceptions_are_queries():
    assert set(NO_DATA) <= {query for _, query in QUERIES}


def test_functions_to_choose_from_are_those_that_are_called(prometheus):
    for board in BOARDS.values():
        item = next(one for one in board["templating"]["list"] if one["name"] == "function")
        metric = re.fullmatch(r"label_values\((\w+), function\)", item["query"]["query"])[1]
        names = {found["metric"]["function"] for found in ask(prometheus, metric)}
        assert {"hash", "primes"} <= names


def test_labels_that_flame_graphs_ask_for_are_pushed(server, receiver):
    """Pyroscope makes labels of a series of those that a profile's samples have."""
    server.result("fibonacci", {"n": 35})
    receiver.wait_function("fibonacci", "process_cpu")
    there = {key for series in receiver.series("process_cpu")
             for labels in [series.labels, *pprof.labels(series.profile)] for key in labels}
    for name, _, target in targets("pyroscope"):
        sides = [option["value"] for item in BOARDS[name]["templating"]["list"]
                 if item["name"] in ("before", "after") for option in item["options"]]
        for text in [target["labelSelector"], *sides]:
            assert set(re.findall(r'(\w+)=~?"', text)) <= there


def test_configuration_is_good():
    promtool = TOOLS / "promtool"
    if not promtool.exists():
        pytest.skip("no promtool; `scripts/run.sh test` fetches it")
    done = subprocess.run([promtool, "check", "config", "--syntax-only",
                           ROOT / "docker/prometheus/prometheus.yml"], check=False,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
