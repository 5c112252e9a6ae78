"""The manifests of deploy/kubernetes are valid by Kubernetes' own schema, and agree with the code and with each other."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from streams.settings import parse_settings
from streams.settings.overrides import OVERRIDES
from streams.settings.secrets import SECRETS_DIR
from streams.worker.worker import LEAVE_SECONDS, STOP_SECONDS
from tests.contract.test_deployment import DOCKERFILE, SERVICES, command

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.31", "1.34")
KNOWN = {*OVERRIDES, SECRETS_DIR, "LOFTY_GHL_CONFIG", "LOFTY_GHL_LOG_FORMAT"}
"""The variables that the program reads."""

KUSTOMIZATION: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))


def manifests() -> Iterator[dict[str, Any]]:
    """Every object that the kustomization applies."""
    for name in KUSTOMIZATION["resources"]:
        yield from yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8"))


def of(kind: str, component: str = "") -> dict[str, Any]:
    """One object by its kind, and its component where there are several."""
    found = [one for one in manifests() if one["kind"] == kind and one["metadata"]["name"].endswith(component)]
    assert len(found) == 1, f"{len(found)} of {kind} {component}"
    return found[0]


def pod(component: str) -> dict[str, Any]:
    """The pod's template of a component."""
    kind = {"worker": "StatefulSet", "gateway": "Deployment"}[component]
    template: dict[str, Any] = of(kind, component)["spec"]["template"]
    return template


def container(component: str) -> dict[str, Any]:
    """Its one container."""
    (one,) = pod(component)["spec"]["containers"]
    return dict(one)


def env(component: str) -> dict[str, str]:
    """The container's environment."""
    return {one["name"]: one["value"] for one in container(component)["env"]}


COMPONENTS = ("worker", "gateway")
CHANGEABLE = {"Namespace", "ConfigMap", "Service", "Deployment", "StatefulSet", "PodDisruptionBudget"}
"""What `kubectl apply` may change in place. A Job's pod template is immutable."""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", list(manifests()), ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_a_manifest_is_valid_by_the_schema(manifest: dict[str, Any], version: str) -> None:
    """Strictly: a field that Kubernetes does not know is an error."""
    kubernetes_validate.validate(manifest, version, strict=True)


def test_the_schema_is_asked_in_earnest() -> None:
    """A misspelt field is seen."""
    broken = of("StatefulSet")
    broken["spec"]["replica"] = broken["spec"].pop("replicas")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


