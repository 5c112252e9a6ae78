"""Dockerfile and docker-compose.yml agree with the command line, with each other and with the Kafka that the tests run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from functools import cache
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import click
import pytest
import typer
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from connectors.sandbox.ghl import GhlSandboxSettings
from connectors.sandbox.ghl.mailer import public_key
from deploy.runtime_lock import entries, needed, roots_of
from streams.cli.slots import SLOT
from streams.demo.dataset import AGENCIES
from streams.settings import load_settings, require_secrets
from streams.settings.model import Kafka
from streams.worker.worker import LEAVE_SECONDS, STOP_SECONDS
from tests.kafka.jars import kafka_version

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if service["image"] == "lofty-ghl")
LIVE = {"topics", "gateway", "worker", "grafana"}
DEMO = {"demo-topics", "demo-connect", "demo-gateway", "demo-worker", "demo-town", "demo-grafana"}
SANDBOXES = {"sandbox-ghl", "sandbox-lofty"}
WATCHERS = {"prometheus", "alertmanager", "grafana", "demo-grafana"}
LIMITS = ("mem_limit", "cpus", "pids_limit")
COMMANDS = (
    "worker",
    "gateway",
    "topics show",
    "topics create",
    "sandbox ghl",
    "sandbox lofty",
    "sandbox town",
    "demo",
    "operations",
    "init",
)


@cache
def _root() -> Any:
    from streams.cli.root import app

    return typer.main.get_command(app)


def command(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that words name, and the words that are left: its options. Raises KeyError for an unknown one."""
    found = _root()
    while hasattr(found, "commands"):
        found, words = found.commands[words[0]], words[1:]
    return found, words


@pytest.mark.parametrize("words", COMMANDS)
def test_the_command_line_has_the_commands_that_we_speak_of(words: str) -> None:
    """Compose, README and runbook name these."""
    found, left = command(words.split())
    assert found.help
    assert left == []


@pytest.mark.parametrize("words", ["worker", "gateway", "topics show", "topics create"])
def test_what_reads_the_configuration_is_told_where_it_lies(words: str) -> None:
    """The image sets `LOFTY_GHL_CONFIG`, the variable of `--config`."""
    found, _ = command(words.split())
    config = next(parameter for parameter in found.params if "--config" in parameter.opts)
    assert getattr(config, "envvar", None) == "LOFTY_GHL_CONFIG"
    assert "LOFTY_GHL_CONFIG=" in DOCKERFILE


@pytest.mark.parametrize("service", OURS)
def test_a_service_runs_a_command_that_exists(service: str) -> None:
    """With options that it has, and with none missing: the command line itself reads them."""
    found, left = command(list(SERVICES[service]["command"]))
    found.make_context(service, left)


def services_of(profile: str) -> set[str]:
    """What a profile starts."""
    return {name for name, one in SERVICES.items() if profile in one.get("profiles", [profile])}


def test_each_profile_brings_what_is_needed_to_run() -> None:
    """Kafka and what shows all belong to each; your own and the demo have each their own worker, gateway and topics."""
    both = {"kafka", "prometheus", "alertmanager"}
    assert services_of("live") == both | LIVE
    assert services_of("demo") == both | DEMO | SANDBOXES
    assert services_of("sandbox") == both | LIVE | SANDBOXES


def test_compose_starts_your_own_unless_another_profile_is_asked_for() -> None:
    """By the repository's `.env`; if somebody replaces that file, Compose says what it lacks."""
    lines = (ROOT / ".env").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == ["COMPOSE_PROFILES=live"]
    assert "${COMPOSE_PROFILES:?" in (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("demo", "live"), [(f"demo-{name}", name) for name in ("topics", "gateway", "worker")])
def test_the_demo_runs_what_you_run(demo: str, live: str) -> None:
    """The same command, limits and environment but for the topics' prefix and the folder of settings; reached by the same name."""
    ours, theirs = SERVICES[live], SERVICES[demo]
    same = (
        "image",
        "command",
        "expose",
        "healthcheck",
        *LIMITS,
        "stop_grace_period",
        "read_only",
        "tmpfs",
        "restart",
        "build",
    )
    assert {key: theirs.get(key) for key in same} == {key: ours.get(key) for key in same}
    assert theirs["environment"] == {**ours["environment"], "LOFTY_GHL_TOPIC_PREFIX": "demo."}
    assert [one.replace("/demo/", "/live/").removeprefix("demo-") for one in theirs["volumes"]] == ours["volumes"]
    if live != "topics":
        assert live in theirs["networks"]["default"]["aliases"]


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_may_do_no_more_than_it_needs(service: str) -> None:
    """No capabilities, no way to gain any, limits that both Composes take; all but Kafka with a read-only file system."""
    one = SERVICES[service]
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert set(LIMITS) <= one.keys()
    assert "deploy" not in one  # Compose v2 refuses its limits beside pids_limit
    assert one.get("read_only", False) is (service != "kafka")


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_comes_back_and_says_how_it_is(service: str) -> None:
    """What is to run for long is started again and has a health check; what runs once has neither."""
    one = SERVICES[service]
    runs_once = one.get("command", [""])[0] in {"topics", "connect"}
    assert one["restart"] == ("no" if runs_once else "unless-stopped")
    assert ("healthcheck" in one) is (not runs_once and service != "demo-town")


