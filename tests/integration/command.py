"""Commands as a user runs them, on the stage's configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tests.integration.stage import ENVIRON, Stage
from tests.zygote import PIPE, run_module


async def command(
    name: str, config: Path, *arguments: str, hurries: bool = False, environ: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """Run a command; returns its exit code, what it printed and what it complained of. `hurry.py` says who `hurries`.

    `environ` has the credentials of another configuration than the stage's.
    """
    words = (*name.split(), "--config", str(config), *arguments)
    first = "tests.integration.hurry" if hurries else ""
    whole = {**os.environ, **(ENVIRON if environ is None else environ)}
    started = await run_module("streams.cli", *words, stdout=PIPE, stderr=PIPE, env=whole, first=first)
    out, complaint = await started.communicate()
    return started.returncode or 0, out.decode(), complaint.decode()


def config_of(on: Stage, tmp_path: Path) -> Path:
    """The stage's configuration as a file."""
    path = tmp_path / "lofty-ghl.toml"
    path.write_text(on.config)
    return path
