"""The images that Dockerfile and docker-compose.yml name: fetched where a registry answers, else made here as stand-ins.

A stand-in is tagged exactly as the file names it, made of Debian's packages (`stand_ins/base.packages`, by debootstrap) and Kafka's
own jars, and labelled `stand-in`. What debootstrap made is kept in `.cache/docker/`, under a name made of all that went into it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.docker.debian import mirror
from tests.docker.shell import attempt, run, step, works
from tests.kafka.jars import CACHE, kafka_jars

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).resolve().parent / "stand_ins"
KEPT = CACHE / "docker"
SUITE = "bookworm"
BASE = "lofty-ghl-stand-in/debian"
PULL_SECONDS, MAKE_SECONDS = 240.0, 400.0
RECIPES = {
    "python": "python",
    "apache/kafka": "kafka",
    "prom/prometheus": "prometheus",
    "prom/alertmanager": "alertmanager",
    "grafana/grafana": "grafana",
}
"""An image's name → the Dockerfile in `stand_ins` that replaces it."""
UNUSED = (
    *("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"),
    *("usr/share/javascript", "usr/share/nodejs", "usr/bin/promtool", "usr/bin/amtool"),
)
"""What no check needs, half a gigabyte of it."""
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True, slots=True)
class Images:
    """What the checks run on: each image → "registry", "here already", or what its stand-in says of itself."""

    origin: Mapping[str, str]


def wanted() -> list[str]:
    """What the two files name, apart from our own image."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    others = {one["image"] for one in compose["services"].values()} - {"lofty-ghl"}
    bases = set(re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE))
    return sorted(others | bases)


def begin(environ: Mapping[str, str]) -> Future[Path | None]:
    """Ask the registry, and without one begin with what takes longest, beside the first checks: the stand-ins' packages.

    The answer is their archive, or None where none is needed. Nothing of it is given to the engine yet.
    """
    pool = ThreadPoolExecutor(1)
    begun = pool.submit(_prepare, environ)
    pool.shutdown(wait=False)
    return begun


def _prepare(environ: Mapping[str, str]) -> Path | None:
    missing = _missing(environ)
    if not missing or works(["docker", "pull", "-q", missing[0]], environ, seconds=PULL_SECONDS):
        return None
    with step("a root file system with Debian's packages"):
        return _archive()


def _missing(environ: Mapping[str, str]) -> list[str]:
    return [one for one in wanted() if not works(["docker", "image", "inspect", one], environ)]


def provide(environ: Mapping[str, str], begun: Future[Path | None]) -> Images:
    """Return once every image is there. Raises RuntimeError with the words of whatever failed."""
    archive = begun.result()
    missing = _missing(environ)
    origin = dict.fromkeys(wanted(), "here already")
    if archive is None:
        with step("fetch the images"):
            for image in missing:
                run(["docker", "pull", "-q", image], environ, seconds=PULL_SECONDS)
        return Images({**origin, **dict.fromkeys(missing, "registry")})
    with step("give it to the engine"):
        run(["docker", "import", str(archive), BASE], environ, seconds=120)
    with step("build the stand-ins"), ThreadPoolExecutor(2) as pool:
        origin |= dict(pool.map(lambda image: (image, _make(image, environ)), missing))
    return Images(origin)


def remove_stand_ins(environ: Mapping[str, str]) -> None:
    """Remove every image that is labelled as one, and what they are made of."""
    listed = attempt(
        ["docker", "image", "ls", "--filter", "label=stand-in", "--format", "{{.Repository}}:{{.Tag}}"], environ
    )
    made = [one for one in listed[1].split() if one in wanted()]
    attempt(["docker", "image", "rm", "--force", *made, BASE], environ)


def _archive() -> Path:
    """A root file system with all packages, as a tar."""
    packages = (FOLDER / "base.packages").read_text(encoding="utf-8").split()
    key = hashlib.sha256(" ".join([SUITE, *packages, *UNUSED]).encode()).hexdigest()[:16]
    archive = KEPT / f"{SUITE}-{key}.tar"
    if archive.is_file():
        return archive
    if shutil.which("debootstrap") is None:
        raise RuntimeError(
            "no registry answers, and no debootstrap is there to make stand-ins (Debian: apt-get install debootstrap)"
        )
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lofty-ghl-debootstrap-") as made:
        root = Path(made) / "root"
        # Nobody needs this root after a power cut: without waiting for the disk it takes half the time.
        (root / "etc/dpkg/dpkg.cfg.d").mkdir(parents=True)
        (root / "etc/dpkg/dpkg.cfg.d/unsafe-io").write_text("force-unsafe-io\n", encoding="utf-8")
        include = ",".join(packages)
        run(
            ["debootstrap", "--variant=minbase", f"--include={include}", SUITE, str(root), mirror()],
            os.environ,
            MAKE_SECONDS,
        )
        for unused in UNUSED:
            run(["rm", "-rf", str(root / unused)], os.environ)
        incoming = archive.with_suffix(f".{os.getpid()}")
        run(["tar", "-C", str(root), "-cf", str(incoming), "."], os.environ, 120)
        incoming.rename(archive)
    return archive


def _make(image: str, environ: Mapping[str, str]) -> str:
    """Build one stand-in; returns what it says of itself."""
    recipe = RECIPES[image.split(":")[0]]
    with tempfile.TemporaryDirectory(prefix="lofty-ghl-stand-in-") as made:
        context = Path(made)
        for name in ("run.py", "grafana.py"):
            shutil.copy(FOLDER / name, context)
        shutil.copy(CERTIFICATES, context)
        (context / "pip.conf").write_text(pip_settings(), encoding="utf-8")
        if recipe == "kafka":
            shutil.copytree(kafka_jars(), context / "jars")
        dockerfile = FOLDER / f"{recipe}.Dockerfile"
        run(["docker", "build", "-q", "-t", image, "-f", str(dockerfile), str(context)], environ, seconds=120)
    label = '{{index .Config.Labels "stand-in"}}'
    return "stand-in: " + run(["docker", "image", "inspect", "-f", label, image], environ).strip()


def pip_settings() -> str:
    """Where this machine's pip looks for packages, for the pip in a build. Paths of this machine mean nothing there."""
    listed = run(["python3", "-m", "pip", "config", "list"], os.environ).splitlines()
    found = dict(
        re.findall(r"^(?:global|:env:)\.([a-z-]+)='(.*)'$", line)[0]
        for line in listed
        if re.match(r"^(?:global|:env:)\.[a-z-]+='", line)
    )
    kept = {
        name: value
        for name, value in found.items()
        if name in {"index-url", "extra-index-url", "trusted-host", "proxy", "timeout"}
    }
    return (
        "\n".join(["[global]", f"cert = {CERTIFICATES}", *(f"{name} = {value}" for name, value in kept.items())]) + "\n"
    )