@pytest.mark.parametrize("service", sorted(set(SERVICES) - set(OURS)))
def test_images_of_others_are_pinned(service: str) -> None:
    """By a version, so that tomorrow's `up` starts what today's did."""
    assert re.fullmatch(r"[a-z]+/[a-z]+:v?\d+\.\d+\.\d+", SERVICES[service]["image"])


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_what_is_mounted_from_the_repository_is_there(service: str) -> None:
    """Docker would make an empty folder of a path that is misspelt."""
    sources = [one.split(":")[0] for one in SERVICES[service].get("volumes", []) if one.startswith("./")]
    assert [source for source in sources if not (ROOT / source).exists()] == []


@pytest.mark.parametrize("service", ["gateway", "worker", "demo-gateway", "demo-worker"])
def test_every_folder_that_a_service_is_told_of_is_mounted(service: str) -> None:
    """Nothing else can be written to: the file system is read-only. `topics` and `connect` keep nothing."""
    mounts = [one.split(":")[1] for one in SERVICES[service]["volumes"]]
    paths = [value for value in SERVICES[service]["environment"].values() if value.startswith("/")]
    assert paths
    assert [path for path in paths if not any(f"{path}/".startswith(f"{mount}/") for mount in mounts)] == []


def test_credentials_come_from_files() -> None:
    """No variable of a service holds one. The sandboxes' own are in their commands, and open nothing else."""
    names = {name for one in SERVICES.values() for name in one.get("environment", {})}
    secret = {name for name in names if re.search("PASSWORD|TOKEN|SECRET|API_KEY", name)}
    assert secret == {"GF_SECURITY_ADMIN_PASSWORD__FILE", "LOFTY_GHL_SECRETS_DIR"}


def test_the_demo_brings_settings_that_are_right() -> None:
    """With every credential that its commands ask for; the sandboxes know them, and sign with the key that the gateway trusts."""
    folder = ROOT / "deploy/demo/lofty-ghl"
    settings = load_settings(folder / "lofty-ghl.toml", {"LOFTY_GHL_SECRETS_DIR": str(folder / "secrets")})
    require_secrets(settings)
    assert settings.gateway.ghl.public_keys[0].strip() == public_key(GhlSandboxSettings()).strip()
    known = " ".join(SERVICES["sandbox-ghl"]["command"] + SERVICES["sandbox-lofty"]["command"])
    for one, agency in zip(settings.connections.values(), AGENCIES, strict=True):
        secrets = [one.secrets.lofty_api_key, one.secrets.ghl_token, one.secrets.webhook_secret]
        assert [secret and secret.get_secret_value() for secret in secrets] == [
            agency.lofty_key,
            agency.ghl_token,
            agency.webhook_secret,
        ]
        assert f"--team={one.lofty.team_id}={agency.lofty_key}" in known
        assert f"--location={one.ghl.location_id}={agency.ghl_token}" in known


def test_a_worker_has_time_to_stop() -> None:
    """Longer than it takes at most, or it would be killed with its requests in flight."""
    for name in ("worker", "demo-worker"):
        assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) >= STOP_SECONDS + LEAVE_SECONDS


