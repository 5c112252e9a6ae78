"""A gateway that has ended reads nothing any longer."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from streams.gateway import move_watch
from streams.gateway.status_report import StatusReport
from tests.deadlines import within


async def test_the_report_ends_after_the_watch_for_a_move_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the watch's consumer would still be open when the loop ends, and stay so."""
    reads, has_closed = asyncio.Event(), False

    async def read_move(_: Any) -> None:
        nonlocal has_closed
        reads.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _round in range(20):
                await asyncio.sleep(0)
            has_closed = True

    monkeypatch.setattr(move_watch, "read_move", read_move)
    settings: Any = SimpleNamespace(kafka=SimpleNamespace(topic_prefix=""))
    connections: Any = SimpleNamespace(file=settings, now=SimpleNamespace(settings=settings))
    nothing: Any = None
    report = StatusReport(connections, nothing, lambda: 0, "one", lambda: nothing)
    running = asyncio.create_task(report.run())
    await asyncio.wait_for(reads.wait(), within(60))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert has_closed
