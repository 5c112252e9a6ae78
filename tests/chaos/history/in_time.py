"""P9: what was edited while Kafka was away is written within two minutes of its return."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from connectors.sandbox.shared.ledger import Entry
from streams.messages import Entity
from tests.chaos.history.case import Case
from tests.chaos.history.finding import Finding, Tally
from tests.chaos.history.history import Deed, Edit
from tests.chaos.history.names import Names
from tests.chaos.history.nothing_stale import versions
from tests.deadlines import within

MOST_SECONDS = within(120)
"""Two minutes; more where the machine is said to be slow (`LOFTY_GHL_TEST_PATIENCE`)."""

Place = tuple[str, str, str]
"""A connection, a kind and an id: a child is the same wherever it hangs."""


def written_in_time(case: Case) -> Finding:
    """Each entity that was edited during an outage has that version, or a later one, two minutes after Kafka's return.

    Left out: what was deleted since, itself or its lead; a lead that shares another's contact. Excused: what was parked since.

    Proves nothing of: edits without a version (tags, cities: they count at the end); edits from outside of outages.
    """
    tally = Tally(9, "what was edited while Kafka was away is written within two minutes of its return", "edits")
    for outage in (one for one in case.history.deeds if one.is_outage):
        wanted = wanted_of(case.history.edits, outage)
        tally.examined += sum(bool(one.version) and outage.at <= one.at <= outage.until for one in case.history.edits)
        written = _written(wanted, case.writes(), case.names)
        late = {place: at for place, at in written if at > outage.until + MOST_SECONDS}
        missing = {place for place, _ in unwritten(case.history.edits, outage, case)}
        for place in wanted.keys() & (missing | late.keys()):
            edit = wanted[place]
            how = f"{late[place] - outage.until:.0f} s after its return" if place in late else "not at all"
            keys = (edit.entity.key, edit.entity.owner.key)
            is_parked = any(one.entity in keys and one.at_ms >= 1000 * edit.at for one in case.history.parked)
            what = f"version {edit.version} of {outage.act} was written {how}"
            tally.note(edit.entity.key, what, is_excused=is_parked)
    return tally.finding()


def unwritten(edits: Sequence[Edit], outage: Deed, case: Case) -> list[tuple[Place, Edit]]:
    """What was edited during an outage, and is not written yet. A lead that shares another's contact never is."""
    wanted = wanted_of(edits, outage)
    done = {place for place, _ in _written(wanted, case.writes(), case.names)}
    missing = [(place, edit) for place, edit in wanted.items() if place not in done]
    shared = {
        name: case.sharers(name) for name in {connection for (connection, kind, _), _ in missing if kind == "contact"}
    }
    return [
        (place, edit) for place, edit in missing if not (place[1] == "contact" and place[2] in shared.get(place[0], ()))
    ]


def wanted_of(edits: Sequence[Edit], outage: Deed) -> dict[Place, Edit]:
    """The newest edit of each entity in an outage, unless it, or its lead, was deleted later."""
    wanted: dict[Place, Edit] = {}
    for one in edits:
        if one.version and outage.at <= one.at <= outage.until:
            wanted[_place(one.entity)] = one
        elif not one.version and one.at >= outage.at:
            wanted.pop(_place(one.entity), None)
            if one.entity.kind == "contact":
                gone = [at for at, edit in wanted.items() if edit.entity.owner == one.entity]
                for place in gone:
                    del wanted[place]
    return wanted


def _written(wanted: dict[Place, Edit], writes: Iterable[Entry], names: Names) -> Iterator[tuple[Place, float]]:
    """When each was written first, in that version or a later one."""
    seen: set[Place] = set()
    for entry in writes:
        if not (found := versions(entry.body)) or (entity := names.entity_of(entry)) is None:
            continue
        place = _place(entity)
        if place in wanted and place not in seen and max(found) >= wanted[place].version:
            seen.add(place)
            yield place, entry.applied_at or 0.0


def _place(entity: Entity) -> Place:
    return entity.connection, entity.kind, entity.id