@pytest.mark.parametrize("profile", ["live", "demo", "sandbox"])
def test_docker_compose_itself_accepts_the_file(profile: str) -> None:
    """In every profile."""
    if shutil.which("docker-compose") is None:
        pytest.skip("no docker-compose on the PATH (Debian: apt-get install docker-compose)")
    done = subprocess.run(
        ["docker-compose", "--profile", profile, "config", "--quiet"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_waits_for_services_that_exist(service: str) -> None:
    """A misspelt dependency would stop everything."""
    assert set(SERVICES[service].get("depends_on", {})) <= set(SERVICES)


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_nothing_waits_for_those_who_watch(service: str) -> None:
    """And they wait for nobody: with a typo in alertmanager.yml, `up` would give up before the worker starts."""
    waits = set(SERVICES[service].get("depends_on", {}))
    assert waits & WATCHERS == set()
    assert service not in WATCHERS or not waits


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_log_has_an_end(service: str) -> None:
    """No disk may fill up."""
    assert SERVICES[service]["logging"]["options"].keys() == {"max-size", "max-file"}


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_port_is_open_to_this_machine_alone(service: str) -> None:
    """The gateway's too, unless LOFTY_GHL_BIND says otherwise: /metrics is behind the same port."""
    widened = service == "gateway"
    host = "${LOFTY_GHL_BIND:-127.0.0.1}:" if widened else "127.0.0.1:"
    assert [one for one in SERVICES[service].get("ports", []) if not one.startswith(host)] == []


def test_no_volume_is_without_a_name() -> None:
    """What `down` leaves has a name that says what it holds, and `down -v` removes it; the image declares none."""
    assert "VOLUME" not in DOCKERFILE
    mounts = [one for service in SERVICES.values() for one in service.get("volumes", [])]
    named = {one.split(":")[0] for one in mounts if not one.startswith("./")}
    assert named == COMPOSE["volumes"].keys()
    # Apache's image declares three; two of them hold nothing.
    kafka = SERVICES["kafka"]
    assert {one.split(":")[1] for one in kafka["volumes"]} | set(kafka["tmpfs"]) == {
        "/var/lib/kafka/data",
        "/etc/kafka/secrets",
        "/mnt/shared/config",
    }


@pytest.mark.parametrize("profile", ["live", "demo", "sandbox"])
def test_one_service_of_each_profile_builds_the_image(profile: str) -> None:
    """The others would build the same tag beside it; and they ask no registry for it."""
    ours = services_of(profile) & set(OURS)
    builders = {name for name in ours if "build" in SERVICES[name]}
    assert builders == {"demo-topics" if profile == "demo" else "topics"}
    assert {SERVICES[name]["pull_policy"] for name in ours} == {"never"}


@pytest.mark.parametrize("service", ["worker", "demo-worker"])
def test_the_workers_of_scale_share_a_volume_and_no_folder(service: str) -> None:
    """Each takes a slot below it."""
    folder = Path(SERVICES[service]["environment"]["LOFTY_GHL_DATA_DIR"])
    assert folder.name == SLOT
    assert f"{service}:{folder.parent}" in SERVICES[service]["volumes"]


@pytest.mark.parametrize("service", sorted(SANDBOXES))
def test_a_sandbox_outlives_its_container(service: str) -> None:
    """What it holds lies in a volume: Kafka remembers what was written to it."""
    (state,) = [one.removeprefix("--state=") for one in SERVICES[service]["command"] if one.startswith("--state=")]
    assert f"{service}:{Path(state).parent}" in SERVICES[service]["volumes"]


def test_kafka_is_where_the_programs_default_looks_for_it() -> None:
    """`init --rehearsal` and `docker compose up -d kafka` agree on its address."""
    (port,) = SERVICES["kafka"]["ports"]
    host, published, inside = port.split(":")
    listeners = dict(
        one.split("://") for one in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    )
    assert host == "127.0.0.1"
    assert listeners["EXTERNAL"] == f"localhost:{published}" == Kafka().bootstrap_servers
    assert f"EXTERNAL://:{inside}" in SERVICES["kafka"]["environment"]["KAFKA_LISTENERS"]


@pytest.mark.parametrize("service", sorted({"kafka", *OURS} - {"demo-town"}))
def test_a_slow_start_is_no_illness(service: str) -> None:
    """Others wait for its health: on a busy machine a start takes a minute, and `up` would give up."""
    health = SERVICES[service].get("healthcheck")
    assert health is None or int(health["start_period"].removesuffix("s")) >= 60


def test_compose_runs_the_kafka_that_the_tests_run() -> None:
    """What was seen to work is what a user gets."""
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka_version()}"


def test_the_image_starts_our_command_and_not_as_root() -> None:
    """The entry point is the console script; the last user is not root."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    entry = json.loads(re.findall(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.MULTILINE)[-1])
    users = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    assert entry[0] in scripts
    assert users[-1] not in {"root", "0"}


def test_the_image_is_made_of_files_that_exist() -> None:
    """Each source of a COPY is in the repository, and .dockerignore lets it through."""
    sources = [word for line in re.findall(r"^COPY (?!--)(.*) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()]
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"
    }
    assert sources
    sources = [source.rstrip("/") for source in sources]
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert set(sources) <= allowed


def test_the_image_installs_what_the_program_needs_and_no_more() -> None:
    """By the lock's own comments; the installed packages say the same."""
    lock = entries((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = needed(lock, roots_of(project, ["tracing"]))
    assert all("--hash=sha256:" in lock[name] for name in wanted)
    assert _installed_for("lofty-ghl", {"tracing"}) <= wanted
    assert wanted.isdisjoint({"playwright", "pytest", "mypy", "testcontainers", "docker", "build", "hatchling"})


def _installed_for(name: str, extras: set[str], found: set[str] | None = None) -> set[str]:
    """All that an installed distribution requires here, and what that requires, and so on."""
    found = set() if found is None else found
    for text in requires(name) or ():
        requirement = Requirement(text)
        chosen = requirement.marker is None or any(
            requirement.marker.evaluate({"extra": one}) for one in (extras or {""})
        )
        key = canonicalize_name(requirement.name)
        if chosen and key not in found:
            found.add(key)
            _installed_for(key, set(requirement.extras), found)
    return found
