"""What guards the opening of a local store: RocksDB reads some damaged logs without an end (its issue 13333), and keeps the interpreter.

No thread of Python runs then, so a timer without Python ends the process. It leaves a mark, and the next start sets that store aside.
"""

from __future__ import annotations

import faulthandler
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

OPENING_SECONDS = 60.0
"""A store holds at most some tens of megabytes that are not sorted yet: seconds on a slow disk."""

Opening = Callable[[Path], AbstractContextManager[None]]
"""Guards what is done inside. The path is where a mark is left if that never ends."""


@contextmanager
def unguarded(_mark: Path) -> Iterator[None]:
    """For whoever shares its process, such as commands and tests: somebody sees that it hangs."""
    yield


@contextmanager
def guarded(mark: Path, seconds: float = OPENING_SECONDS) -> Iterator[None]:
    """End the process when what is inside has not ended in time. The process has one timer: whoever else uses it must set it after this."""
    with mark.open("wb") as file:
        faulthandler.dump_traceback_later(seconds, exit=True, file=file)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
    mark.unlink()


def never_ended(mark: Path) -> bool:
    """Whether what was done inside never ended. A process that was killed meanwhile leaves an empty mark, which says nothing."""
    return mark.exists() and mark.stat().st_size > 0
