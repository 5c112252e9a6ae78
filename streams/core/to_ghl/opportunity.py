"""An opportunity: its desired state with the location's ids, its next request, and what is done where GHL has one already.

GHL keeps no text with an opportunity that could hold a marker. What identifies ours is the contact and the pipeline, of which a
location allows one unless its settings allow more. So it is looked for by these two, and one that a person made is taken up:
there can be no second one. What GHL names as a duplicate is taken up at once, with all its fields unknown.

It is never deleted. When the lead is deleted in Lofty, or its stage has no pair any longer, GHL keeps the opportunity as it is; with a
contact that is deleted it goes. On a contact that the lead has left, the lead that has that contact takes it up. Of leads that share
a contact only the one that writes it has an opportunity: two would move it to and fro.

Where a move in GHL is carried to Lofty (`streams/core/to_lofty/stage_events.py`), the link also keeps the stage of Lofty for which
GHL's place stands, by its hash (`LOFTY_STAGE`), and in `heard` the one that Lofty had before a move: while Lofty has that one, or GHL
owns the stage, GHL's place stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from connectors.ghl.wire import GhlOpportunity
from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.core.to_ghl.directory import Directory, lacking_pipeline, lacking_stage, lacking_user
from streams.core.to_ghl.plan import ASSIGNED, UNKNOWN, Blocked, Call, DesiredChild, NotBefore, Plan, Settled, Stuck
from streams.core.to_ghl.refused_values import held_back
from streams.mapping import FieldOwner, MappedOpportunity, StageTable, map_opportunity
from streams.mapping.mapping import NO_USERS
from streams.mapping.opportunity import folded

PIPELINE, STAGE = "pipelineId", "pipelineStageId"
PLACE = (PIPELINE, STAGE, "status")
"""The fields that say where an opportunity is: together they stand for a stage of Lofty."""

LOFTY_STAGE = "lofty stage"
"""In a link's `fields` and `heard`: the hash of a stage of Lofty. It is never sent."""

_READ = ("name", PIPELINE, STAGE, "status", "monetaryValue", ASSIGNED)


def desired_opportunity(
    state: Mapping[str, Any] | None,
    table: StageTable | None,
    directory: Directory,
    users: Mapping[str, str] = NO_USERS,
) -> DesiredChild | None:
    """The opportunity of a lead with this state; None without a pair for its stage, and of a lead that is deleted."""
    mapped = map_opportunity(state, table, users=users) if state is not None and table is not None else None
    return None if mapped is None else resolve_opportunity(mapped, directory)


def resolve_opportunity(mapped: MappedOpportunity, directory: Directory) -> DesiredChild:
    """An opportunity as the planner compares it. Without its pipeline and stage in the location it has no place, and says so."""
    pair = mapped.pair
    pipeline_id, stage_id = directory.stage_ids(pair.pipeline, pair.stage)
    fields: dict[str, Any] = {"name": mapped.name, "status": pair.status}
    left_out: list[str] = []
    lacks: list[str] = []
    if pipeline_id is None:
        left_out.append(f"stage {pair.lofty!r}: the location has no pipeline {pair.pipeline!r}")
        lacks.append(lacking_pipeline(pair.pipeline))
    elif stage_id is None:
        left_out.append(f"stage {pair.lofty!r}: the pipeline {pair.pipeline!r} has no stage {pair.stage!r}")
        lacks.append(lacking_stage(pair.pipeline, pair.stage))
    else:
        fields |= {PIPELINE: pipeline_id, STAGE: stage_id}
    if mapped.value is not None:
        fields["monetaryValue"] = mapped.value
    if mapped.assigned_to_email:
        user_id = directory.user_id(mapped.assigned_to_email)
        if user_id is not None:
            fields[ASSIGNED] = user_id
        else:
            left_out.append(f"{ASSIGNED}: no GHL user has the e-mail {mapped.assigned_to_email}")
            lacks.append(lacking_user(mapped.assigned_to_email))
    return DesiredChild(fields, "", flags=mapped.flags, left_out=tuple(left_out), lacks=tuple(sorted(lacks)))


def stage_hash(stage: Any) -> str:
    """The hash of a stage of Lofty, by its name."""
    return field_hash(folded(stage) if isinstance(stage, str) else "")


def holding(link: LinkRow | None, stage: str, owner: FieldOwner | None) -> frozenset[str]:
    """The fields in which GHL's value stays, of a lead with this stage (its hash): GHL owns it, or its move is not in Lofty yet.

    What a request without an answer has left unknown does not stay.
    """
    if link is None or link.ghl_id is None or link.is_deleted or owner not in ("ghl", "newest"):
        return frozenset()
    is_known = all(link.fields.get(name, UNKNOWN) != UNKNOWN for name in PLACE)
    is_newer = is_known and link.heard.get(LOFTY_STAGE) == stage
    return frozenset(PLACE) if owner == "ghl" or is_newer else frozenset()


def overruled_stage(link: LinkRow | None, stage: str, owner: FieldOwner | None) -> dict[str, str]:
    """Lofty's stage (its hash), where GHL owns it and has another: it must be written to Lofty. Not one that is being written."""
    if owner != "ghl" or link is None or link.ghl_id is None or link.is_deleted:
        return {}
    known = (link.fields.get(LOFTY_STAGE), link.heard.get(LOFTY_STAGE))
    return {} if stage in known else {LOFTY_STAGE: stage}


