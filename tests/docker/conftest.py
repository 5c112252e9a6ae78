"""What the checks share: the commands' environment, the images, a checkout of our own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.compose_tool import docker_config
from tests.docker.images import ROOT, Images, provide, remove_stand_ins
from tests.docker.project import VOLUMES_BEFORE
from tests.docker.shell import run, works

LOOKED_AT: list[str] = []


@pytest.fixture(scope="session")
def environ() -> Iterator[dict[str, str]]:
    """For every command: which engine, and a `docker compose` that is v2."""
    with tempfile.TemporaryDirectory(prefix="lofty-ghl-docker-config-") as made:
        config = docker_config(Path(made) / "config")
        found = {**os.environ, "DOCKER_CONFIG": str(config), "COMPOSE_PROJECT_NAME": f"lofty-ghl-check-{os.getpid()}"}
        # On an engine that is not ours there may be volumes of others.
        yield {**found, VOLUMES_BEFORE: run(["docker", "volume", "ls", "-q"], found)}


@pytest.fixture(scope="session")
def images(environ: dict[str, str]) -> Iterator[Images]:
    """What Dockerfile and compose file name. No stand-in stays behind under another's name, and no image that was built."""
    had_ours = works(["docker", "image", "inspect", "lofty-ghl"], environ)
    try:
        found = provide(environ)
        LOOKED_AT.extend(f"{image}: {origin}" for image, origin in found.origin.items())
        yield found
    finally:
        remove_stand_ins(environ)
        if not had_ours:
            works(["docker", "image", "rm", "--force", "lofty-ghl"], environ)


@pytest.fixture(scope="session")
def checkout(environ: dict[str, str]) -> Iterator[Path]:
    """The repository's files as a clone has them, with what is not committed yet."""
    with tempfile.TemporaryDirectory(prefix="lofty-ghl-checkout-") as made:
        listed = run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            environ,
            cwd=ROOT,
        )
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (Path(made) / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, Path(made) / name)
        Path(made).chmod(0o755)
        yield Path(made)
        subprocess.run(["chmod", "-R", "u+rwX", made], check=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was looked at, and on what."""
    passed = terminalreporter.stats.get("passed", [])
    terminalreporter.section("looked at")
    for line in (
        *(f"image {one}" for one in LOOKED_AT),
        *(one.nodeid.split("::")[-1].replace("_", " ") for one in passed),
    ):
        terminalreporter.line(line)
