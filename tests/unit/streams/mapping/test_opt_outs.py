"""Opt-outs: what each side's JSON says, and what is written where. Nothing is ever opened."""

from __future__ import annotations

from typing import Any

import pytest

from streams.mapping.opt_outs import (
    OPT_OUTS,
    carried,
    closed_in_ghl,
    closed_in_lofty,
    closing,
    flags_of,
    flags_to_set,
    is_due,
    mark,
    to_close_in_ghl,
)

ACTIVE, PERMANENT, INACTIVE = {"status": "active"}, {"status": "permanent"}, {"status": "inactive"}
ALL = {"Call", "Email", "SMS"}


@pytest.mark.parametrize(
    ("lead", "closed"),
    [
        ({"cannotText": True}, {"SMS"}),
        ({"cannotCall": True}, {"Call"}),
        ({"cannotEmail": True}, {"Email"}),
        ({"unsubscription": True}, {"Email"}),
        ({"cannotText": True, "unsubscription": True, "cannotEmail": False}, {"SMS", "Email"}),
        ({"cannotText": None, "cannotCall": False}, set()),
        ({"cannotText": "true", "cannotCall": 1}, set()),
        ({}, set()),
    ],
)
def test_what_a_lead_has_closed(lead: dict[str, Any], closed: set[str]) -> None:
    """Only `true` closes a channel; null, absent and everything else says nothing."""
    assert closed_in_lofty(lead) == closed


@pytest.mark.parametrize(
    ("contact", "closed"),
    [
        ({"dnd": True}, ALL),
        ({"dnd": True, OPT_OUTS: {"SMS": INACTIVE}}, ALL),
        ({"dnd": True, OPT_OUTS: {"SMS": INACTIVE, "Call": INACTIVE, "Email": ACTIVE, "FB": ACTIVE}}, ALL),
        ({"dnd": "true", OPT_OUTS: {"SMS": {"status": True}, "Call": {"status": "ACTIVE"}}}, set()),
        ({"dnd": 1, OPT_OUTS: {"RCS": ACTIVE, "all": ACTIVE}}, set()),
        ({"dnd": False, OPT_OUTS: {"sms": ACTIVE, "whatsApp": ACTIVE, "email": PERMANENT}}, {"SMS", "Email"}),
        ({OPT_OUTS: {"SMS": ACTIVE, "WhatsApp": ACTIVE}}, {"SMS"}),
        ({OPT_OUTS: {"SMS": PERMANENT, "Email": INACTIVE}}, {"SMS"}),
        ({"dnd": False, OPT_OUTS: {}}, set()),
        ({"dnd": None, OPT_OUTS: None}, set()),
        ({OPT_OUTS: {"SMS": None, "Call": "active"}}, set()),
        ({OPT_OUTS: []}, set()),
    ],
)
def test_what_a_contact_has_closed(contact: dict[str, Any], closed: set[str]) -> None:
    """`dnd` closes all channels, whatever each of them says; an active or permanent status closes one. What is neither says nothing."""
    assert closed_in_ghl(contact) == closed


@pytest.mark.parametrize(
    ("wanted", "contact", "written"),
    [
        ({"SMS"}, {}, closing({"SMS"})),
        ({"SMS"}, {OPT_OUTS: {"SMS": PERMANENT}}, None),
        ({"SMS"}, {"dnd": True}, None),
        (set(), {OPT_OUTS: {"Email": ACTIVE}}, None),
        (
            {"SMS"},
            {OPT_OUTS: {"WhatsApp": {**ACTIVE, "message": "m", "code": "c", "more": 1}, "FB": INACTIVE}},
            closing({"SMS"}) | {"WhatsApp": {**ACTIVE, "message": "m", "code": "c"}},
        ),
        ({"SMS"}, {OPT_OUTS: {"Email": PERMANENT, "Call": ACTIVE}}, closing({"SMS"}) | {"Call": ACTIVE}),
        ({"SMS"}, {OPT_OUTS: {"email": ACTIVE, "call": PERMANENT}}, closing({"SMS"}) | {"Email": ACTIVE}),
        ({"SMS"}, {OPT_OUTS: {"RCS": ACTIVE, "SMS": INACTIVE}}, closing({"SMS"})),
    ],
)
def test_what_is_written_to_ghl(wanted: set[str], contact: dict[str, Any], written: dict[str, Any] | None) -> None:
    """All that is closed stays in what replaces it; nothing is written as open or permanent, and nothing without need."""
    assert to_close_in_ghl(wanted, contact) == written


def test_what_is_written_to_lofty() -> None:
    """Flags are set, never cleared, and not where another flag of the lead closes the channel already."""
    flags = flags_of(ALL)
    assert flags == {"cannotCall": True, "cannotEmail": True, "cannotText": True}
    assert flags_to_set(flags, {"unsubscription": True, "cannotCall": True}) == {"cannotText": True}
    assert flags_to_set({"cannotText": False}, {"cannotText": True}) == {}


@pytest.mark.parametrize(
    ("lead", "fields", "due"),
    [
        ({}, {}, False),
        ({"cannotText": True}, {}, True),
        ({"cannotText": True}, {OPT_OUTS: mark({"SMS"})}, False),
        ({"cannotText": True, "cannotCall": True}, {OPT_OUTS: mark({"SMS"})}, True),
        ({}, {OPT_OUTS: mark({"SMS"})}, True),
        ({}, {OPT_OUTS: mark(())}, False),
        ({}, {OPT_OUTS: ""}, True),
    ],
)
def test_when_a_contact_must_be_compared(lead: dict[str, Any], fields: dict[str, str], due: bool) -> None:
    """When Lofty's flags differ from those that were carried, or when it is not known which were."""
    assert is_due(lead, fields) is due


def test_a_mark_reads_back() -> None:
    """The link says which channels Lofty has closed; what is not known says none."""
    assert carried({OPT_OUTS: mark({"SMS", "Call"})}) == {"SMS", "Call"}
    assert [carried({OPT_OUTS: one}) for one in (mark(()), "", "0f3a")] == [set()] * 3
    assert carried({}) == set()
