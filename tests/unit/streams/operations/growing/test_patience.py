"""A broker that does not answer for a while ends no move."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.errors import GroupAuthorizationFailedError, KafkaConnectionError, KafkaError, KafkaTimeoutError

from streams.kafka.batching_producer import NotWritten
from streams.operations.growing import grow
from streams.operations.growing.grow import Growing


class Flaky(Growing):
    """Fails with these errors, then succeeds."""

    errors: list[KafkaError]

    async def _go_on(self) -> Any:
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grow, "RETRY_SECONDS", 0.0)


def flaky(*errors: KafkaError) -> Flaky:
    """A move that meets these errors, one after another."""
    made = Flaky(cast("Any", None), 8)
    made.errors = list(errors)
    return made


async def test_it_goes_on_once_kafka_answers() -> None:
    """And says why it waits."""
    said: list[str] = []
    moving = flaky(KafkaTimeoutError("late"), KafkaTimeoutError("late"))
    moving.say = said.append

    assert cast("Any", await moving.run()) == "done"
    assert len(said) == 2
    assert "late" in said[0]


@pytest.mark.parametrize("error", [GroupAuthorizationFailedError("no"), NotWritten("t", "why", in_doubt=True)])
async def test_what_no_waiting_mends_is_raised_at_once(error: KafkaError) -> None:
    """A missing right, and a record that was not written: the next run decides from what the copy has."""
    with pytest.raises(type(error)):
        await flaky(error).run()


async def test_it_gives_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka is away for longer than it has patience, however quickly each try fails."""
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr(grow, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    moving = flaky(*[KafkaConnectionError("refused")] * 100)
    with pytest.raises(KafkaConnectionError):
        await moving.run()

    waited = 20 * (100 - len(moving.errors))  # each try asks the clock twice
    assert grow.PATIENCE_SECONDS < waited < 2 * grow.PATIENCE_SECONDS


async def test_a_try_that_went_well_for_long_begins_the_patience_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker may restart several times while millions of records are copied."""
    clock = iter(range(0, 10**6, 100))
    monkeypatch.setattr(grow, "time", SimpleNamespace(monotonic=lambda: next(clock)))

    assert cast("Any", await flaky(*[KafkaTimeoutError("late")] * 50).run()) == "done"
