"""What a replay does for each topic, which topics it refuses and why, and which records it produces. Pure.

| topic | for each selected record |
| --- | --- |
| `lofty.snapshots` | the newest snapshot of the entity is written to GHL once more, without a call to Lofty |
| `lofty.changes`, `lofty.fetches` | the entity is read from Lofty again, and written where it differs |
| `ghl.changes` | the event is evaluated again, although its webhook was processed before |
| `parked` | it is retried, as by `parked retry` |

All other topics are refused: they hold answers, credentials or orders, and an old one would do harm or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.messages import Change, GhlEvent, Replay, Selection
from streams.messages.topics import (
    AUDIT,
    CHANGES,
    CONNECTIONS,
    FETCHES,
    GHL_CHANGES,
    INSPECTIONS,
    LOFTY_RECEIPTS,
    LOFTY_WRITES,
    MAPPINGS,
    NOTIFICATIONS,
    OBSERVATIONS,
    PARKED,
    PEOPLE,
    RECEIPTS,
    REPLAY_RUNS,
    REPLAYS,
    RESOLVED,
    RUNS,
    SNAPSHOTS,
    STATUS,
    SWEEPS,
    TOKENS,
)

MEANING: Mapping[str, str] = {
    SNAPSHOTS: "the newest snapshot of each entity is written to GHL once more, without a call to Lofty",
    CHANGES: "each entity in the records is read from Lofty again, and written where it differs",
    FETCHES: "each entity in the records is read from Lofty again, and written where it differs",
    GHL_CHANGES: "each event is evaluated again, although its webhook was processed before",
    PARKED: "each parked record is retried, as by `parked retry`",
}

_SNAPSHOTS_INSTEAD = "to write Lofty's state to GHL again, replay lofty.snapshots"
REFUSED: Mapping[str, str] = {
    RECEIPTS: f"receipts are the results of writes, not orders: {_SNAPSHOTS_INSTEAD}",
    LOFTY_RECEIPTS: "receipts are the results of writes, not orders: replay ghl.changes",
    LOFTY_WRITES: "an old order would undo a later one: replay ghl.changes, which are evaluated against the present state",
    TOKENS: "an old pair of tokens would replace a newer one that works: run `lofty-ghl connect` to authorize again",
    SWEEPS: "these are orders that were carried out: `lofty-ghl backfill NAME` gives a new one",
    INSPECTIONS: "these are questions of a verify that has ended: run `lofty-ghl verify`",
    OBSERVATIONS: "these are answers to a verify that has ended: run `lofty-ghl verify`",
    RESOLVED: "these are decisions about parked records: replay parked",
    REPLAYS: f"these are the snapshots of earlier replays: {_SNAPSHOTS_INSTEAD}",
    STATUS: "these are the workers' reports of their own state: `lofty-ghl status` shows them",
    MAPPINGS: "edits of mappings are in force already: every worker reads all of them",
    CONNECTIONS: "edits of connections are in force already: every process reads all of them",
    PEOPLE: "edits of people are in force already: every gateway reads all of them",
    NOTIFICATIONS: "these are the notifications that were sent: replaying them would tell people old news",
    RUNS: "this is what came of imports and comparisons: the console's page of runs shows it",
    AUDIT: "this is the log of who did what in the console: replaying it would do nothing",
    REPLAY_RUNS: "this is the progress of replays: `lofty-ghl replay --resume RUN` continues one",
}


def refusal(selection: Selection) -> str:
    """Why a selection cannot be replayed, and what can be done instead; empty when it can."""
    topic = selection.topic
    if topic in REFUSED:
        return f"{topic} cannot be replayed: {REFUSED[topic]}"
    if topic not in MEANING:
        return f"no topic {topic!r} can be replayed; there are {', '.join(sorted(MEANING))}"
    if topic != PARKED and (selection.stage or selection.reason):
        return f"only parked records have a reason or a stage, and {topic} holds none: replay parked"
    if selection.partition is None and (selection.from_offset is not None or selection.to_offset is not None):
        return "an offset counts within one partition: say which, as in 3@1700"
    since, until = selection.since_ms, selection.until_ms
    if since is not None and until is not None and since > until:
        return "the selection begins after it ends"
    return ""


def under(replay: Replay, mapping: str) -> Replay:
    """The replay as it continues under these mappings (their fingerprint, "" if mappings do not matter for its topic).

    If it was interrupted under other mappings it starts again, because what it wrote then may differ from what these give.
    """
    if replay.mapping == mapping:
        return replay
    return replay.model_copy(update={"mapping": mapping, "position": "", "handed": 0, "passed": 0, "left": 0})


def changed_for_retry(change: Change, now_ms: int) -> Change:
    """A change that asks for one more read.

    It no longer says what happened, only that the entity must be read: an old deletion may be out of date.
    """
    return change.model_copy(update={"operation": "updated", "origin": "replay", "accepted_ms": now_ms})


def event_for_retry(event: GhlEvent) -> GhlEvent:
    """An event that is evaluated once more. It keeps its webhook's id, so that a rule does not create the same thing twice."""
    return event.model_copy(update={"again": True})
