"""What ties a worker process to its supervisor: a pipe, whose other end the supervisor holds.

The supervisor writes one byte to ask for an orderly stop. A second one asks for nothing more, unlike a second signal, so it does no
harm where systemd has sent SIGTERM to every process already. When the pipe closes the supervisor is gone, however it ended, and this
process ends at once, as by SIGKILL: whoever starts the supervisor again must not find workers of the former one.

A thread reads the pipe, so an event loop that is stuck keeps nothing alive.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from functools import partial

from streams.telemetry.process import EXIT_CODE

log = logging.getLogger("lofty_ghl.processes")


def _end() -> None:
    log.critical("the supervisor is gone: this process ends, and its unfinished work is done again by the next")
    os._exit(EXIT_CODE)


class ParentLink:
    """Reads the pipe from its construction on; `bind` says who is asked to stop."""

    def __init__(self, pipe: int, end: Callable[[], None] = _end) -> None:
        self._pipe = pipe
        self._end = end
        self._lock = threading.Lock()
        self._is_asked = False
        self._ask: Callable[[], object] | None = None
        threading.Thread(target=self._read, name="supervisor's pipe", daemon=True).start()

    def bind(self, stop: asyncio.Event) -> None:
        """Set this event when the supervisor asks to stop, or at once where it has asked already."""
        loop = asyncio.get_running_loop()
        with self._lock:
            self._ask = partial(loop.call_soon_threadsafe, stop.set)
            if self._is_asked:
                stop.set()

    def _read(self) -> None:
        while os.read(self._pipe, 1):
            with self._lock:
                self._is_asked = True
                ask = self._ask
            if ask is not None:
                ask()
        self._end()
