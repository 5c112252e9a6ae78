"""Runs commands, with their words when they fail."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.deadlines import within

T = TypeVar("T")


@contextmanager
def step(what: str) -> Iterator[None]:
    """Tell what goes on, past pytest's capture, and how long it took."""
    began = time.monotonic()
    try:
        yield
    finally:
        print(f"  {time.monotonic() - began:6.1f} s  {what}", file=sys.__stderr__, flush=True)


def run(argv: Sequence[str], environ: Mapping[str, str], seconds: float = 60.0, cwd: Path | None = None) -> str:
    """What a command writes to its standard output. Raises RuntimeError with the end of both outputs."""
    code, output, errors = attempt(argv, environ, seconds, cwd)
    if code != 0:
        raise RuntimeError(f"{' '.join(argv)} ended with {code}:\n{output[-3000:]}\n{errors[-3000:]}")
    return output


def attempt(
    argv: Sequence[str], environ: Mapping[str, str], seconds: float = 60.0, cwd: Path | None = None
) -> tuple[int, str, str]:
    """Exit code, standard output and standard error. Raises RuntimeError when it does not end in time."""
    try:
        done = subprocess.run(
            argv,
            env=dict(environ),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=within(seconds),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        said = "".join(
            one.decode(errors="replace") if isinstance(one, bytes) else one or ""
            for one in (error.stdout, error.stderr)
        )
        raise RuntimeError(f"{' '.join(argv)} did not end within {within(seconds):.0f} s:\n{said[-3000:]}") from error
    return done.returncode, done.stdout, done.stderr


def works(argv: Sequence[str], environ: Mapping[str, str], seconds: float = 60.0) -> bool:
    """Whether a command ends well."""
    try:
        return attempt(argv, environ, seconds)[0] == 0
    except RuntimeError:
        return False


def until(claim: Callable[[], T | None], seconds: float, what: str, state: Callable[[], str] = lambda: "") -> T:
    """The first answer that is not None or False. Raises TimeoutError that says what was waited for, and how things are."""
    deadline = time.monotonic() + within(seconds)
    while True:
        found = claim()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within(seconds):.0f} s: {what}\n{state()}")
        time.sleep(0.5)