def test_every_manifest_is_applied_or_said_to_be_optional() -> None:
    """The PodMonitor needs an operator."""
    files = {file.name for file in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert files - set(KUSTOMIZATION["resources"]) == {"podmonitor.yaml"}


def test_the_manifests_can_be_applied_again_with_another_image() -> None:
    """Kinds that are never changed in place would refuse the second `kubectl apply -k`; the workers create the topics."""
    assert {one["kind"] for one in manifests()} <= CHANGEABLE


def test_the_image_has_the_projects_version() -> None:
    """What is built is what is run."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert KUSTOMIZATION["images"] == [{"name": "lofty-ghl", "newTag": version}]
    assert {container(one)["image"] for one in COMPONENTS} == {"lofty-ghl"}


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_container_runs_a_command_that_exists(component: str) -> None:
    """With options that it has; as compose runs it."""
    found, left = command(list(container(component)["args"]))
    found.make_context(component, left)
    assert container(component)["args"] == SERVICES[component]["command"]


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_environment_is_what_the_program_reads(component: str) -> None:
    """No variable that nothing reads, and no credential: those are files."""
    assert env(component).keys() <= KNOWN
    mounts = {one["mountPath"]: one["name"] for one in container(component)["volumeMounts"]}
    assert mounts[env(component)[SECRETS_DIR]] == "secrets"
    assert mounts[str(Path(env(component)["LOFTY_GHL_CONFIG"]).parent)] == "configuration"
    volumes = {one["name"]: one for one in pod(component)["spec"]["volumes"]}
    assert volumes["secrets"]["secret"]["secretName"] == "lofty-ghl"
    assert volumes["configuration"]["configMap"]["name"] == of("ConfigMap")["metadata"]["name"]


@pytest.mark.parametrize(
    ("component", "variable"), [("worker", "LOFTY_GHL_WORKER_PORT"), ("gateway", "LOFTY_GHL_GATEWAY_PORT")]
)
def test_ports_agree(component: str, variable: str) -> None:
    """The program's, the container's, the Service's, the probes', the annotations' and the image's."""
    port = env(component)[variable]
    assert container(component)["ports"] == [{"name": "http", "containerPort": int(port)}]
    assert of("Service", component)["spec"]["ports"] == [{"name": "http", "port": int(port), "targetPort": "http"}]
    assert pod(component)["metadata"]["annotations"]["prometheus.io/port"] == port
    assert port in DOCKERFILE.split("EXPOSE ")[1].splitlines()[0].split()
    assert SERVICES[component]["expose"] == [port]


@pytest.mark.parametrize("component", ["worker", "gateway"])
def test_probes_ask_what_the_program_serves(component: str) -> None:
    """Alive by /healthz, ready by /readyz; a slow start is no death."""
    one = container(component)
    paths = {name: one[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    assert {one[name]["httpGet"]["port"] for name in paths} == {"http"}


def test_a_worker_has_time_to_stop() -> None:
    """Longer than it takes at most."""
    assert pod("worker")["spec"]["terminationGracePeriodSeconds"] >= STOP_SECONDS + LEAVE_SECONDS


def test_each_worker_has_tables_of_its_own() -> None:
    """Where its option says; and there are not more workers than partitions."""
    spec = of("StatefulSet")["spec"]
    mounts = {one["name"]: one["mountPath"] for one in container("worker")["volumeMounts"]}
    assert [one["metadata"]["name"] for one in spec["volumeClaimTemplates"]] == ["tables"]
    assert mounts["tables"] == env("worker")["LOFTY_GHL_DATA_DIR"]
    assert spec["serviceName"] == of("Service", "worker")["metadata"]["name"]
    assert spec["replicas"] <= settings().kafka.partitions


def settings() -> Any:
    """What the ConfigMap says."""
    return parse_settings(of("ConfigMap")["data"]["lofty-ghl.toml"])


def test_the_configuration_is_right() -> None:
    """And for a Kafka of several brokers."""
    assert settings().kafka.replication_factor == 3


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_pod_may_do_no_more_than_it_needs(component: str) -> None:
    """The policy `restricted`, and a read-only root file system; what is written to has a volume."""
    spec, one = pod(component)["spec"], container(component)
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert f"--uid {spec['securityContext']['runAsUser']}" in DOCKERFILE
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert one["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"memory"} <= one["resources"]["limits"].keys()
    assert "/tmp" in {mount["mountPath"] for mount in one["volumeMounts"]}


@pytest.mark.parametrize("component", ["worker", "gateway"])
def test_labels_lead_to_the_pods(component: str) -> None:
    """Of the Service, the disruption budget and the controller."""
    labels = pod(component)["metadata"]["labels"]
    kind = "StatefulSet" if component == "worker" else "Deployment"
    assert of("Service", component)["spec"]["selector"] == labels
    assert of("PodDisruptionBudget", component)["spec"]["selector"]["matchLabels"] == labels
    assert of(kind, component)["spec"]["selector"]["matchLabels"] == labels


def test_the_pod_monitor_finds_the_pods_and_names_the_jobs() -> None:
    """The dashboards go by the jobs' names."""
    spec = yaml.safe_load((FOLDER / "podmonitor.yaml").read_text(encoding="utf-8"))["spec"]
    for component in ("worker", "gateway"):
        assert spec["selector"]["matchLabels"].items() <= pod(component)["metadata"]["labels"].items()
        assert pod(component)["metadata"]["labels"]["app.kubernetes.io/component"] == component
    (endpoint,) = spec["podMetricsEndpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("http", "/metrics")
    assert endpoint["relabelings"][0]["targetLabel"] == "job"
