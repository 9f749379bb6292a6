# SPDX-License-Identifier: MIT
"""test_manifests.py - the files for Kubernetes and Knative, read as Kubernetes' own Python client
knows its objects: no field that there is not, none missing, each of its type."""

import re
import shutil
import subprocess

import pytest
import yaml

from engine import ROOT

client = pytest.importorskip("kubernetes.client", reason="no python3-kubernetes")

BASE = ROOT / "docker/kubernetes/base"
OVERLAY = ROOT / "docker/kubernetes/overlays/monitored"
KNATIVE = ROOT / "docker/knative/service.yaml"
# Kinds of core Kubernetes here, and the client's classes. (This client is older than autoscaling/v2,
# which has the fields of v2beta2.)
CLASSES = {
    ("apps/v1", "Deployment"): "V1Deployment",
    ("v1", "Service"): "V1Service",
    ("v1", "Namespace"): "V1Namespace",
    ("v1", "ConfigMap"): "V1ConfigMap",
    ("policy/v1", "PodDisruptionBudget"): "V1PodDisruptionBudget",
    ("autoscaling/v2", "HorizontalPodAutoscaler"): "V2beta2HorizontalPodAutoscaler",
}
PLAIN = {"str": str, "int": int, "bool": bool, "float": (int, float)}


def read(path):
    return [item for item in yaml.safe_load_all(path.read_text()) if item]


def complaints(value, kind, where):
    """What is wrong with `value` as the client's type `kind`."""
    if kind.startswith("list["):
        if not isinstance(value, list):
            return [f"{where}: no list"]
        return [text for i, item in enumerate(value)
                for text in complaints(item, kind[5:-1], f"{where}[{i}]")]
    if kind.startswith("dict("):
        if not isinstance(value, dict):
            return [f"{where}: no map"]
        of = kind[5:-1].split(", ")[1]
        return [text for key, item in value.items()
                for text in complaints(item, of, f"{where}.{key}")]
    if kind == "object":  # a number or a name, such as a port
        return [] if isinstance(value, (str, int)) else [f"{where}: neither number nor text"]
    if kind in PLAIN:
        fits = isinstance(value, PLAIN[kind]) and isinstance(value, bool) == (kind == "bool")
        return [] if fits else [f"{where}: {value!r} is no {kind}"]
    return object_complaints(value, getattr(client, kind), where)


def object_complaints(value, model, where):
    if not isinstance(value, dict):
        return [f"{where}: no map"]
    fields = {key: name for name, key in model.attribute_map.items()}
    said = [f"{where}.{key}: no field of {model.__name__}" for key in value if key not in fields]
    known = {fields[key]: item for key, item in value.items() if key in fields}
    for name, item in known.items():
        said += complaints(item, model.openapi_types[name], f"{where}.{model.attribute_map[name]}")
    try:
        model(**known)
    except ValueError as missing:
        said.append(f"{where}: {missing}")
    return said


CORE = [(path, item) for path in sorted([*BASE.glob("*.yaml"), *OVERLAY.glob("*.yaml")])
        for item in read(path) if (item["apiVersion"], item["kind"]) in CLASSES]


PATCHES = [OVERLAY / item["path"]
           for item in read(OVERLAY / "kustomization.yaml")[0]["patches"]]


@pytest.mark.parametrize("path, item", CORE, ids=lambda value: getattr(value, "name", ""))
def test_objects_are_as_kubernetes_has_them(path, item):
    said = complaints(item, CLASSES[item["apiVersion"], item["kind"]], path.name)
    if path in PATCHES:  # of which all but what it changes is missing
        said = [text for text in said if "must not be `None`" not in text]
    assert said == []


@pytest.mark.parametrize("change, text", [
    (lambda d: d["spec"].update(replica=1), "deployment.spec.replica: no field"),
    (lambda d: d["spec"].update(replicas="1"), "deployment.spec.replicas: '1' is no int"),
    (lambda d: d["spec"].pop("selector"), "must not be `None`"),
    (lambda d: d["spec"]["template"]["spec"].update(containers={}), "containers: no list"),
    (lambda d: d["metadata"].update(labels={"a": 1}), "deployment.metadata.labels.a: 1 is no str"),
])
def test_what_is_wrong_is_found(change, text):
    (deployment,) = read(BASE / "deployment.yaml")
    assert complaints(deployment, "V1Deployment", "deployment") == []
    change(deployment)
    assert text in " ".join(complaints(deployment, "V1Deployment", "deployment"))


