"""How the fields of a write become those of a lead: the names differ, tags are added and removed, lists merge."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from connectors.sandbox.lofty.refusals import invalid
from connectors.sandbox.lofty.shapes import blank_inquiry, blank_lead, blank_property, tag
from connectors.sandbox.lofty.state import AUTHOR, LoftyRecord, TeamState

LONGEST_NAME = 30
LONGEST_TAG = 64

_COPIED = frozenset(blank_lead(0, 0, 0)) - {
    "leadId",
    "leadUserId",
    "teamId",
    "tags",
    "stage",
    "stageId",
    "leadType",
    "leadTypes",
    "lastUpdateTime",
}
"""What is taken as it comes. Read names (`leadInquiry`) replace, write names (`inquiry`) merge, others are ignored."""


def write(team: TeamState, lead: LoftyRecord, given: Mapping[str, Any], at_ms: int) -> None:
    """Apply a write to a lead. Raises `Refusal` for what Lofty refuses, and then nothing has changed."""
    if wrong := [name for name in ("emails", "phones") if not isinstance(given.get(name, []), list)]:
        raise invalid(f"{', '.join(wrong)} must be a list")
    fields = copy.deepcopy(lead.fields)
    for name in _COPIED & given.keys():
        fields[name] = given[name]
    for name in ("firstName", "lastName"):
        fields[name] = str(fields[name] or "")[:LONGEST_NAME]
    if "isHidden" in given:
        fields["hiddenFlag"] = bool(given["isHidden"])
    if "phones" in given:
        fields["phoneStatuses"] = [2] * len(given["phones"])
    if given.get("leadTypes"):
        fields["leadTypes"] = list(given["leadTypes"])
        fields["leadType"] = fields["leadTypes"][0]
    if given.get("stage"):
        fields["stage"] = str(given["stage"])
    fields["stageId"] = team.stage_id(fields["stage"])
    if isinstance(given.get("inquiry"), dict):
        fields["leadInquiry"] = {**(fields["leadInquiry"] or blank_inquiry()), **given["inquiry"]}
    if isinstance(given.get("property"), dict):
        _put_property(team, fields, given["property"])
    if "customAttributeList" in given:
        _put_attributes(fields, given["customAttributeList"] or [])
    _put_tags(team, lead.id, fields, given, at_ms)
    lead.fields = fields


def _put_property(team: TeamState, fields: dict[str, Any], given: Mapping[str, Any]) -> None:
    if not any(given.get(name) for name in ("streetAddress", "city", "state", "zipCode")):
        raise invalid("errorCode=200057: the property's address is empty")
    held = list(fields["leadPropertyList"] or [])
    position = next((at for at, one in enumerate(held) if one["id"] == given.get("id")), None)
    if position is None:
        held.append({**blank_property(next(team.ids)), **given})
    else:
        held[position] = {**held[position], **given}
    fields["leadPropertyList"] = held


def _put_attributes(fields: dict[str, Any], given: Iterable[Mapping[str, Any]]) -> None:
    """Custom attributes merge by name. Whether Lofty merges or replaces, nobody knows."""
    held = {one["attributeName"]: one for one in fields["customAttributes"] or []}
    for one in given:
        name = str(one["attributeName"])
        before = held.get(name, {"attributeName": name, "attributeType": "text", "value": "", "params": None})
        held[name] = {**before, **one}
    fields["customAttributes"] = list(held.values())


def _put_tags(team: TeamState, lead_id: int, fields: dict[str, Any], given: Mapping[str, Any], at_ms: int) -> None:
    held = {one["tagName"].casefold(): one for one in fields["tags"]}
    if given.get("clearAllTags") or "tags" in given:
        held = {}
    for name in (*(given.get("tags") or ()), *(given.get("tagsAdd") or ())):
        # Lofty takes names only; from the control API, tags as they are read are fine too.
        text = str(name["tagName"] if isinstance(name, dict) else name)[:LONGEST_TAG]
        if text.casefold() not in held:
            held[text.casefold()] = tag(team.tag_id(text), text, lead_id, AUTHOR["id"], at_ms)
    for name in given.get("tagsRemove") or ():
        held.pop(str(name).casefold(), None)
    fields["tags"] = list(held.values())
