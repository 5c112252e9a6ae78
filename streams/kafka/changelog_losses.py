"""Changelogs that have lost rows: how it is seen, and what is said of it. Pure.

A worker whose changelog has lost rows would take what it finds for all there is, and do what was done already: without its
links it makes each note a second time. So it refuses, and a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from streams.messages.topics import (
    BACKLINKS_TABLE,
    BUDGETS_TABLE,
    ERRANDS_TABLE,
    EVENTS_TABLE,
    FETCHES_TABLE,
    HEARD_TABLE,
    LINKS_TABLE,
    OUTBOX_TABLE,
    SEEN_TABLE,
    SWEEPS_TABLE,
    SWEPT_TABLE,
    TOKENS_TABLE,
    WEBHOOKS_TABLE,
)

COSTS = {
    LINKS_TABLE: "notes, tasks and appointments would be made in GHL a second time",
    OUTBOX_TABLE: "changes that are not yet written to GHL would wait for the next sweep",
    FETCHES_TABLE: "changes that are not yet read from Lofty would wait for the next sweep",
    SEEN_TABLE: "changes that were read already would be read once more",
    BUDGETS_TABLE: "what is used of the vendors' limits would be counted from zero",
    SWEEPS_TABLE: "sweeps would begin anew",
    SWEPT_TABLE: "the next sweep would read every lead",
    BACKLINKS_TABLE: "GHL's events would not be told whose contact they are of",
    WEBHOOKS_TABLE: "an event that GHL repeats would be acted on a second time",
    EVENTS_TABLE: "GHL's events that wait would not reach Lofty",
    HEARD_TABLE: "edits in GHL that Lofty was told of could be told a second time",
    ERRANDS_TABLE: "what waits to be written to Lofty would not be written",
    TOKENS_TABLE: "OAuth connections would have to be connected again",
}
"""What a table's rows stand for: what would happen without them."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Rows of a table's changelog that are gone. `says` ends the sentence that begins with the changelog's name."""

    table: str
    changelog: str
    partition: int
    says: str


class ChangelogLost(RuntimeError):
    """Changelogs have lost rows: nothing may be done for their partitions. The text says which, what it costs, what to do."""

    def __init__(self, losses: Iterable[Loss]) -> None:
        self.losses = tuple(losses)
        super().__init__(lost_words(self.losses))


def find_loss(
    *, position: int | None, origin: str, topic_id: str, begin: int, end: int, exists: bool, keeps_all: bool
) -> str | None:
    """What a changelog has lost, None for nothing.

    `position` is the newest offset that our copy holds (None: we have no copy), `origin` the id of the topic that it was read
    from, `topic_id` the topic's now (both empty where Kafka tells none). `begin` and `end` are the topic's first and next
    offset. `keeps_all` says that Kafka never cuts a changelog's beginning off by itself.
    """
    if not exists:
        return "is missing"
    held = None if position is None else position + 1
    if held and origin and topic_id and origin != topic_id:
        return f"was deleted and made anew: our copy holds the former one up to offset {position}, the new one ends at {end}"
    if held is not None and held > end:
        return (
            f"ends at offset {end}, and our copy holds it up to offset {position}: what is between is gone from Kafka"
        )
    if keeps_all and begin > (held or 0):
        return f"begins at offset {begin}: what stood before was deleted (by retention, or DeleteRecords)"
    return None


def recreated_words(offset: int, newest: int) -> str:
    """What is said when Kafka gives a row an offset that was another's."""
    return f"was deleted and made anew while we worked: a row came to offset {offset}, and it had been at {newest}"


def lost_words(losses: tuple[Loss, ...]) -> str:
    """One line: what is gone, what that would cost, and what to do."""
    first = losses[0]
    others = sorted({one.table for one in losses} - {first.table})
    more = f" (and {len(losses) - 1} partitions more, also of {', '.join(others)})" if others else ""
    more = more or (f" (and {len(losses) - 1} partitions more)" if len(losses) > 1 else "")
    return (
        f"The changelog {first.changelog}/{first.partition} {first.says}{more}. Without its rows "
        f"{COSTS.get(first.table, 'what is done already would be done again')}, so nothing is done. "
        f"Bring the topic back as it was, or accept the loss with `{accept_command(one.table for one in losses)}`: "
        "it puts back what local copies and receipts still hold. The local copy is kept"
    )


def accept_command(tables: Iterable[str]) -> str:
    """The command by which a person accepts a loss."""
    return " ".join(["lofty-ghl topics create", *(f"--accept-lost {table}" for table in sorted(set(tables)))])
