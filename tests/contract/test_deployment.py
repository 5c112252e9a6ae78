"""Dockerfile and docker-compose.yml agree with the command line, with each other and with the Kafka that the tests run."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import typer
import yaml

from tests.kafka.jars import kafka_version

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))[
    "services"
]
OURS = sorted(name for name, service in SERVICES.items() if service["image"] == "lofty-ghl")
COMMANDS = (
    "worker",
    "gateway",
    "topics show",
    "topics create",
    "sandbox ghl",
    "sandbox lofty",
    "demo",
    "operations",
    "init",
)


def command(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that words name, and the words that are left: its options. Raises KeyError for an unknown one."""
    from streams.cli.root import app

    found: Any = typer.main.get_command(app)
    while hasattr(found, "commands"):
        found, words = found.commands[words[0]], words[1:]
    return found, words


def options_of(found: click.Command) -> set[str]:
    """Every option of a command, as it is written."""
    return {option for parameter in found.params for option in parameter.opts}


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
    """Every word of a service's command is a command, one of its options, or an option's value."""
    found, left = command(list(SERVICES[service]["command"]))
    assert set(left[::2]) <= options_of(found)


def test_compose_brings_what_is_needed_to_run() -> None:
    """A Kafka that says when it is ready, the topics, the intake and a worker; the sandboxes only when asked for."""
    plain = {name for name, service in SERVICES.items() if "profiles" not in service}
    sandboxes = {name for name, service in SERVICES.items() if service.get("profiles") == ["sandbox"]}
    assert plain == {"kafka", "topics", "gateway", "worker"}
    assert sandboxes == {"sandbox-ghl", "sandbox-lofty"}
    assert SERVICES["kafka"]["healthcheck"]["test"]


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_waits_for_services_that_exist(service: str) -> None:
    """A misspelt dependency would stop everything."""
    assert set(SERVICES[service].get("depends_on", {})) <= set(SERVICES)


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
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert set(sources) <= allowed
