"""Dry runs that a page has begun and looks at: kept by this gateway alone, since they change nothing and take seconds."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from streams.console.auth.scope import is_visible
from streams.console.errors import ConsoleError, TooMany
from streams.console.services.dry_run import DryRunState
from streams.messages import Selection

log = logging.getLogger("lofty_ghl.console")

KEPT = 20


@dataclass(slots=True)
class Dry:
    """One dry run: under way until `found` or `problem` is there."""

    id: str
    selection: Selection
    found: DryRunState | None = None
    problem: str = ""


class DryRuns:
    """The newest twenty."""

    def __init__(self, dry_run: Callable[[Selection], Awaitable[DryRunState]]) -> None:
        self._dry_run = dry_run
        self._known: dict[str, Dry] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def get(self, dry_id: str) -> Dry | None:
        """One of them, if whoever asks may see it."""
        found = self._known.get(dry_id)
        return found if found is not None and is_visible(found.selection.connection) else None

    def start(self, selection: Selection) -> Dry:
        """Begin one. Raises `TooMany` while another is under way here."""
        if self._tasks:
            raise TooMany("Somebody else looks at what would change: wait until that has ended.", 5.0)
        made = Dry(uuid.uuid4().hex[:8], selection)
        self._known[made.id] = made
        for old in list(self._known)[:-KEPT]:
            del self._known[old]
        task = asyncio.create_task(self._run(made))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return made

    async def _run(self, made: Dry) -> None:
        try:
            made.found = await self._dry_run(made.selection)
        except ConsoleError as error:
            made.problem = error.words
        except Exception:
            log.exception("a dry run failed")
            made.problem = "It failed; the gateway's log says why."
