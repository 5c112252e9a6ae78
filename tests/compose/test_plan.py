"""docker-compose.yml becomes processes of this machine: by these rules, and by no others."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compose.plan import Here, Mount, filled, native, replacer, services_of

COMPOSE: dict[str, Any] = {
    "services": {
        "front": {
            "image": "ours",
            "command": ["serve", "--port=80", "--to", "http://back:81/x", "--not=back:811", "/etc/frontier"],
            "environment": {"PORT": "80", "CONFIG": "/etc/front/file.toml", "BACK": "back:81,other.back:81", "N": 3},
            "depends_on": {"back": {"condition": "service_healthy"}},
            "networks": {"default": {"aliases": ["door"]}},
            "ports": ["127.0.0.1:8000:80"],
            "volumes": ["./settings:/etc/front:ro", "kept:/kept", "/own"],
            "secrets": [{"source": "s", "target": "password"}],
            "healthcheck": {"test": ["CMD", "python", "-c", "urlopen('http://localhost:80/healthz', timeout=3)"]},
            "restart": "unless-stopped",
        },
        "back": {"image": "ours", "expose": ["81"]},
        "other": {"image": "ours", "profiles": ["other"]},
    },
    "secrets": {"s": {"file": "./secrets/one"}},
}


def test_a_profile_starts_its_own_services_and_those_without_a_profile() -> None:
    """Each after what it waits for."""
    assert [one.name for one in services_of(COMPOSE, "main", {})] == ["back", "front"]
    assert [one.name for one in services_of(COMPOSE, "other", {})] == ["back", "other", "front"]


def test_services_that_wait_for_each_other_are_refused() -> None:
    """Nothing would ever start."""
    waits = {"condition": "service_started"}
    compose = {
        "services": {"a": {"image": "x", "depends_on": {"b": waits}}, "b": {"image": "x", "depends_on": {"a": waits}}}
    }
    with pytest.raises(ValueError, match="wait for each other"):
        services_of(compose, "main", {})


def test_a_service_runs_natively_with_addresses_ports_and_folders_of_this_machine() -> None:
    """Names with their ports, its own port, paths of its mounts; whatever merely looks like one of those stays."""
    services = services_of(COMPOSE, "main", {})
    here = Here(
        {("front", 80): 9080, ("back", 81): 9081}, {("front", "/etc/front"): "/tmp/f", ("front", "/own"): "/tmp/o"}
    )
    one = native(services[1], here, replacer(services, here))
    assert one.command == ("serve", "--port=9080", "--to", "http://127.0.0.1:9081/x", "--not=back:811", "/etc/frontier")
    assert one.environ == {
        "PORT": "9080",
        "CONFIG": "/tmp/f/file.toml",
        "BACK": "127.0.0.1:9081,other.back:81",
        "N": "3",
    }
    assert one.health_url == "http://127.0.0.1:9080/healthz"
    assert one.comes_back


def test_an_alias_is_a_name() -> None:
    """The demo's gateway is reached as `gateway`."""
    services = services_of(COMPOSE, "main", {})
    replace = replacer(services, Here({("front", 80): 9080, ("back", 81): 9081}))
    assert replace("door:80 front:80") == "127.0.0.1:9080 127.0.0.1:9080"


def test_mounts_are_folders_of_the_repository_volumes_and_secrets() -> None:
    """Each with where it comes from."""
    assert services_of(COMPOSE, "main", {})[1].mounts == (
        Mount("/etc/front", "settings"),
        Mount("/kept", "volume:kept"),
        Mount("/own"),
        Mount("/run/secrets/password", "secrets/one"),
    )


def test_variables_are_filled_in_as_compose_does() -> None:
    """With a default where there is one; one that is demanded and not set is an error in the file's words."""
    assert filled({"a": ["${X}-${Y:-why}"]}, {"X": "1"}) == {"a": ["1-why"]}
    with pytest.raises(ValueError, match="Z is demanded"):
        filled("${Z:?is demanded}", {"Z": ""})
