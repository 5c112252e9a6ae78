"""Events of opportunities: a stage that was moved in GHL becomes the lead's stage in Lofty.

One move fires two or three webhooks, in any order. None of them is believed: what differs from the link is read, and what GHL holds then
is carried, once; the others equal the link by then, as our own writes do.

Where an opportunity is (pipeline, stage and status) stands for a stage of Lofty by the table of pairs. Of several pairs the one with its
status counts, then the first, so a status that no pair has moves nothing. While Lofty's stage has the same place, it stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.opportunity import LOFTY_STAGE, PIPELINE, PLACE, STAGE, stage_hash
from streams.core.to_ghl.plan import UNKNOWN
from streams.core.to_lofty.event_context import EventContext, EventResponse, NeedsRead
from streams.core.to_lofty.writes import lofty_write
from streams.mapping import StageTable
from streams.mapping.lofty_sync import LOFTY_STAGE_EDIT, STAGE_WRITTEN, LoftySyncRules
from streams.mapping.lofty_sync import STAGE as STAGE_FIELD
from streams.messages.lofty_command import STAGE_COMMAND

OF_A_MOVE = ("OpportunityCreate", "OpportunityStageUpdate", "OpportunityStatusUpdate")
"""The webhooks by which a move is reported that cannot be carried: not by the one that comes with each of them."""


def judge_stage(context: EventContext, back: LoftySyncRules) -> EventResponse | NeedsRead:
    """An opportunity was made or moved, or Lofty's stage was edited or written."""
    event, table, link = context.event, context.stages, context.own_link or LinkRow()
    if back.stage is None or table is None or context.own is None:
        return EventResponse("no rule")
    if event.type == STAGE_WRITTEN:
        return _written(context, link)
    if context.link.ghl_id != event.contact or context.link.shares:
        return EventResponse("overtaken")
    if link.ghl_id != event.id or link.is_deleted:
        return _judge_other(context, table, link)
    is_edit = event.type == LOFTY_STAGE_EDIT
    if not is_edit and back.stage != "ghl" and any(link.fields.get(name) == UNKNOWN for name in PLACE):
        return EventResponse("overtaken")  # a write of ours had no answer, and is sent once more
    if not is_edit and not _differs(context.found or event.body, link):
        return EventResponse("echo")
    if context.found is None:
        return NeedsRead("opportunity")
    if context.found.get("contactId") != event.contact:
        return EventResponse("overtaken")  # it is gone, or hangs on another contact by now
    if not is_edit and not _differs(context.found, link):
        return EventResponse("echo")
    if back.stage == "lofty":
        return EventResponse("answered", restore=PLACE)
    if not context.knows_stages and not _is_known(context.found, context.directory):
        return NeedsRead("stages")
    return _carried(context, table, link, context.found)


def _carried(context: EventContext, table: StageTable, link: LinkRow, found: Mapping[str, Any]) -> EventResponse:
    """GHL's place is what the link says from now on, and its stage goes to Lofty."""
    event = context.event
    where, status = (found.get(PIPELINE), found.get(STAGE)), str(found.get("status"))
    stage_ids = context.directory.stage_ids
    pairs = table.pairs_at(lambda one: None not in where and stage_ids(one.pipeline, one.stage) == where, status)
    hashes = (event.body.get("wanted") or {}) if event.type == LOFTY_STAGE_EDIT else link.fields
    before = hashes.get(LOFTY_STAGE)
    if not isinstance(before, str) or before == UNKNOWN:
        before = _stage_of(table, context.directory, link)
    fields = {name: field_hash(found.get(name)) for name in PLACE}
    base = {} if before is None else {LOFTY_STAGE: before}
    if not pairs:
        return EventResponse("left out", fields=fields | base, base=base, flags=(_no_pair(context, found),))
    pair = pairs[0]
    if any(stage_hash(one.lofty) == before for one in pairs if one.status == pair.status):
        return EventResponse("answered", fields=fields | base, base=base)  # Lofty's stage has this place already
    write = lofty_write(context, STAGE_COMMAND, "lead", {"fields": {STAGE_FIELD: pair.lofty}}, "moved in GHL")
    known = {"contact": event.contact, "base": {} if before is None else {STAGE_FIELD: before}}
    fields[LOFTY_STAGE] = stage_hash(pair.lofty)
    return EventResponse("answered", (write.model_copy(update=known),), fields=fields, base=base)


def _written(context: EventContext, link: LinkRow) -> EventResponse:
    """A command for Lofty's stage has ended: what Lofty reads from now on is newer, also if it is what it had before.

    Where something was settled meanwhile, that was perhaps such a read: it is repeated.
    """
    held, now = link.heard.get(LOFTY_STAGE), link.fields.get(LOFTY_STAGE)
    if held is None or now is None or held == now or now != context.event.body.get("stage"):
        return EventResponse("overtaken")
    return EventResponse("answered", fields=link.fields, base={LOFTY_STAGE: now}, reads=bool(link.settled))


def _judge_other(context: EventContext, table: StageTable, link: LinkRow) -> EventResponse | NeedsRead:
    """An opportunity that no link names. The lead's only one in its pipeline is taken up; which of several is its, nobody knows."""
    event, directory = context.event, context.directory
    pipelines = {directory.stage_ids(one.pipeline, one.stage)[0] for one in table.pairs}
    if event.type == LOFTY_STAGE_EDIT or event.body.get(PIPELINE) not in pipelines:
        return EventResponse("no rule")
    if link.ghl_id is not None and not link.is_deleted and link.refers_to == event.contact:
        why = "the lead has another opportunity in GHL, which alone is carried"
        return EventResponse("left out", flags=(why,) if event.type in OF_A_MOVE else ())
    listed = context.listed
    if event.id not in listed:
        return NeedsRead("opportunities")
    if len(listed) > 1:
        why = f"the contact has {len(listed)} opportunities in this pipeline: nobody knows which one is the lead's"
        return EventResponse("left out", flags=(why,) if event.type in OF_A_MOVE else ())
    return EventResponse("answered", takes=event.id)


def _differs(shown: Mapping[str, Any], link: LinkRow) -> bool:
    return any(link.fields.get(name) != field_hash(shown.get(name)) for name in PLACE)


def _stage_of(table: StageTable, directory: Directory, link: LinkRow) -> str | None:
    """The stage of Lofty (its hash) of the place that a link names; of several the first."""
    for one in table.pairs:
        place = dict(zip(PLACE, (*directory.stage_ids(one.pipeline, one.stage), one.status), strict=True))
        if not _differs(place, link):
            return stage_hash(one.lofty)
    return None


def _is_known(shown: Mapping[str, Any], directory: Directory) -> bool:
    return directory.knows_stage(str(shown.get(PIPELINE)), str(shown.get(STAGE)))


def _no_pair(context: EventContext, shown: Mapping[str, Any]) -> str:
    pipeline, stage = context.directory.stage_names(str(shown.get(PIPELINE)), str(shown.get(STAGE)))
    return f"stage: GHL's {stage!r} of the pipeline {pipeline!r} has no pair, so the lead's stage stays"
