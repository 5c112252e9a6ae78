"""Stores the content of a sandbox in a file, so that it survives a restart. The same for both vendors.

The pipeline remembers what it wrote to a vendor: a sandbox that restarts empty looks like a vendor that lost its data.
The file is a pickle, for this project's own use: never load one from elsewhere. It is written whole, beside the old one, and
then takes its place, so that a kill leaves one or the other; a kill forgets at most the last `SAVE_SECONDS`.
"""

from __future__ import annotations

import asyncio
import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

SAVE_SECONDS = 2.0
FORMAT = 2
"""Raised when an older file can be read no more although its classes can."""


class Remembering(Protocol):
    """A sandbox whose content can be stored and restored."""

    def memory(self) -> Mapping[str, Any]:
        """What outlives a restart; it can be pickled."""
        ...

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Restore the content of an earlier sandbox. Settings are the new one's."""
        ...


class UnreadableState(Exception):
    """The file is no state of this version's sandbox. Its text says which file, why, and what to do."""


class StateFile:
    """One sandbox's file. It need not exist yet."""

    def __init__(self, path: Path, sandbox: Remembering) -> None:
        self._path = path
        self._sandbox = sandbox
        self._written = b""

    def load(self) -> bool:
        """Restore what the file holds; False when there is none. Raises `UnreadableState`, or OSError."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return False
        try:
            kind, form, memory = pickle.loads(content)
            if (kind, form) != (type(self._sandbox).__name__, FORMAT):
                raise ValueError(f"it is of {kind}, format {form}")
            self._sandbox.remember(memory)
        except Exception as error:  # whatever an old or broken pickle raises
            raise UnreadableState(
                f"{self._path} holds no state that this version can read ({type(error).__name__}: {error}). "
                "Remove it, and start again without the data of everything that used the sandbox: "
                "`docker compose --profile demo down -v`"
            ) from error
        self._written = content
        return True

    def save(self) -> None:
        """Write what is held now, if anything changed. Raises OSError."""
        content = pickle.dumps((type(self._sandbox).__name__, FORMAT, self._sandbox.memory()))
        if content == self._written:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_name(self._path.name + ".new")
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self._path)
        self._written = content

    async def save_until_cancelled(self, complain: Callable[[str], None]) -> None:
        """Write every `SAVE_SECONDS`. A full disk is reported, and the write is retried."""
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            try:
                self.save()
            except OSError as error:
                complain(f"{self._path} cannot be written: {error.strerror}")
