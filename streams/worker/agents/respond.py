"""`respond`: events of GHL that mean something here wait to be judged. `ghl.changes` → table `events`, beside `webhooks`.

GHL repeats a webhook until it is answered, under the same id: an id that was received before is dropped. An event is put before
its id is remembered, so a crash in between judges it twice, which changes nothing; the other way round would lose it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.core.to_lofty.rows import EventRow, WebhookRow
from streams.kafka.batching_producer import Record
from streams.kafka.tables import Table
from streams.messages.ghl_event import GhlEvent
from streams.worker.agents.batches import Process
from streams.worker.agents.each_record import EachRecord
from streams.worker.output import Output


def respond(
    *,
    events: Table[EventRow],
    webhooks: Table[WebhookRow],
    output: Output,
    wants: Callable[[GhlEvent], bool],
    installed: Callable[[GhlEvent], None],
    offer: Callable[[str, EventRow], None],
    count: Callable[[str, str], None],
) -> Process:
    """The agent's process. `wants(event)`: it means something to a connection of its location.

    `installed` is called when the app was installed in a location, or removed from it. `count(type, result)` counts what ends here.
    """

    each = EachRecord("respond", output)

    async def process(messages: list[Any]) -> None:
        parked: list[Record] = []
        waiting: list[tuple[str, EventRow]] = []
        fresh: dict[tuple[int, str], WebhookRow] = {}
        for message in messages:
            with each.of(message, parked):
                event = GhlEvent.from_bytes(message.value)
                if event.type in ("INSTALL", "UNINSTALL"):
                    installed(event)
                    count(event.type, "answered")
                    continue
                if not wants(event):
                    count(event.type, "no rule")
                    continue
                position = (message.partition, event.webhook)
                if event.webhook and not event.again and (position in fresh or webhooks.get(*position) is not None):
                    count(event.type, "duplicate")
                    continue
                key = f"{event.location}:{event.type}:{event.id}:{event.webhook or event.at_ms}"
                row = EventRow(event=event)
                events.put(message.partition, key, row)
                waiting.append((key, row))
                if event.webhook:
                    fresh[position] = WebhookRow(at_ms=event.accepted_ms)
        await output.produce(parked)
        await events.flush()
        for (partition, webhook), heard in fresh.items():
            webhooks.put(partition, webhook, heard)
        await webhooks.flush()
        for key, row in waiting:
            offer(key, row)

    return process
