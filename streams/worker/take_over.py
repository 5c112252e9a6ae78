"""Brings a running worker to newer settings, one connection at a time; the others go on meanwhile.

Each connection that differs has a task of its own, so one whose requests end late delays no other. Settings that come meanwhile
are those that the task goes on to.

A connection that begins reads its GHL location first, some thirty requests. Two hundred at once would take this process's whole
time for some seconds, in which the leads of all others wait: they begin one after another, in the order of the settings
(`AT_ONCE`, `PACE_SECONDS`).
One whose change is there already does not wait, and neither does one that is paused or removed.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress

from streams.core.renamed import ConnectionRenamed
from streams.settings import Connection, Settings
from streams.worker.connections import LiveConnections, is_same

log = logging.getLogger("lofty_ghl.worker")


AT_ONCE = 2
"""So many connections begin at once."""
PACE_SECONDS = 0.2
"""Then one in so many seconds: two hundred in forty."""


class TakeOverEnded(Exception):
    """A connection cannot be taken over by this worker, which is replaced, or stops."""


Replace = Callable[[str, Connection | None], Awaitable[None]]
"""Replaces a connection of a running worker; None: it is no longer served."""


class TakeOver:
    """`in_force` are the newest settings of which everything is in force here; `report` is called with those and the newest."""

    def __init__(
        self,
        settings: Settings,
        connections: LiveConnections,
        replace: Replace,
        report: Callable[[Settings, Settings], None],
    ) -> None:
        self.in_force = settings
        self.wanted = settings
        self._connections = connections
        self._replace = replace
        self._report = report
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._refused: dict[str, tuple[Connection | None, str]] = {}
        """Connections that nobody may begin as they are, with the words."""
        self._next_turn = -math.inf
        self._turns: dict[str, asyncio.Event] = {}
        """The turns that connections wait for; those of connections that somebody waits for are set."""
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def begin(self, settings: Settings) -> None:
        """Take these settings over. Only their connections may differ from those before (`needs_restart`)."""
        self.wanted = settings
        for name, turn in self._turns.items():
            if not self._is_read(name):
                turn.set()
        for name in (*settings.connections, *(name for name in self._connections if name not in settings.connections)):
            if name not in self._tasks and not self._is_in_force(name):
                self._tasks[name] = asyncio.create_task(self._bring(name), name=f"take over {name}")
        self._note()

    async def bring(self, settings: Settings, names: Collection[str]) -> None:
        """Take these settings over, and return once these connections are. Raises `TakeOverEnded` when they cannot be."""
        if needs_restart(self.wanted, settings):
            raise TakeOverEnded
        for name in names:
            self._turns.setdefault(name, asyncio.Event()).set()
        self.begin(settings)
        if tasks := [task for name in names if (task := self._tasks.get(name)) is not None]:
            await asyncio.wait(tasks)
        for name in names:
            self._turns.pop(name, None)
        if any(name in self._tasks and self._tasks[name].done() for name in names):
            raise TakeOverEnded

    async def failed(self) -> None:
        """Return when a connection could not be taken over: only another worker can do so."""
        await asyncio.shield(self._failure)

    async def aclose(self) -> None:
        """End what is under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _bring(self, name: str) -> None:
        try:
            await self._wait_for_turn(name)
            while not self._is_in_force(name):
                wanted = self.wanted.connections.get(name)
                try:
                    await self._replace(name, wanted)
                except ConnectionRenamed as error:
                    log.error("%s. The connection is left out until then", error)
                    self._refused[name] = (wanted, str(error))
                else:
                    log.info("connection %s: %s", name, "no longer served" if wanted is None else "taken over")
        except Exception:  # whatever it is: its connection may be half replaced
            log.exception("connection %s cannot be taken over while the worker runs", name)
            if not self._failure.done():
                self._failure.set_result(None)
        else:
            del self._tasks[name]
            self._note()

    async def _wait_for_turn(self, name: str) -> None:
        """Return when a connection may begin: at once where nothing of it is read, or somebody waits for it."""
        if not self._is_read(name):
            return
        now = asyncio.get_running_loop().time()
        self._next_turn = max(self._next_turn, now - AT_ONCE * PACE_SECONDS) + PACE_SECONDS
        if self._next_turn <= now:
            return
        turn = self._turns.setdefault(name, asyncio.Event())
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._next_turn):
                await turn.wait()
        self._turns.pop(name, None)

    def _is_read(self, name: str) -> bool:
        """Whether its location is read when it begins."""
        wanted = self.wanted.connections.get(name)
        return wanted is not None and "to_ghl" not in wanted.paused

    def _is_in_force(self, name: str) -> bool:
        wanted = self.wanted.connections.get(name)
        refused, _ = self._refused.get(name, (None, ""))
        return is_same(self._connections.get(name), wanted) or (refused is not None and is_same(refused, wanted))

    def _note(self) -> None:
        if not self._tasks:
            self.in_force = self.wanted
        refused = {
            name: words for name, (of, words) in self._refused.items() if is_same(of, self.wanted.connections.get(name))
        }
        trouble = {**self.wanted.connection_trouble, **refused}
        self._report(
            self.in_force, self.wanted.model_copy(update={"connection_trouble": trouble}) if refused else self.wanted
        )


def needs_restart(running: Settings, wanted: Settings) -> bool:
    """Whether something else than connections and mappings differs, which a running worker cannot take over."""
    live = {"connections", "connection_trouble", "mapping_version", "mapping_trouble", "origin"}
    return any(
        getattr(running, name) != getattr(wanted, name) for name in type(running).model_fields if name not in live
    )
