"""What a supervisor does with its workers, one after another."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from streams.settings import Settings, parse_settings
from streams.worker import supervisor as supervisors
from streams.worker.dependencies import Dependencies
from streams.worker.supervisor import Supervisor

FILE = """
[kafka]
topic_prefix = "{prefix}"
[connections.acme]
lofty = {{ team_id = "1" }}
ghl = {{ location_id = "loc1" }}
"""


class Versions:
    """The settings that are in force; `edit` gives others."""

    def __init__(self) -> None:
        self.revision = 0
        self._now = parse_settings(FILE.format(prefix="first."))
        self._edited = asyncio.Event()

    def settings(self) -> Settings:
        """Those in force."""
        return self._now

    async def changed_since(self, revision: int) -> int:
        """Wait for others."""
        while self.revision == revision:
            await self._edited.wait()
            self._edited.clear()
        return self.revision

    def edit(self) -> None:
        """Other settings, which a running worker cannot take over."""
        self._now, self.revision = parse_settings(FILE.format(prefix="second.")), self.revision + 1
        self._edited.set()

    async def read_to_now(self) -> Settings:
        """Nobody asks for them here."""
        return self._now


async def test_what_each_worker_started_with_is_kept_out_of_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Again after each start: the worker before is garbage then."""
    began: list[str] = []
    starts = asyncio.Queue[int]()

    class Worker:
        def __init__(self, settings: Settings, _deps: Dependencies) -> None:
            self._prefix = settings.kafka.topic_prefix

        async def __aenter__(self) -> Any:
            began.append(self._prefix)
            return SimpleNamespace(
                wait=asyncio.Event().wait,
                take_over_failed=asyncio.Event().wait,
                take_over=lambda _: None,
                is_ready=True,
            )

        async def __aexit__(self, *_: object) -> None:
            return None

    versions, stop = Versions(), asyncio.Event()
    monkeypatch.setattr(supervisors, "keep_what_started", lambda: starts.put_nowait(len(began)))
    supervisor = Supervisor(
        versions,  # type: ignore[arg-type]  # it asks for settings, whatever their source
        Dependencies(),
        new_worker=Worker,  # type: ignore[arg-type]  # a worker that only starts
        keeps_what_started=True,
    )
    running = asyncio.create_task(supervisor.run(stop))
    first = await starts.get()
    versions.edit()
    second = await starts.get()
    stop.set()
    await running

    assert (first, second) == (1, 2)
    assert began == ["first.", "second."]