def test_every_file_is_in_its_kustomization():
    for folder in (BASE, OVERLAY):
        (file,) = read(folder / "kustomization.yaml")
        named = [*file["resources"], *[item["path"] for item in file.get("patches", [])],
                 *[name for item in file.get("configMapGenerator", []) for name in item["files"]]]
        assert all((folder / name).exists() for name in named)
        there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        assert there - {"kustomization.yaml"} <= set(named)


def pods():
    (deployment,) = read(BASE / "deployment.yaml")
    (service,) = read(KNATIVE)
    return [("kubernetes", deployment["spec"]["template"]["spec"]),
            ("knative", service["spec"]["template"]["spec"])]


@pytest.mark.parametrize("name, pod", pods())
def test_pods_are_as_careful_as_can_be(name, pod):
    (container,) = pod["containers"]
    own = {**pod.get("securityContext", {}), **container["securityContext"]}
    assert own["runAsNonRoot"] is True
    assert own["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own["allowPrivilegeEscalation"] is False
    assert own["readOnlyRootFilesystem"] is True
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health"
    assert set(container["resources"]) == {"requests", "limits"}


def default_of(setting):
    text = (ROOT / "host/base/settings.h").read_text()
    return int(re.search(rf'"{setting}", "\w+", (\d+),', text)[1])


def test_grace_is_longer_than_drain():
    _, pod = pods()[0]
    (container,) = pod["containers"]
    before = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > before + default_of("drain-ms") / 1000
    for path in ("docker/compose.yaml", "docker/swarm/stack.yaml"):
        grace = yaml.safe_load((ROOT / path).read_text())["services"]["faas-server"]
        assert int(grace["stop_grace_period"].rstrip("s")) > default_of("drain-ms") / 1000


def test_names_that_refer_to_each_other_do():
    (deployment,) = read(BASE / "deployment.yaml")
    (service,) = read(BASE / "service.yaml")
    (scaler,) = read(BASE / "autoscaler.yaml")
    (budget,) = read(BASE / "disruption.yaml")
    (monitor,) = read(OVERLAY / "service-monitor.yaml")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    for selector in (deployment["spec"]["selector"]["matchLabels"], service["spec"]["selector"],
                     budget["spec"]["selector"]["matchLabels"]):
        assert selector.items() <= labels.items()
    chosen = monitor["spec"]["selector"]["matchLabels"]
    assert chosen.items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]
    target = scaler["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", deployment["metadata"]["name"])
    metric = scaler["spec"]["metrics"][0]["pods"]["metric"]["name"]
    assert f'"{metric}"' in (ROOT / "host/front/metrics.c").read_text()


def test_environment_is_of_settings():
    known = set(re.findall(r"`([A-Z_]+)`", (ROOT / "README.md").read_text()))
    for _, pod in pods():
        for item in pod["containers"][0]["env"]:
            assert item["name"] in known


def test_knative_service():
    (service,) = read(KNATIVE)
    assert (service["apiVersion"], service["kind"]) == ("serving.knative.dev/v1", "Service")
    spec = dict(service["spec"]["template"]["spec"])
    # What Knative adds to a pod; the rest is one.
    assert isinstance(spec.pop("containerConcurrency"), int)
    assert isinstance(spec.pop("timeoutSeconds"), int)
    for probe in ("readinessProbe", "livenessProbe"):
        spec["containers"][0][probe]["httpGet"]["port"] = 0  # that of the container
    assert complaints(spec, "V1PodSpec", "spec") == []
    (port,) = spec["containers"][0]["ports"]
    assert port["name"] in ("http1", "h2c")


@pytest.mark.skipif(not shutil.which("kubectl"), reason="no kubectl")
@pytest.mark.parametrize("folder", [BASE, OVERLAY], ids=lambda folder: folder.name)
def test_kustomize_builds_it(folder):
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    for item in yaml.safe_load_all(done.stdout):
        kind = CLASSES.get((item["apiVersion"], item["kind"]))
        assert not kind or complaints(item, kind, item["kind"]) == []
