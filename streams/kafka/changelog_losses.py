"""Changelogs that have lost rows: how a loss is detected, and what its message says. Pure.

A worker whose changelog has lost rows would repeat work that was done: without its links it creates each note a second time.
So it refuses to start, and a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from streams.messages import topics

COSTS = {
    topics.LINKS_TABLE: "notes, tasks and appointments would be created in GHL a second time",
    topics.OUTBOX_TABLE: "changes that are not yet written to GHL would wait for the next sweep",
    topics.FETCHES_TABLE: "changes that are not yet read from Lofty would wait for the next sweep",
    topics.SEEN_TABLE: "changes that were read before would be read once more",
    topics.BUDGETS_TABLE: "the use of the vendors' limits would be counted from zero",
    topics.SWEEPS_TABLE: "sweeps would start over",
    topics.SWEPT_TABLE: "the next sweep would read every lead",
    topics.BACKLINKS_TABLE: "GHL's events could not be matched to a contact",
    topics.WEBHOOKS_TABLE: "an event that GHL repeats would be processed a second time",
    topics.EVENTS_TABLE: "GHL's waiting events would not reach Lofty",
    topics.HEARD_TABLE: "edits in GHL that were reported to Lofty could be reported a second time",
    topics.ERRANDS_TABLE: "what waits to be written to Lofty would be lost",
    topics.TOKENS_TABLE: "OAuth connections would have to be connected again",
    topics.CONFLICTS_TABLE: "the list of conflicts would be made again from the links",
}
"""What would happen without a table's rows."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Rows of a table's changelog that are gone. `says` completes a sentence that begins with the changelog's name."""

    table: str
    changelog: str
    partition: int
    says: str


class ChangelogLost(RuntimeError):
    """Changelogs have lost rows: nothing may be done for their partitions. The text says which, the effect, and the fix."""

    def __init__(self, losses: Iterable[Loss]) -> None:
        self.losses = tuple(losses)
        super().__init__(lost_words(self.losses))


def find_loss(
    *, position: int | None, origin: str, topic_id: str, begin: int, end: int, exists: bool, keeps_all: bool
) -> str | None:
    """What a changelog has lost; None when it is complete.

    `position` is the newest offset that our copy holds (None: we have no copy), `origin` the id of the topic that it was read
    from, `topic_id` the topic's present id (both empty where Kafka has none). `begin` and `end` are the topic's first and next
    offset. `keeps_all`: Kafka never deletes the beginning of a changelog by itself.
    """
    if not exists:
        return "is missing"
    held = None if position is None else position + 1
    if held and origin and topic_id and origin != topic_id:
        return f"was deleted and recreated: our copy has the old one up to offset {position}, and the new one ends at {end}"
    if held is not None and held > end:
        return f"ends at offset {end}, but our copy has it up to offset {position}: the records between are gone from Kafka"
    if keeps_all and begin > (held or 0):
        return f"begins at offset {begin}: earlier records were deleted (by retention, or DeleteRecords)"
    return None


def recreated_words(offset: int, newest: int) -> str:
    """The text for a row to which Kafka gave an offset that an earlier row had."""
    return f"was deleted and recreated while we worked: a row came to offset {offset}, after an earlier row at {newest}"


def lost_words(losses: tuple[Loss, ...]) -> str:
    """One line: what is gone, the effect, and what to do."""
    first = losses[0]
    others = sorted({one.table for one in losses} - {first.table})
    more = f" (and {len(losses) - 1} partitions more, also of {', '.join(others)})" if others else ""
    more = more or (f" (and {len(losses) - 1} partitions more)" if len(losses) > 1 else "")
    return (
        f"The changelog {first.changelog}/{first.partition} {first.says}{more}. Without its rows "
        f"{COSTS.get(first.table, 'finished work would be repeated')}, so the worker stops. "
        f"Restore the topic, or accept the loss with `{accept_command(one.table for one in losses)}`: "
        "it restores what local copies and receipts still hold. The local copy is kept"
    )


def accept_command(tables: Iterable[str]) -> str:
    """The command that accepts a loss."""
    return " ".join(["lofty-ghl topics create", *(f"--accept-lost {table}" for table in sorted(set(tables)))])
