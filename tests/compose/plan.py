"""From docker-compose.yml to processes of this machine. Pure: ports and folders are given.

What a service is natively: its command and its environment, in which `name:port` became an address of the loopback, its own
ports became those that it was given, and every path of a mount became a folder here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal

Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder of the container. `source` is a path of the repository, a volume's name with `volume:` before it, or ""."""

    target: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """One service as the compose file has it, with its anchors merged and its variables filled in."""

    name: str
    image: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    names: tuple[str, ...]
    """What others call it: its own name, and its aliases."""
    ports: tuple[int, ...]
    mounts: tuple[Mount, ...]
    after: Mapping[str, Condition]
    health_url: str | None
    comes_back: bool
    """It is started again when it ends."""


@dataclass(frozen=True, slots=True)
class Here:
    """Where things are on this machine: ports by service and container's port, folders by service and container's path."""

    ports: Mapping[tuple[str, int], int]
    folders: Mapping[tuple[str, str], str] = field(default_factory=dict)


def services_of(compose: Mapping[str, Any], profile: str, variables: Mapping[str, str]) -> list[Service]:
    """What a profile starts, each after what it waits for. Raises ValueError for a circle or an unset variable."""
    found = {
        name: _service(name, filled(one, variables), compose.get("secrets", {}))
        for name, one in compose["services"].items()
        if profile in one.get("profiles", [profile])
    }
    ordered: dict[str, Service] = {}
    while len(ordered) < len(found):
        ready = [one for one in found.values() if one.name not in ordered and one.after.keys() <= ordered.keys()]
        if not ready:
            raise ValueError(f"these wait for each other: {', '.join(found.keys() - ordered.keys())}")
        ordered |= {one.name: one for one in ready}
    return list(ordered.values())


def filled(value: Any, variables: Mapping[str, str]) -> Any:
    """A value with `${NAME}`, `${NAME:-default}` and `${NAME:?why}` replaced."""
    if isinstance(value, dict):
        return {key: filled(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, variables) for inner in value]
    if not isinstance(value, str):
        return value

    def one(match: re.Match[str]) -> str:
        name, how, more = match[1], match[2], match[3] or ""
        if variables.get(name):
            return variables[name]
        if how == ":-":
            return more
        raise ValueError(f"{name} {more or 'is not set'}")

    return re.sub(r"\$\{(\w+)(?:(:-|:\?)([^}]*))?\}", one, value)


def replacer(services: Sequence[Service], here: Here) -> Callable[[str], str]:
    """Puts addresses of the loopback where a text names a service and its port, such as `kafka:9092`."""
    addresses = {
        f"{name}:{port}": f"127.0.0.1:{here.ports[one.name, port]}"
        for one in services
        for name in one.names
        for port in one.ports
    }
    pattern = re.compile(r"(?<![\w.-])(?:" + "|".join(map(re.escape, addresses)) + r")(?!\d)")
    return lambda text: pattern.sub(lambda match: addresses[match[0]], text)


PROCESSES = {"auto": "2"}
"""A worker has two processes on any machine: rules and panels are asked with as many series as there are then."""


def native(service: Service, here: Here, replace: Callable[[str], str]) -> Service:
    """The service as it runs here."""

    def moved(text: str) -> str:
        return _own_ports(_own_paths(replace(text), service, here), service, here)

    health = service.health_url
    return Service(
        name=service.name,
        image=service.image,
        command=tuple(PROCESSES.get(word, moved(word)) for word in service.command),
        environ={key: moved(value) for key, value in service.environ.items()},
        names=service.names,
        ports=tuple(here.ports[service.name, port] for port in service.ports),
        mounts=service.mounts,
        after=service.after,
        health_url=None
        if health is None
        else re.sub(
            r"localhost:(\d+)", lambda m: f"127.0.0.1:{here.ports.get((service.name, int(m[1])), int(m[1]))}", health
        ),
        comes_back=service.comes_back,
    )


def _own_ports(text: str, service: Service, here: Here) -> str:
    """A value that is nothing but a port of its own, alone or after `--port=`."""
    match = re.fullmatch(r"((?:--port=)?)(\d+)", text)
    if match is None or int(match[2]) not in service.ports:
        return text
    return f"{match[1]}{here.ports[service.name, int(match[2])]}"


def _own_paths(text: str, service: Service, here: Here) -> str:
    for mount in sorted(service.mounts, key=lambda one: -len(one.target)):
        folder = here.folders.get((service.name, mount.target))
        if folder is not None:
            text = re.sub(rf"(?<![\w/.-]){re.escape(mount.target)}(?![\w.-])", lambda _, f=folder: f, text)  # type: ignore[misc]  # the folder of this round
    return text


def _service(name: str, given: Mapping[str, Any], secrets: Mapping[str, Any]) -> Service:
    networks = given.get("networks") or {}
    aliases = [alias for one in networks.values() for alias in (one or {}).get("aliases", ())]
    published = [str(one).split(":")[-1] for one in given.get("ports", ())]
    ports = dict.fromkeys(int(one) for one in (*given.get("expose", ()), *published))
    return Service(
        name=name,
        image=given["image"],
        command=tuple(map(str, given.get("command", ()))),
        environ={key: str(value) for key, value in (given.get("environment") or {}).items()},
        names=(name, *aliases),
        ports=tuple(ports),
        mounts=(*_mounts(given), *_secret_mounts(given, secrets)),
        after={key: one["condition"] for key, one in (given.get("depends_on") or {}).items()},
        health_url=_health_url(given),
        comes_back=given.get("restart", "no") != "no",
    )


def _mounts(given: Mapping[str, Any]) -> Iterator[Mount]:
    for text in given.get("volumes", ()):
        source, _, rest = text.partition(":")
        if not rest:
            yield Mount(source)
        elif source.startswith("."):
            yield Mount(rest.split(":")[0], str(PurePosixPath(source)))
        else:
            yield Mount(rest.split(":")[0], f"volume:{source}")


def _secret_mounts(given: Mapping[str, Any], secrets: Mapping[str, Any]) -> Iterator[Mount]:
    for one in given.get("secrets", ()):
        yield Mount(f"/run/secrets/{one['target']}", str(PurePosixPath(secrets[one["source"]]["file"])))


def _health_url(given: Mapping[str, Any]) -> str | None:
    words = " ".join(map(str, (given.get("healthcheck") or {}).get("test", ())))
    found = re.search(r"http://localhost:\d+[^\s'\"]*", words)
    return found[0] if found else None
