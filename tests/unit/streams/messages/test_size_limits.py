"""The limits agree with each other, from the largest body to the topics' `max.message.bytes`, for every setting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.batching_producer import Record
from streams.kafka.parking import Parking
from streams.kafka.producer import MAX_BATCH_BYTES
from streams.messages import Parked
from streams.messages.size_limits import KAFKA_BYTES, NAME_CHARACTERS, SHORTENED_BYTES, TEXT_CHARACTERS, SizeLimits
from streams.messages.topics import MAX_MESSAGE_BYTES, TopicNames
from streams.settings.model import GatewaySettings

NASTY = ("\x01", '"', "\u2028", "ä", "😀", "\\")
"""Signs that take more bytes in JSON than in a text."""


def parked(size: int, sign: str = "x") -> Parked:
    """With every text as long as somebody may make it."""
    return Parked(
        stage="ghl intake",
        reason="unknown shape",
        message=sign * TEXT_CHARACTERS * 3,
        at_ms=2**53,
        source=sign * NAME_CHARACTERS * 3,
        entity=sign * NAME_CHARACTERS * 3,
        connection=sign * NAME_CHARACTERS * 3,
        trace_id=sign * NAME_CHARACTERS * 3,
        original=Parked.encode(b"\xff" * size),
    )


def weight(record: Record) -> int:
    """What Kafka sees."""
    return record.size


@given(body=st.integers(1024, 4_000_000), sign=st.sampled_from(NASTY))
def test_the_largest_body_fits_when_it_is_parked_whole(body: int, sign: str) -> None:
    """Its Base64, and all other fields."""
    limits = SizeLimits.of(body)
    record = Parking(TopicNames(), 4, limits=limits).record(parked(body, sign))
    kept = Parked.from_bytes(record.value)

    assert kept.original_size is None
    assert len(kept.original_bytes()) == body
    assert weight(record) <= limits.record


@pytest.mark.parametrize("size", [0, 1, 1_048_576, 1_048_577, 1_200_000, 5_000_000])
def test_a_parked_record_always_fits_and_tells_the_size_of_what_was_cut_off(size: int) -> None:
    """Parking itself can never fail for size."""
    limits = SizeLimits.of(1_048_576)
    record = Parking(TopicNames(), 4, limits=limits).record(parked(size))
    kept = Parked.from_bytes(record.value)

    assert weight(record) <= limits.record
    assert (kept.original_size or len(kept.original_bytes())) == size
    assert (kept.original_size is None) == (size <= limits.original)


def test_topics_batches_and_rows_follow_from_the_one_setting() -> None:
    """With the default, and with what a deployment may set."""
    for body in (GatewaySettings().max_body_bytes, 1024, 200_000, 8_000_000):
        limits = SizeLimits.of(body)
        specs = TopicNames().specs(limits.record)
        assert {config[MAX_MESSAGE_BYTES] for config in specs.values()} == {str(limits.record)}
        assert limits.record >= KAFKA_BYTES > MAX_BATCH_BYTES
        # Also on topics that were made before: a row holds a state and two earlier ones, on a topic of Kafka's default.
        assert 3 * limits.state <= KAFKA_BYTES
        assert SHORTENED_BYTES * 4 // 3 * 2 < KAFKA_BYTES
    assert {config[MAX_MESSAGE_BYTES] for config in TopicNames().specs().values()} == {
        str(SizeLimits.of(GatewaySettings().max_body_bytes).record)
    }
