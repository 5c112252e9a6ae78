"""What an engine without images is good for; the compose file in both Composes' eyes; the image of the unmodified Dockerfile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.docker.compose_tool import compose_v1
from tests.docker.images import Images
from tests.docker.shell import attempt, run, works
from tests.kafka.container import kafka_image, why_no_container
from tests.kafka.real import real_kafka

PROFILES = ("demo", "live", "sandbox")


def test_tests_take_java_where_the_engine_has_no_kafka_and_no_registry(environ: dict[str, str]) -> None:
    """An engine that answers is not enough. Where it has Kafka or a registry there is nothing to fall through."""
    why = why_no_container()
    with real_kafka({}) as broker:
        origin = broker.origin
    expected = "in Docker" if why is None else "with Java"
    assert expected in origin


@pytest.mark.parametrize("profile", PROFILES)
def test_compose_v2_accepts_the_file(profile: str, environ: dict[str, str], checkout: Path) -> None:
    """As it is, and without a warning."""
    done = attempt(["docker", "compose", "--profile", profile, "config", "--quiet"], environ, cwd=checkout)
    assert done == (0, "", "")


@pytest.mark.parametrize("profile", PROFILES)
def test_compose_1_29_accepts_the_file(profile: str, environ: dict[str, str], checkout: Path) -> None:
    """The same file."""
    done = attempt([str(compose_v1()), "--profile", profile, "config", "--quiet"], environ, cwd=checkout)
    assert done == (0, "", "")


def test_the_dockerfile_builds_as_it_is(environ: dict[str, str], images: Images, checkout: Path) -> None:
    """And its image runs the command line, not as root, and declares no volume."""
    assert images.origin.keys() >= {"python:3.11-slim", kafka_image()}
    run(["docker", "compose", "build"], environ, seconds=300, cwd=checkout)
    assert "Usage: lofty-ghl" in run(["docker", "run", "--rm", "lofty-ghl"], environ)
    (image,) = json.loads(run(["docker", "image", "inspect", "lofty-ghl"], environ))
    assert image["Config"]["User"] == "10001"
    assert not image["Config"].get("Volumes")


def test_tests_take_kafka_in_a_container_where_the_engine_has_its_image(
    environ: dict[str, str], images: Images
) -> None:
    """By testcontainers, without its cleaner where that cannot be had; nothing of it stays."""
    with real_kafka({}) as broker:
        assert broker.origin == f"{kafka_image()} in Docker"
        broker.create_topics({"in-a-container": {}}, 1)
    assert run(["docker", "ps", "-aq", "--filter", f"ancestor={kafka_image()}"], environ) == ""
    assert works(["docker", "version"], environ)
