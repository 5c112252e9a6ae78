"""Writes a file that is there once it is whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that is written beside `path`, and takes its place once it is whole: half a file would be read as if it were all.

    A new one is its owner's alone; one that is replaced keeps its mode and owner. Raises `OSError`, and then nothing has changed.
    """
    from tempfile import NamedTemporaryFile

    place = path.resolve()
    with NamedTemporaryFile(dir=place.parent, prefix=f".{place.name}.", delete=False) as file:
        part = Path(file.name)
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if place.exists():
                before = place.stat()
                part.chmod(before.st_mode)
                with suppress(PermissionError):
                    os.chown(part, before.st_uid, before.st_gid)
            part.rename(place)
        finally:
            part.unlink(missing_ok=True)
