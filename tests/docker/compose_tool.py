"""Both versions of Compose: 1.29 from the machine, v2 from the machine or from Debian's next release."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.docker.shell import run
from tests.kafka.jars import CACHE

KEPT = CACHE / "docker"
NEXT = """\
Types: deb
URIs: http://deb.debian.org/debian
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""
"""Debian 12 has Compose 1.29 only. Debian 13's package of v2 needs nothing but libc 2.34."""


def compose_v2() -> Path:
    """The plugin of v2. Raises RuntimeError when there is none and none can be fetched."""
    for folder in (Path.home() / ".docker/cli-plugins", *map(Path, _PLUGINS)):
        if (folder / "docker-compose").exists():
            return folder / "docker-compose"
    kept = KEPT / "compose-v2" / "docker-compose"
    if not kept.exists():
        _fetch(kept)
    return kept


_PLUGINS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)


def compose_v1() -> Path:
    """The old `docker-compose`. Raises RuntimeError when it is not here, or is v2 under the old name."""
    found = shutil.which("docker-compose")
    if found is None:
        raise RuntimeError("no docker-compose 1.29 on the PATH (Debian 12: apt-get install docker-compose)")
    version = run([found, "version", "--short"], os.environ)
    if not version.startswith("1."):
        raise RuntimeError(f"docker-compose on the PATH is {version.strip()}, not 1.29")
    return Path(found)


def docker_config(folder: Path) -> Path:
    """A configuration of the docker command in which `docker compose` is v2."""
    plugins = folder / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-compose").symlink_to(compose_v2())
    return folder


def _fetch(to: Path) -> None:
    """Through apt, with its signatures, from a source of our own: the machine's sources stay as they are."""
    if shutil.which("apt-get") is None:
        raise RuntimeError("Docker Compose v2 is not installed, and there is no apt-get to fetch it")
    with tempfile.TemporaryDirectory(prefix="lofty-ghl-apt-") as made:
        apt = Path(made)
        for name in ("state/lists/partial", "cache/archives/partial", "parts", "out"):
            (apt / name).mkdir(parents=True)
        (apt / "next.sources").write_text(NEXT, encoding="utf-8")
        options = {
            "Dir::Etc::sourcelist": apt / "next.sources",
            "Dir::Etc::sourceparts": apt / "parts",
            "Dir::State": apt / "state",
            "Dir::State::status": "/dev/null",
            "Dir::Cache": apt / "cache",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
        }
        get = ["apt-get", "-q", *(f"-o{name}={value}" for name, value in options.items())]
        run([*get, "update"], os.environ, 120)
        run([*get, "download", "docker-compose"], os.environ, 120, cwd=apt / "out")
        (package,) = (apt / "out").glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", str(package), str(apt / "package")], check=True)
        (found,) = (apt / "package").rglob("cli-plugins/docker-compose")
        to.parent.mkdir(parents=True, exist_ok=True)
        incoming = to.with_name(f"docker-compose.{os.getpid()}")
        shutil.copy(found, incoming)
        incoming.rename(to)
