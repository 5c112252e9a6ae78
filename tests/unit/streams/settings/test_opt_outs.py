"""`opt_outs` of a connection: on by default, and what follows from it."""

from __future__ import annotations

import pytest

from streams.settings import Connection, parse_settings

DND = {"dnd": False, "dndSettings": {"SMS": {"status": "active"}}}


def parsed(first: str = "", last: str = "") -> Connection:
    text = f"""
[connections.acme]
{first}
[connections.acme.lofty]
team_id = "1"
[connections.acme.ghl]
location_id = "L"
{last}
"""
    return parse_settings(text).connections["acme"]


def test_opt_outs_are_carried_by_default() -> None:
    """And GHL is searched for them each hour."""
    assert parsed().opt_outs
    assert parsed().back.opt_outs
    assert parsed().sweep.opt_outs_minutes == 60.0


def test_a_change_of_the_switch_makes_contacts_planned_again() -> None:
    """Nothing of a contact is settled as it was."""
    assert parsed().mapping_fingerprint != parsed("opt_outs = false").mapping_fingerprint


@pytest.mark.parametrize(
    ("type_", "body", "wanted"),
    [
        ("ContactDndUpdate", DND, True),
        ("ContactUpdate", DND, True),
        ("ContactUpdate", {"dnd": False}, False),
        ("ContactDndUpdate", {"dnd": False, "dndSettings": {}}, False),
        ("ContactCreate", DND, False),
        ("NoteCreate", DND, False),
    ],
)
def test_of_a_contacts_events_those_that_close_a_channel_matter(
    type_: str, body: dict[str, object], wanted: bool
) -> None:
    """An edit of a name is nothing to us where only opt-outs flow back, so it costs nothing."""
    assert parsed().back.wants(type_, body) is wanted
    assert not parsed("opt_outs = false").back.wants(type_, body)


def test_what_flows_back_besides_wants_its_events_as_before() -> None:
    """Whatever they say of opt-outs."""
    back = parsed(last='[connections.acme.back.fields]\nfirstName = "ghl"').back
    assert back.wants("ContactUpdate", {"dnd": False})
    assert not back.wants("ContactDndUpdate", {"dnd": False})
