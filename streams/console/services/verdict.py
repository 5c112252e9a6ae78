"""The one sentence to "why is this lead not in GHL?". Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from streams.operations.history.story import Explanation
from streams.settings.model import Policies

Level = Literal["ok", "busy", "bad", "idle"]


@dataclass(frozen=True, slots=True)
class Answer:
    """`ok`: it is there. `busy`: it is on its way. `bad`: it waits for a person. `idle`: it rightly is not there."""

    level: Level
    words: str
    because: str = ""


def answer_of(found: Explanation, policies: Policies) -> Answer:
    """What is most important of a contact's state. `policies` are its connection's."""
    for_person = [one for one in found.pending if one.waits.startswith("a person")]
    if for_person:
        about = "" if found.ghl_id == "" else "It is in GHL, but not all of it as Lofty has it"
        return Answer("bad", about or "It is not in GHL", f"it waits for {for_person[0].waits}")
    if found.pending:
        about = "It is in GHL, and a newer state is on its way" if found.ghl_id else "It is on its way to GHL"
        return Answer("busy", about, f"it waits for {found.pending[0].waits}")
    if found.ghl_id and found.is_gone:
        return Answer("idle", "It was deleted in Lofty, and is still in GHL", _kept(policies))
    if found.ghl_id:
        return Answer("ok", "It is in GHL, as Lofty has it")
    words = next((words for key, words in found.standing.items() if ":contact:" in key), "")
    if words:
        return Answer("idle", "It is not in GHL", words)
    decision = next((one.decision for one in reversed(found.events) if one.decision), "")
    return Answer("idle", "It is not in GHL", decision)


def _kept(policies: Policies) -> str:
    """Why GHL keeps a contact whose lead is gone."""
    if policies.lead_deleted == "tag":
        return f"this connection keeps the contact, with the tag {policies.lead_deleted_tag}"
    if policies.lead_deleted == "delete":
        return "this connection deletes such a contact, and has not done so yet"
    return "this connection leaves such a contact as it is"
