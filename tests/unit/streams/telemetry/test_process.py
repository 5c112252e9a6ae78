"""A process whose appends fail for minutes although Kafka answers others ends; while Kafka is away it stays."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from types import SimpleNamespace

import pytest

from streams.kafka.producer import DeliveryTrouble
from streams.telemetry import process
from streams.telemetry.process import failing_seconds, keep_what_started, switch_threads_soon, watch_appends


@pytest.mark.parametrize(
    ("seconds", "answers", "ends"),
    [(None, True, False), (10.0, True, False), (400.0, False, False), (400.0, True, True)],
)
async def test_it_ends_only_where_a_new_process_may_do_better(
    monkeypatch: pytest.MonkeyPatch, seconds: float | None, answers: bool, ends: bool
) -> None:
    """A gateway that ended while Kafka is away could not even ask a vendor to retry."""
    producer = SimpleNamespace(trouble=None if seconds is None else DeliveryTrouble(seconds, "no answer"))
    ended: list[str] = []
    looks = 0

    async def reach(_: object) -> dict[str, int]:
        if not answers:
            raise ConnectionError("no answer")
        return {}

    async def sleep(_: float) -> None:
        nonlocal looks
        looks += 1
        if looks > 3:
            raise asyncio.CancelledError

    monkeypatch.setattr(process, "reach", reach)
    monkeypatch.setattr(process.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await watch_appends(None, producer, ended.append)  # type: ignore[arg-type]  # stand-ins

    assert bool(ended) == ends
    assert failing_seconds(producer) == (seconds or 0.0)  # type: ignore[arg-type]  # a stand-in


class Circle:
    """It refers to itself, so only a collection frees it."""

    def __init__(self) -> None:
        self.itself = self


def test_a_collection_passes_over_what_a_process_started_with_and_nothing_is_kept_for_ever() -> None:
    """A worker that another has replaced is freed when that one has started."""
    first, later = Circle(), Circle()
    freed = [weakref.ref(one) for one in (first, later)]
    try:
        keep_what_started()
        kept = gc.get_freeze_count()
        walked = len(gc.get_objects())
        del first, later
        keep_what_started()
        gone = [one() is None for one in freed]
    finally:
        gc.unfreeze()

    assert kept > 100 * walked
    assert gone == [True, True]


def test_a_thread_that_comes_back_from_the_system_gets_the_interpreter_within_a_millisecond() -> None:
    """Kafka is read in a thread that calls the system again and again, beside one that is busy with Python."""
    before = sys.getswitchinterval()
    try:
        switch_threads_soon()
        assert sys.getswitchinterval() < 0.001
    finally:
        sys.setswitchinterval(before)
