"""Opt-outs among the requests of a contact: in the create's body, before all other changes, on a contact that is shared, too."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import VendorError
from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.core.to_ghl.compare import adopted_contact_fields
from streams.core.to_ghl.plan import UNKNOWN, Call, DesiredContact, Plan, Settled, doubt
from streams.core.to_ghl.plan_contact import plan_contact
from streams.core.to_ghl.refused_values import refused_values
from streams.mapping.opt_outs import OPT_OUTS, closing, mark

SMS = frozenset({"SMS"})
NONE: frozenset[str] = frozenset()


def planned(opt_outs: frozenset[str] | None, link: LinkRow | None, **fields: Any) -> Plan:
    """The next request for a lead with an e-mail."""
    desired = DesiredContact({"email": "a@x.test", **fields}, ("lofty",), "77", None, opt_outs)
    return plan_contact(desired, link, 0, search_lag_ms=0)


def linked(**more: Any) -> LinkRow:
    """The link of a contact that needs nothing."""
    return LinkRow(ghl_id="g", fields={"email": field_hash("a@x.test"), **more}, tags=("lofty",))


def call(plan: Plan) -> Call:
    assert isinstance(plan, Call), plan
    return plan


def test_a_create_has_them_in_its_body() -> None:
    """A contact is never there without them, not for a moment."""
    made = call(planned(SMS, None))
    assert (made.step, made.body[OPT_OUTS]) == ("create contact", closing(SMS))
    assert (made.fields or {})[OPT_OUTS] == mark(SMS)
    assert OPT_OUTS not in call(planned(NONE, None)).body
    assert OPT_OUTS not in call(planned(None, None)).body


def test_they_go_before_all_other_changes() -> None:
    """And what GHL refuses of those cannot hold them up."""
    first = call(planned(SMS, linked(), lastName="Ode"))
    assert (first.step, first.contact_id, first.body) == ("write opt-outs", "g", {OPT_OUTS: closing(SMS)})
    second = call(planned(SMS, linked(**{OPT_OUTS: mark(SMS)}), lastName="Ode"))
    assert (second.step, second.body) == ("update contact", {"lastName": "Ode"})
    assert (second.fields or {})[OPT_OUTS] == mark(SMS)


@pytest.mark.parametrize(
    ("opt_outs", "known", "settles"),
    [
        (SMS, mark(SMS), True),
        (SMS, UNKNOWN, False),
        (SMS, mark({"Call"}), False),
        (NONE, None, True),
        (NONE, mark(NONE), True),
        (NONE, mark(SMS), False),
        (NONE, UNKNOWN, False),
        (None, UNKNOWN, True),
    ],
)
def test_they_are_carried_once(opt_outs: frozenset[str] | None, known: str | None, settles: bool) -> None:
    """Again only where Lofty's flags have changed, or where it is not known what was carried."""
    link = linked() if known is None else linked(**{OPT_OUTS: known})
    assert isinstance(planned(opt_outs, link), Settled) is settles


def test_a_lead_that_shares_a_contact_closes_its_channels() -> None:
    """Nothing else of it is written there."""
    shared = linked().model_copy(update={"shares": "c:78:contact:78", "fields": {}})
    assert call(planned(SMS, shared, lastName="Ode")).step == "write opt-outs"
    assert isinstance(planned(NONE, shared, lastName="Ode"), Settled)


def test_a_lost_answer_makes_them_unknown() -> None:
    """So they are compared again, whatever is wanted by then."""
    lost = doubt(call(planned(SMS, linked())), linked())
    assert lost["fields"][OPT_OUTS] == UNKNOWN


@pytest.mark.parametrize(
    ("opt_outs", "contact", "known"),
    [
        (NONE, {}, None),
        (None, {"dnd": True}, None),
        (SMS, {}, UNKNOWN),
        (NONE, {"dnd": True}, UNKNOWN),
        (SMS, {OPT_OUTS: {"SMS": {"status": "permanent"}}}, mark(SMS)),
    ],
)
def test_an_adopted_contact_is_compared_where_it_differs(
    opt_outs: frozenset[str] | None, contact: dict[str, Any], known: str | None
) -> None:
    """It was just read, so where both sides are equal no request is needed."""
    desired = DesiredContact({"email": "a@x.test"}, (), "77", None, opt_outs)
    assert adopted_contact_fields(desired, contact, ()).get(OPT_OUTS) == known


def test_opt_outs_are_no_value_that_is_left_out() -> None:
    """A contact is rather not created than created open."""
    words = ("dndSettings must be an object",)
    error = VendorError(vendor="ghl", operation="create-contact", status=422, messages=words)
    assert refused_values(call(planned(SMS, None)), error) == {}