def settles_stage(link: LinkRow, stage: str, desired: DesiredChild | None) -> dict[str, Any]:
    """What the receipt that settles an opportunity says of the stage of Lofty (its hash): this is the one that GHL's place stands for.

    Not while Lofty has yet to get GHL's. Where GHL's place stays another than the pair's, that goes on until Lofty's stage changes.
    """
    known, before = link.fields.get(LOFTY_STAGE), link.heard.get(LOFTY_STAGE)
    if stage == before != known:
        return {}
    stays = desired is not None and not {*PLACE}.isdisjoint(desired.differing(link.fields))
    until = stage if stays and before is not None else None
    if (known, before) == (stage, until):
        return {}
    facts: dict[str, Any] = {"fields": {**link.fields, LOFTY_STAGE: stage}}
    return facts if before is None else {**facts, "heard": {LOFTY_STAGE: until or ""}}


def plan_opportunity(
    desired: DesiredChild | None,
    link: LinkRow | None,
    contact: LinkRow | None,
    now_ms: int,
    *,
    search_lag_ms: int,
    holding: frozenset[str] = frozenset(),
) -> Plan:
    """The next request for the opportunity of a lead. `desired` None: the lead's stage has no pair, or the lead is deleted.

    Fields in `holding` stay as GHL has them.

    A create in doubt is looked for once the search must show it: a location that allows several would make a second one.
    """
    link = link or LinkRow()
    if contact is not None and (contact.is_deleted or (contact.ghl_id is None and contact.settled)):
        return Settled("its contact is gone")
    if contact is not None and contact.shares:
        return Settled("another lead writes its contact, and with it the opportunity")
    if contact is None or contact.ghl_id is None:
        is_awaited = desired is not None or link.intent is not None
        return Blocked("its contact is not in GHL yet") if is_awaited else Settled("was never written")
    is_linked = link.ghl_id is not None and not link.is_deleted and link.refers_to == contact.ghl_id
    if link.intent is not None and not is_linked:
        visible_ms = link.intent.at_ms + search_lag_ms
        if now_ms < visible_ms:
            return NotBefore(visible_ms)
        return _find(contact.ghl_id, link.intent.identifiers.get(PIPELINE, ""), link.intent.fields)
    if desired is None:
        return Settled("not carried: GHL keeps the opportunity as it is")
    if PIPELINE not in desired.fields:
        return Stuck("; ".join(desired.left_out), reason="no such stage")
    if not is_linked and link.ghl_id is not None and not link.is_deleted:
        # When GHL merges two contacts, what one of them had may have come along.
        return _find(contact.ghl_id, desired.fields[PIPELINE], link.fields)
    held = held_back(desired.fields, link)
    if is_linked:
        return _update(desired, link, contact.ghl_id, {*held, *holding})
    if contact.is_gone:
        return Settled("its lead is deleted in Lofty, or was merged into another")
    if contact.existed_ms and link.sought.get("opportunity", 0) < contact.existed_ms:
        # An earlier memory may have made it, and a location that allows several would take a second one.
        visible_ms = contact.existed_ms + search_lag_ms
        if now_ms < visible_ms:
            return NotBefore(visible_ms)
        return _find(contact.ghl_id, desired.fields[PIPELINE], desired.fields)
    body = {name: value for name, value in desired.fields.items() if value is not None and name not in held}
    hashes = {name: field_hash(value) for name, value in body.items()}
    return Call("create opportunity", contact_id=contact.ghl_id, body=body, fields=hashes, is_create=True)


def _update(desired: DesiredChild, link: LinkRow, contact_id: str, held: Iterable[str]) -> Plan:
    """One request for all that differs. A stage goes with its pipeline: alone GHL would look for it in the one it was in."""
    without = set(held)
    changed = {name: value for name, value in desired.differing(link.fields).items() if name not in without}
    if not changed:
        return Settled("as wanted")
    if {PIPELINE, STAGE} & changed.keys():
        changed |= {PIPELINE: desired.fields[PIPELINE], STAGE: desired.fields[STAGE]}
    fields = {name: old for name, old in link.fields.items() if name in desired.fields or name == LOFTY_STAGE}
    if LOFTY_STAGE in fields and not {*PLACE}.isdisjoint(changed):
        # As a whole: a person may have moved another part of it meanwhile. What settles it says for which stage it stands now.
        changed |= {name: desired.fields[name] for name in PLACE if name not in without}
        fields[LOFTY_STAGE] = UNKNOWN
    fields |= {name: field_hash(value) for name, value in changed.items()}
    return Call("update opportunity", contact_id, link.ghl_id, changed, fields)


def _find(contact_id: str, pipeline_id: str, fields: Iterable[str]) -> Call:
    body = {PIPELINE: pipeline_id}
    return Call("find opportunity", contact_id=contact_id, body=body, fields=dict.fromkeys(fields, UNKNOWN))


def adopted(call: Call) -> Call:
    """A create that GHL refused because the contact has an opportunity there, as the search that has found that one."""
    fields = dict.fromkeys(call.fields or (), UNKNOWN)
    return replace(call, step="find opportunity", body={PIPELINE: call.body[PIPELINE]}, fields=fields, is_create=False)


def chosen(found: Iterable[GhlOpportunity], contact_id: str, pipeline_id: str) -> str | None:
    """The opportunity of a contact in a pipeline; of several an open one, then the oldest: each look takes the same one."""
    own = [one for one in found if one.contact_id == contact_id and one.pipeline_id == pipeline_id]
    return min(own, key=lambda one: (one.status != "open", one.created_at or "", one.id)).id if own else None


def reported_opportunity(found: GhlOpportunity) -> dict[str, Any]:
    """An opportunity by GHL's names, as `compare_child` reads it. Fields that it has not are left out."""
    row: Mapping[str, Any] = found.model_dump(by_alias=True)
    return {
        "id": found.id,
        "contactId": found.contact_id,
        **{name: row[name] for name in _READ if row.get(name) is not None},
    }
