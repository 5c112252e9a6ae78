"""How large things may be, all from one setting: `gateway.max_body_bytes`, the largest body that a vendor may send.

    body ≤ parked record (its Base64 and the other fields) = record ≤ `max.message.bytes` of each topic
    state of an entity, GHL event ≤ a third of a record: rows of tables hold it beside earlier states

What is above a limit is parked as `too large`, with its size and the first bytes of the original; that always fits.
"""

from __future__ import annotations

from dataclasses import dataclass

KAFKA_BYTES = 1_048_588
"""Kafka's own `max.message.bytes`, by default."""

ENVELOPE_BYTES = 64 * 1024
"""What a parked record holds beside its original, and a Kafka record beside its value."""

SHORTENED_BYTES = 128 * 1024
"""What is kept of an original that is too large."""

TEXT_CHARACTERS = 4 * 1024
"""The longest message of a vendor or parser in a parked record."""

NAME_CHARACTERS = 1024
"""Of a source, an entity, a connection in a parked record: ours are far shorter, those of a stranger need not be."""

CHANGE_BYTES = 64 * 1024
"""A change on `lofty.changes`: an entity's names and two times."""

ROWS_HOLD = 3
"""A row of a table holds so many states of an entity: the one that is wanted, and earlier ones that are in doubt."""


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """In bytes. `record` is a Kafka record with all that belongs to it, `original` what is parked whole."""

    body: int
    record: int
    original: int
    state: int

    @classmethod
    def of(cls, max_body_bytes: int) -> SizeLimits:
        """The limits that follow from the setting."""
        record = max(KAFKA_BYTES, (max_body_bytes + 2) // 3 * 4 + ENVELOPE_BYTES)
        return cls(
            body=max_body_bytes,
            record=record,
            original=(record - ENVELOPE_BYTES) // 4 * 3,
            state=(min(record, KAFKA_BYTES) - ENVELOPE_BYTES) // ROWS_HOLD,
        )


DEFAULT = SizeLimits.of(1_048_576)
