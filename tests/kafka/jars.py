"""Kafka's jars: resolved by Maven once, then kept in `.cache/kafka-<version>/`."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from tests.deadlines import within

POM = Path(__file__).with_name("pom.xml")
CACHE = Path(__file__).resolve().parents[2] / ".cache"
RESOLVE_SECONDS = within(600)


def kafka_version() -> str:
    """The version that `pom.xml` asks for."""
    found = ET.parse(POM).findtext("{*}properties/{*}kafka.version")
    if found is None:
        raise ValueError(f"{POM}: expected <properties><kafka.version>, found none")
    return found


def why_unavailable() -> str | None:
    """What is missing to run Kafka here, or None when nothing is."""
    if shutil.which("java") is None:
        return "no `java` on the PATH (Debian: apt-get install openjdk-17-jre-headless)"
    if not _directory().is_dir() and shutil.which("mvn") is None:
        return "no `mvn` on the PATH to resolve Kafka's jars (Debian: apt-get install maven)"
    return None


def kafka_jars() -> Path:
    """The directory that holds Kafka's jars; the first call of a version downloads them (about 100 MB).

    Raises RuntimeError with Maven's words when they cannot be resolved.
    """
    directory = _directory()
    if directory.is_dir():
        return directory
    CACHE.mkdir(exist_ok=True)
    incoming = Path(tempfile.mkdtemp(prefix="kafka-incoming-", dir=CACHE))
    try:
        done = subprocess.run(
            ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={incoming}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RESOLVE_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"Maven could not resolve Kafka {kafka_version()}:\n{done.stdout[-2000:]}")
        incoming.chmod(0o755)
        try:
            os.rename(incoming, directory)
        except OSError:  # somebody else was faster: theirs is as good
            if not directory.is_dir():
                raise
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    return directory


def _directory() -> Path:
    return CACHE / f"kafka-{kafka_version()}"
