"""A profile of docker-compose.yml that runs: what its containers are, and what they serve on this machine."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.deadlines import within
from tests.docker.shell import attempt, run, until

VOLUMES_BEFORE = "LOFTY_GHL_DOCKER_CHECK_VOLUMES"
"""The variable that holds the engine's volumes before the checks."""
HEALTHY_SECONDS = 150.0


@dataclass(frozen=True, slots=True)
class Container:
    """One container, as `docker inspect` shows it."""

    id: str
    service: str
    state: str
    health: str | None
    exit_code: int
    restarts: int
    anonymous_volumes: tuple[str, ...]

    @property
    def is_well(self) -> bool:
        """It runs and passes its health check, if it has one; or it was to run once, and ended well."""
        if self.state == "exited":
            return self.exit_code == 0
        return self.state == "running" and self.health in (None, "healthy")


@dataclass(frozen=True, slots=True)
class Project:
    """The folder with the compose file, the environment that says which project and engine, and the profile."""

    folder: Path
    environ: Mapping[str, str]
    profile: str

    def compose(self, *words: str, seconds: float = 120.0) -> str:
        """Run `docker compose`; returns what it writes. Raises RuntimeError."""
        argv = ["docker", "compose", "--profile", self.profile, *words]
        return run(argv, self.environ, seconds, self.folder)

    def try_compose(self, *words: str, seconds: float = 120.0) -> tuple[int, str, str]:
        """The same, whatever it ends with."""
        argv = ["docker", "compose", "--profile", self.profile, *words]
        return attempt(argv, self.environ, seconds, self.folder)

    def containers(self) -> list[Container]:
        """All of them, also those that ended."""
        label = f"label=com.docker.compose.project={self.environ['COMPOSE_PROJECT_NAME']}"
        ids = run(["docker", "ps", "-aq", "--filter", label], self.environ).split()
        if not ids:
            return []
        code, output, _ = attempt(["docker", "inspect", *ids], self.environ)
        return [_container(one) for one in json.loads(output)] if code == 0 else []

    def container(self, service: str) -> Container:
        """A service's one container."""
        (found,) = [one for one in self.containers() if one.service == service]
        return found

    def until_well(self, services: set[str], seconds: float = HEALTHY_SECONDS) -> None:
        """Return once the services are well. Raises TimeoutError with what is not, and its log."""

        def are_well() -> bool:
            found = {one.service: one for one in self.containers()}
            return services <= found.keys() and all(found[name].is_well for name in services)

        until(are_well, seconds, f"{', '.join(sorted(services))} are well", self.words)

    def words(self) -> str:
        """How everything is, and the end of the log of what is not well."""
        lines = []
        for one in self.containers():
            lines.append(f"{one.service}: {one.state} {one.health or ''} {one.exit_code}, {one.restarts} restarts")
            if not one.is_well:
                _, output, errors = attempt(["docker", "logs", "--tail", "15", one.id], self.environ)
                lines.append((output + errors)[-2500:])
        return "\n".join(lines)

    def left(self) -> dict[str, list[str]]:
        """What the engine still has of the project, and volumes without a name."""
        label = f"label=com.docker.compose.project={self.environ['COMPOSE_PROJECT_NAME']}"
        volumes = set(run(["docker", "volume", "ls", "-q"], self.environ).split())
        volumes -= set(self.environ[VOLUMES_BEFORE].split())
        kinds = {
            "containers": run(["docker", "ps", "-aq", "--filter", label], self.environ).split(),
            "networks": run(["docker", "network", "ls", "-q", "--filter", label], self.environ).split(),
            "volumes": run(["docker", "volume", "ls", "-q", "--filter", label], self.environ).split(),
            "anonymous volumes": sorted(one for one in volumes if _is_anonymous(one)),
        }
        return {kind: found for kind, found in kinds.items() if found}


def get(url: str) -> Any:
    """The JSON at an address."""
    with urllib.request.urlopen(url, timeout=within(10)) as answer:
        return json.load(answer)


def _container(found: dict[str, Any]) -> Container:
    state = found["State"]
    volumes = [one.get("Name", "") for one in found["Mounts"] if one["Type"] == "volume"]
    return Container(
        id=found["Id"],
        service=found["Config"]["Labels"]["com.docker.compose.service"],
        state=state["Status"],
        health=state.get("Health", {}).get("Status"),
        exit_code=state["ExitCode"],
        restarts=found["RestartCount"],
        anonymous_volumes=tuple(one for one in volumes if _is_anonymous(one)),
    )


def _is_anonymous(volume: str) -> bool:
    """The engine names those without a name by 64 hexadecimal digits."""
    return len(volume) == 64 and all(one in "0123456789abcdef" for one in volume)
