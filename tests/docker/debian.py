"""Where this machine's apt fetches Debian's packages from: whatever else is fetched of Debian comes from there."""

from __future__ import annotations

import functools
import os

from tests.docker.shell import run

LIST = ("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Component: main")


@functools.cache
def mirror() -> str:
    """The address of the archive itself, not of its security updates. Raises RuntimeError when apt has none."""
    found = [line.rstrip("/") for line in run(LIST, os.environ).splitlines()]
    archives = [uri for uri in found if "security" not in uri]
    if not archives:
        raise RuntimeError(f"apt names no archive of Debian's packages ({' '.join(LIST)}: {found})")
    return archives[0]
