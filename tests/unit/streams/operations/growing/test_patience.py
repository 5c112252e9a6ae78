"""A broker that does not answer for a while ends no move."""

from __future__ import annotations

from typing import Any, cast

import pytest
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, KafkaTimeoutError

from streams.kafka.batching_producer import NotWritten
from streams.operations.growing import grow
from streams.operations.growing.grow import ATTEMPTS, Growing


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


async def test_it_gives_up_in_the_end() -> None:
    """Kafka is away for longer."""
    with pytest.raises(KafkaTimeoutError):
        await flaky(*[KafkaTimeoutError("late")] * ATTEMPTS).run()
