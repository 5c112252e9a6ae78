"""When new connections are subscribed at Lofty: one after another, the newest first, and who could not be waits behind the others."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.errors import Unanswered
from streams.console.services import connection_edits
from streams.console.services.connection_edits import (
    LOOK_SECONDS,
    RETRY_SECONDS,
    SUBSCRIBED_AT_A_LOOK,
    ConnectionEdits,
)
from streams.mapping_versions.connection_log import ConnectionLog
from streams.messages.connection_edit import ConnectionEdit

NOW_MS = time.time_ns() // 1_000_000


class Deployment:
    """Connections that are added, all of them served, and Lofty, which notes who is subscribed and when."""

    def __init__(self) -> None:
        self.log = ConnectionLog()
        self.failing: set[str] = set()
        self.at: dict[str, float] = {}
        self.attempts = Counter[str]()
        self._began = asyncio.get_running_loop().time()
        self.edits = ConnectionEdits(
            self._versions,
            audit=None,  # type: ignore[arg-type]  # nobody acts here
            served=self._served,
            check_mapping=self._allow,
            now_ms=lambda: NOW_MS,
        )

    def add(self, *names: str, at_ms: int = NOW_MS) -> None:
        """They were saved at that time, by this gateway."""
        for name in names:
            edit = ConnectionEdit(id=name, connection=name, based_on=0, kind="set", label=name, at_ms=at_ms, by="ann")
            assert self.log.add(edit)
        self.edits.take_up(names)

    async def subscribe(self, _settings: object, connection: Any) -> None:
        """In place of the requests to Lofty."""
        self.attempts[connection.name] += 1
        if connection.name in self.failing:
            raise Unanswered("GET", "https://lofty.test", "dropped")
        self.at[connection.name] = asyncio.get_running_loop().time() - self._began

    async def _versions(self) -> Any:
        found = {name: SimpleNamespace(name=name) for name in self.log.versions}
        return SimpleNamespace(
            connection_log=self.log,
            in_force=SimpleNamespace(incomplete={}),
            settings=lambda: SimpleNamespace(connections=found),
        )

    async def _served(self) -> Collection[str]:
        return self.log.versions

    async def _allow(self, _mapping: str) -> None:
        return None


@asynccontextmanager
async def running(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Deployment]:
    """Its background work is on."""
    on = Deployment()
    monkeypatch.setattr(connection_edits, "subscribe", on.subscribe)
    await on.edits.start()
    try:
        yield on
    finally:
        await on.edits.stop()


@pytest.mark.usefixtures("virtual_time")
async def test_two_hundred_are_subscribed_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once they take the machine's time, and then the first leads of all come together: other connections' leads wait."""
    async with running(monkeypatch) as on:
        on.add(*(f"agency-{number:03d}" for number in range(200)))
        await asyncio.sleep(25)
        times = sorted(on.at.values())

    assert len(times) == 200
    assert min(later - at for at, later in pairwise(times)) >= LOOK_SECONDS / SUBSCRIBED_AT_A_LOOK - 0.001


@pytest.mark.usefixtures("virtual_time")
async def test_who_adds_one_meanwhile_does_not_wait_for_two_hundred(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest go first."""
    async with running(monkeypatch) as on:
        on.add(*(f"agency-{number:03d}" for number in range(200)))
        await asyncio.sleep(1)
        on.add("urgent", at_ms=NOW_MS + 1000)
        await asyncio.sleep(45)

    assert on.at["urgent"] - 1 <= RETRY_SECONDS
    assert len(on.at) == 201


@pytest.mark.usefixtures("virtual_time")
async def test_those_that_cannot_be_subscribed_keep_nobody_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than fit into one look, and all of them newer. They are tried again."""
    async with running(monkeypatch) as on:
        on.failing = {f"failing-{number:03d}" for number in range(60)}
        on.add(*sorted(on.failing), at_ms=NOW_MS + 1000)
        on.add("well")
        await asyncio.sleep(60)
        tried = min(on.attempts[name] for name in on.failing)
        on.failing = set()
        await asyncio.sleep(60)

    assert on.at["well"] < 15
    assert tried > 1
    assert len(on.at) == 61
