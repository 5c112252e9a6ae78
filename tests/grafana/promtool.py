"""Prometheus' own checker. Where it is not installed, a test is skipped with that reason; in CI that is a failure."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deadlines import within


def promtool(*arguments: str, cwd: Path | None = None) -> str:
    """Run it and return its output. A failed check fails the test with that output."""
    return _run("promtool", "prometheus", arguments, cwd)


def amtool(*arguments: str) -> str:
    """The same for Alertmanager."""
    return _run("amtool", "prometheus-alertmanager", arguments, None)


def _run(name: str, package: str, arguments: tuple[str, ...], cwd: Path | None) -> str:
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"there is no `{name}` in PATH: install Debian's package `{package}`")
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=within(300), cwd=cwd, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said
