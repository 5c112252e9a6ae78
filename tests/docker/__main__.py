"""`python -m tests.docker`: runs the checks of this package on the engine that answers, or else on one of our own."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.deadlines import within
from tests.docker.private_engine import (
    await_network,
    enclosed,
    end_with_parent,
    engine,
    remove_control_groups,
    why_not_here,
)
from tests.kafka.container import engine_answers

SECONDS = 600.0
INSIDE = "LOFTY_GHL_DOCKER_CHECK_FOLDER"
HERE = Path(__file__).resolve().parent


def main() -> int:
    """Returns the exit code: 0 also where it is skipped, but not with CI=true."""
    folder = os.environ.get(INSIDE)
    if folder is not None:
        return _in_there(Path(folder))
    began = time.monotonic()
    if engine_answers():
        print("docker-check: on the Docker engine that answers here")
        return _run_checks()
    if (why := why_not_here()) is not None:
        print(f"docker-check: SKIPPED: no Docker engine answers, and none can be started: {why}", file=sys.stderr)
        return 1 if os.environ.get("CI", "").lower() in {"1", "true"} else 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="lofty-ghl-docker-", ignore_cleanup_errors=True) as made:
        print(f"docker-check: on a Docker engine of its own, in {made}", flush=True)
        (Path(made) / "tmp").mkdir()
        environ = {**os.environ, INSIDE: made, "TMPDIR": f"{made}/tmp"}  # what a kill leaves goes with the folder
        try:
            code = enclosed([sys.executable, "-m", "tests.docker", *sys.argv[1:]], environ, within(SECONDS))
        finally:
            remove_control_groups(Path(made))
        if code != 0 and (log := Path(made) / "dockerd.log").exists():
            print(f"the end of the engine's log:\n{log.read_text(errors='replace')[-2000:]}", file=sys.stderr)
    print(f"docker-check: {time.monotonic() - began:.0f} s, and nothing of it is left: {_left(made)}")
    return code


def _in_there(folder: Path) -> int:
    end_with_parent()
    await_network()
    with engine(folder) as address:
        os.environ["DOCKER_HOST"] = address
        return _run_checks()


def _run_checks() -> int:
    files = sorted(map(str, HERE.glob("check_*.py")))
    options = [
        "-v",
        "-p",
        "no:cacheprovider",
        "-o",
        "python_files=check_*.py",
        "-o",
        "timeout=0",
        "--durations=8",
        "--capture=sys",
    ]
    return int(pytest.main([*options, *(sys.argv[1:] or files)]))


def _left(folder: str) -> str:
    """What can be seen from outside; it is an error if it is there."""
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
    groups = [*Path("/sys/fs/cgroup").glob(f"*/{Path(folder).name}")]
    if folder in mounts or Path(folder).exists() or groups:
        raise SystemExit(f"docker-check: {folder} is still there or mounted, or has control groups: {groups}")
    return "no process, mount, network, control group or folder"


if __name__ == "__main__":
    sys.exit(main())
