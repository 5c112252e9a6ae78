"""Replay: what it means for each topic, which are refused and why, and what is appended for a record. Pure.

| topic | what is done for each record that is chosen |
| --- | --- |
| `lofty.snapshots` | the newest snapshot of the entity is brought to GHL once more, without a call to Lofty |
| `lofty.changes`, `lofty.fetches` | the entity is read from Lofty again, and written where it differs |
| `ghl.changes` | the event is judged again, although its webhook was heard before |
| `parked` | as `parked retry` |

All others are refused: they are answers, credentials or orders, and an old one would do harm or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.messages import Change, GhlEvent, Replay, Selection
from streams.messages.topics import (
    AUDIT,
    CHANGES,
    FETCHES,
    GHL_CHANGES,
    INSPECTIONS,
    LOFTY_RECEIPTS,
    LOFTY_WRITES,
    MAPPINGS,
    OBSERVATIONS,
    PARKED,
    RECEIPTS,
    REPLAY_RUNS,
    REPLAYS,
    RESOLVED,
    SNAPSHOTS,
    STATUS,
    SWEEPS,
    TOKENS,
)

MEANING: Mapping[str, str] = {
    SNAPSHOTS: "the newest snapshot of each entity is brought to GHL once more; Lofty is not asked",
    CHANGES: "each entity that is named is read from Lofty again, and written where it differs",
    FETCHES: "each entity that is named is read from Lofty again, and written where it differs",
    GHL_CHANGES: "each event is judged again, although its webhook was heard before",
    PARKED: "each parked record is sent on its way again, as by `parked retry`",
}

_SNAPSHOTS_INSTEAD = "to bring GHL to what Lofty says, replay lofty.snapshots"
REFUSED: Mapping[str, str] = {
    RECEIPTS: f"receipts tell what became of writes, and are no orders: {_SNAPSHOTS_INSTEAD}",
    LOFTY_RECEIPTS: "receipts tell what became of writes, and are no orders: replay ghl.changes",
    LOFTY_WRITES: "an old order would undo what was ordered later: replay ghl.changes, which is judged by what stands now",
    TOKENS: "an old pair of tokens would end the access that a newer one gives: `lofty-ghl connect` grants anew",
    SWEEPS: "these are orders that were carried out: `lofty-ghl backfill NAME` gives a new one",
    INSPECTIONS: "these are questions of a verify that has ended: run `lofty-ghl verify`",
    OBSERVATIONS: "these are answers to a verify that has ended: run `lofty-ghl verify`",
    RESOLVED: "these are decisions about parked records: replay parked",
    REPLAYS: f"these are snapshots that a replay brings: {_SNAPSHOTS_INSTEAD}",
    STATUS: "this is what workers said of themselves: `lofty-ghl status` shows it",
    MAPPINGS: "edits of mappings are in force already: every worker reads them whole",
    AUDIT: "this is who did what in the console, and nothing follows from it",
    REPLAY_RUNS: "this says how far replays are: `lofty-ghl replay --resume RUN` goes on with one",
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
    """A replay as it is carried on under these mappings (a fingerprint of them, empty where none matter).

    It begins again when it was left under others: what it brought to GHL then is not what these say.
    """
    if replay.mapping == mapping:
        return replay
    return replay.model_copy(update={"mapping": mapping, "position": "", "handed": 0, "passed": 0, "left": 0})


def changed_for_retry(change: Change, now_ms: int) -> Change:
    """A change that asks for one more read.

    Whatever it told, it now only says "look": a deletion of the past must not be believed once more, but be found.
    """
    return change.model_copy(update={"operation": "updated", "origin": "replay", "accepted_ms": now_ms})


def event_for_retry(event: GhlEvent) -> GhlEvent:
    """An event that is judged once more. Its webhook's id stays: what a rule made of it is made once."""
    return event.model_copy(update={"again": True})
