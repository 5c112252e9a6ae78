"""Faults in the opportunities that GHL holds at the end."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from tests.chaos.history import History
from tests.chaos.history_planting import Pick, pick_from


def lose_an_opportunity(history: History, pick: Pick[Any]) -> History:
    """A lead's opportunity is not there."""
    contacts, found, one = _some_opportunity(history, pick)
    found["opportunities"].remove(one)
    return replace(history, contacts=contacts)


def move_an_opportunity(history: History, pick: Pick[Any]) -> History:
    """An opportunity is in another stage than its lead's."""
    contacts, found, one = _some_opportunity(history, pick)
    stages = found["pipelines"][0]["stages"]
    one["pipelineStageId"] = next(other["id"] for other in stages if other["id"] != one["pipelineStageId"])
    return replace(history, contacts=contacts)


def double_a_standing_opportunity(history: History, pick: Pick[Any]) -> History:
    """A contact has two of them in one pipeline."""
    contacts, found, one = _some_opportunity(history, pick)
    found["opportunities"].append({**one, "id": "twin"})
    return replace(history, contacts=contacts)


def _some_opportunity(history: History, pick: Pick[Any]) -> tuple[Mapping[str, Any], dict[str, Any], dict[str, Any]]:
    """A copy of all that GHL holds, and in it an opportunity of a lead that lives and has a stage with a pair, with its location."""
    contacts = deepcopy(dict(history.contacts))
    those = []
    for name, found in contacts.items():
        paired = {one.lofty for one in history.settings.connections[name].stages}
        rows = (row for row in history.leads[name] if not row["isDeleted"] and row["lead"].get("stage") in paired)
        living = {str(row["lead"]["leadId"]) for row in rows}
        own = {one["id"] for one in found["contacts"] if living & set(map(str, one["customFields"].values()))}
        those += [(found, one) for one in found["opportunities"] if one["contactId"] in own]
    found, one = pick_from(pick, those)
    return contacts, found, one
