"""`tokens`: what a person granted is taken into use. `tokens` → table `tokens`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.core.rows import TokenRow
from streams.kafka.batching_producer import Record
from streams.kafka.tables import Table
from streams.messages.sealed_token import SealedToken
from streams.worker.agents.batches import Process
from streams.worker.agents.each_record import EachRecord
from streams.worker.output import Output


def tokens(
    *,
    table: Table[TokenRow],
    output: Output,
    adopt: Callable[[int, str], None],
) -> Process:
    """The agent's process. It calls `adopt(partition, token)` for each new token.

    A token that is older than the stored one is skipped: a refresh has replaced it, and its refresh token no longer works.
    One without a seal takes the stored one away: its connection was removed.
    """

    each = EachRecord("tokens", output)

    async def process(messages: list[Any]) -> None:
        parked: list[Record] = []
        taken: list[tuple[int, str]] = []
        for message in messages:
            with each.of(message, parked):
                word = SealedToken.from_bytes(message.value)
                before = table.get(message.partition, word.token)
                if before is not None and (word.at_ms < before.at_ms or word.sealed == before.sealed):
                    continue
                if not word.sealed:
                    table.delete(message.partition, word.token)
                    continue
                table.put(message.partition, word.token, TokenRow(sealed=word.sealed, at_ms=word.at_ms))
                taken.append((message.partition, word.token))
        await output.produce(parked)
        await table.flush()
        for partition, token in taken:
            adopt(partition, token)

    return process
