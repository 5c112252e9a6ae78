"""Prints the part of requirements.lock that the named packages need, hashes included: what the image installs.

    python deploy/runtime_lock.py requirements.lock --extra tracing

Comments of the lock say which package needs which (`# via`). This script follows them from the packages that `pyproject.toml` beside it lists.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

_START = re.compile(r"^([a-z0-9][a-z0-9._-]*)==", re.MULTILINE)
_VIA = re.compile(r"^    #(?: via)?\s+([a-z0-9][a-z0-9._-]*)(?: \(.*\))?$", re.MULTILINE)


def entries(lock: str) -> dict[str, str]:
    """Each package of a lock with its whole entry."""
    starts = list(_START.finditer(lock))
    ends = [start.start() for start in starts[1:]] + [len(lock)]
    return {start[1]: lock[start.start() : end] for start, end in zip(starts, ends, strict=True)}


def needed(found: Mapping[str, str], roots: Iterable[str]) -> set[str]:
    """The roots and everything that they need. Raises KeyError for a root that the lock does not have."""
    wanted = set(roots)
    if missing := wanted - found.keys():
        raise KeyError(f"not in the lock: {', '.join(sorted(missing))}")
    parents = {name: set(_VIA.findall(text)) for name, text in found.items()}
    while more := {name for name, via in parents.items() if via & wanted} - wanted:
        wanted |= more
    return wanted


def roots_of(project: Mapping[str, object], extras: Iterable[str]) -> list[str]:
    """The names that a `[project]` table depends on, without and with extras."""
    optional = project["optional-dependencies"]
    assert isinstance(optional, dict)
    lists = [project["dependencies"], *(optional[extra] for extra in extras)]
    return [_name(requirement) for requirements in lists for requirement in requirements]  # type: ignore[attr-defined]  # lists of texts, as TOML has them


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None, requirement
    return re.sub(r"[._-]+", "-", found[0]).lower()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("lock", type=Path)
    parser.add_argument("--extra", action="append", default=[])
    parser.add_argument("--only", action="append", default=[], help="these packages instead of the project's")
    arguments = parser.parse_args()
    found = entries(arguments.lock.read_text(encoding="utf-8"))
    project = tomllib.loads((arguments.lock.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = needed(found, arguments.only or roots_of(project, arguments.extra))
    print("".join(text for name, text in found.items() if name in wanted), end="")


if __name__ == "__main__":
    main()
