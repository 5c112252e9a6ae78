"""Listed states: what Lofty's lists held of entities that are about to be read, so that the read need not be a request.

By Lofty's OpenAPI document a list holds all that a single read holds, and for leads a hundred at once. So what a sweep finds to differ
goes the usual way (change, dedupe, pending read), and when the turn of the read comes, its answer is here already.
So does what a burst of edits made of one kind on one lead: one list answers all its pending reads.
What came in an answer that was repaired somewhere is not kept: only a read alone shows what of it was.
It is used only if it stands where a read at the moment of the list would stand. It is not, when

- another change was gathered into the pending read: it may report an edit that came after the list;
- the entity was read, or its lead was written by us, after the list was asked for;
- it is older than `MOST_AGE_MS`, or another worker owned the budget meanwhile (`forget`).

Whether a list really holds all is seen once a day for each connection and kind: the first such read is a request, and the two are
compared. A list that lacks something, or cuts it, is not used that day. Until the first answer the others wait.
States are kept in memory only: what is lost with a process is read by a request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from streams.core.rows import FetchRow
from streams.core.to_ghl.read_result import UPDATED
from streams.messages import Entity, Kind, Origin

MOST_AGE_MS = 10 * 60_000
MOST_BYTES = 64_000_000
"""What all states together may take; further ones are read by requests."""
PROOF_MS = 24 * 60 * 60_000
"""How long it holds what was seen of a list."""
SAMPLE_MS = 10_000
"""When the read that shows what a list holds is not back by then, the next one is a request, too."""

Turn = Literal["take", "request", "wait"]
Judgement = Literal["whole", "poorer", "unknown"]

FOUND_BY_SWEEP: frozenset[Origin] = frozenset({"sweep", "backfill"})
GATHERED: frozenset[Origin] = frozenset({"webhook"})

_EMPTY: tuple[Any, ...] = (None, "", [], {})


def judge(listed: Mapping[str, Any], single: Mapping[str, Any]) -> Judgement:
    """Whether a list holds of an entity what a single read holds. Unknown: it was edited between the two."""
    if single.keys() - listed.keys():
        return "poorer"
    differ = [name for name in single if listed[name] != single[name]]
    if not any(name in UPDATED for name in differ) and any(_is_less(listed[name], single[name]) for name in differ):
        return "poorer"
    return "unknown" if differ else "whole"


def _is_less(listed: Any, single: Any) -> bool:
    if isinstance(listed, str) and isinstance(single, str):
        return single.startswith(listed)
    if isinstance(listed, list) and isinstance(single, list):
        return all(one in single for one in listed) and len(listed) < len(single)
    return listed in _EMPTY and single not in _EMPTY


@dataclass(frozen=True, slots=True)
class _State:
    """`generation` is that of the pending read that it answers, `origins` are those of its changes."""

    content: bytes
    read_ms: int
    generation: int
    origins: frozenset[Origin]


@dataclass(slots=True)
class _Proof:
    """What is known of one kind's list of one connection. `judgement` None: a read that will tell is under way since `at_ms`."""

    at_ms: int
    judgement: Judgement | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A state that a list held, and when that list was answered (epoch milliseconds)."""

    state: dict[str, Any]
    read_ms: int


@dataclass(slots=True, eq=False)
class Listing:
    """A list that was asked for. `touched` are the keys and lanes that were read or written since.

    Two of them under way at once are not the same, though both may have seen nothing yet.
    """

    states: ListedStates
    touched: set[str] = field(default_factory=set)

    def keep(self, entity: Entity, state: Mapping[str, Any], now_ms: int, pending: FetchRow | None = None) -> None:
        """Keep what the list holds of an entity whose read is about to be asked for, or was `pending` when the list was."""
        if entity.key not in self.touched and entity.lane not in self.touched:
            self.states.keep(entity, state, now_ms, pending)


class ListedStates:
    """Those of all connections whose Lofty budget this worker owns. All times are epoch milliseconds."""

    def __init__(self) -> None:
        self._lanes: dict[str, dict[str, _State]] = {}
        self._bytes = 0
        self._swept_ms = 0
        self._listings: list[Listing] = []
        self._proofs: dict[tuple[str, Kind], _Proof] = {}

    @contextmanager
    def listing(self) -> Iterator[Listing]:
        """Around the request for a list and the keeping of what it held."""
        listing = Listing(self)
        self._listings.append(listing)
        try:
            yield listing
        finally:
            self._listings.remove(listing)

    def keep(self, entity: Entity, state: Mapping[str, Any], now_ms: int, pending: FetchRow | None = None) -> None:
        """For `Listing`."""
        self._drop(entity)
        generation, origins = (1, FOUND_BY_SWEEP) if pending is None else (pending.generation, GATHERED)
        content = orjson.dumps(state)
        if self._bytes + len(content) > MOST_BYTES and now_ms >= self._swept_ms + SAMPLE_MS:
            self._swept_ms = now_ms
            self._drop_old(now_ms)
        if self._bytes + len(content) <= MOST_BYTES:
            self._lanes.setdefault(entity.lane, {})[entity.key] = _State(content, now_ms, generation, origins)
            self._bytes += len(content)

    def turn(self, row: FetchRow, now_ms: int) -> Turn:
        """How a pending read is answered: by what was listed, by a request, or once another read has shown what lists hold."""
        entity = row.entity
        kept = self._lanes.get(entity.lane, {}).get(entity.key)
        if kept is None or now_ms > kept.read_ms + MOST_AGE_MS:
            return "request"
        if (row.generation, row.confirms, row.only_moved) != (kept.generation, False, False):
            return "request"
        if row.origin not in kept.origins:
            return "request"
        place = (entity.connection, entity.kind)
        proof = self._proofs.get(place)
        if proof is not None and proof.judgement is None and now_ms < proof.at_ms + SAMPLE_MS:
            return "wait"
        if proof is None or proof.judgement is None or now_ms > proof.at_ms + PROOF_MS:
            self._proofs[place] = _Proof(now_ms)
            return "request"
        return "take" if proof.judgement == "whole" else "request"

    def is_poor(self, connection: str, kind: Kind) -> bool:
        """Whether a list of this kind was seen to lack something: it spares no read."""
        proof = self._proofs.get((connection, kind))
        return proof is not None and proof.judgement == "poorer"

    def take(self, entity: Entity) -> Taken:
        """The state, once `turn` said so. It is here no more."""
        kept = self._drop(entity)
        assert kept is not None
        return Taken(orjson.loads(kept.content), kept.read_ms)

    def was_read(self, entity: Entity, state: Mapping[str, Any] | None, now_ms: int) -> Judgement | None:
        """A request has read an entity. Returns what that newly shows of this kind's list."""
        for listing in self._listings:
            listing.touched.add(entity.key)
        kept = self._drop(entity)
        proof = self._proofs.get((entity.connection, entity.kind))
        if kept is None or proof is None or proof.judgement is not None:
            return None
        judgement = "unknown" if state is None else judge(orjson.loads(kept.content), state)
        if judgement == "unknown":
            del self._proofs[entity.connection, entity.kind]  # the next read is a request, too
        else:
            proof.at_ms, proof.judgement = now_ms, judgement
        return judgement

    def was_written(self, lane: str) -> None:
        """We write something of a lead in Lofty: what lists held of it may be of before that."""
        for listing in self._listings:
            listing.touched.add(lane)
        for key in list(self._lanes.get(lane, ())):
            self._drop(Entity.from_key(key))

    def forget(self, connection: str) -> None:
        """Another worker owned the connection's Lofty budget, or will."""
        for lane, kept in list(self._lanes.items()):
            if lane.startswith(f"{connection}:"):
                self._bytes -= sum(len(one.content) for one in kept.values())
                del self._lanes[lane]
        for place in [one for one in self._proofs if one[0] == connection]:
            del self._proofs[place]

    def _drop_old(self, now_ms: int) -> None:
        """Reads that nobody took: those of a connection that is paused, for example."""
        for kept in list(self._lanes.values()):
            for key in [key for key, one in kept.items() if now_ms > one.read_ms + MOST_AGE_MS]:
                self._drop(Entity.from_key(key))

    def _drop(self, entity: Entity) -> _State | None:
        kept = self._lanes.get(entity.lane, {})
        state = kept.pop(entity.key, None)
        if state is not None:
            self._bytes -= len(state.content)
            if not kept:
                del self._lanes[entity.lane]
        return state
