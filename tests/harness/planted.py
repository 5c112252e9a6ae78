"""Runs pytest, with the project's own settings of it, on files that misbehave on purpose."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.deadlines import VARIABLE, within

PROJECT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 2
OPTIONS = (
    *("-o", f"timeout={LIMIT_SECONDS}"),
    *("-o", "stuck_again_seconds=1"),
    *("-o", "stuck_end_seconds=4"),
    *("-o", f"collection_seconds={LIMIT_SECONDS}"),
)
RESULT = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED) (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Run:
    """How a run of pytest ended, and what it printed."""

    code: int
    text: str

    def names(self, result: str) -> set[str]:
        """The tests that PASSED, FAILED …, without their folder."""
        return {name.rsplit("/", 1)[-1] for found, name in RESULT.findall(self.text) if found == result}


def run(folder: Path, files: Mapping[str, str], *arguments: str, environ: Mapping[str, str] | None = None) -> Run:
    """Write the files and have pytest run them, with time limits of seconds."""
    for name, text in files.items():
        (folder / name).write_text(text)
    options = (
        "-p",
        "no:cacheprovider",
        "-rA",
        "-c",
        str(PROJECT / "pyproject.toml"),
        "--rootdir",
        str(folder),
        *OPTIONS,
    )
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_") and name != VARIABLE
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *arguments, str(folder)],
        cwd=PROJECT,
        env={**inherited, **(environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=within(120),
        check=False,
    )
    return Run(done.returncode, done.stdout)
