"""Which values of a contact a refusal names, in GHL's many words."""

from __future__ import annotations

import pytest

from connectors.errors import VendorError
from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.core.to_ghl.plan import Call
from streams.core.to_ghl.refused_values import held_back, refusal_flags, refused_values
from streams.messages import Conflict

BODY = {"email": "a@x", "phone": "+1555", "dateOfBirth": "1990-13-01", "city": None}
CALL = Call("create contact", body=BODY, fields={name: field_hash(value) for name, value in BODY.items()})


def refusal(status: int, *words: str) -> VendorError:
    """GHL's answer."""
    return VendorError(vendor="ghl", operation="create-contact", status=status, messages=words)


@pytest.mark.parametrize(
    ("status", "words", "names"),
    [
        (422, ("phone must be a valid phone number",), {"phone"}),
        (400, ("The string supplied is too long to be a phone number",), {"phone"}),
        (400, ("Invalid country calling code",), {"phone"}),
        (422, ("email must be an email", "dateOfBirth must be a valid date"), {"email", "dateOfBirth"}),
        (400, ("Invalid e-mail",), {"email"}),
        (422, ("city must be a string",), set()),
        (422, ("Unprocessable Entity",), set()),
        (422, (), set()),
        (403, ("phone",), set()),
        (500, ("phone",), set()),
    ],
)
def test_a_refusal_names_the_values_that_it_is_about(status: int, words: tuple[str, ...], names: set[str]) -> None:
    """By the name that a message begins with, or by GHL's other words; only what was sent, and only in a refusal."""
    assert refused_values(CALL, refusal(status, *words)) == {name: field_hash(BODY[name]) for name in names}


@pytest.mark.parametrize("step", ["add tags", "create note", "find contact", "delete contact"])
def test_only_a_contacts_body_has_values_to_leave_out(step: str) -> None:
    """Everything else is refused as a whole."""
    assert refused_values(Call(step, body=BODY, fields=CALL.fields), refusal(422, "phone must be valid")) == {}  # type: ignore[arg-type]  # steps as plain text


def test_a_value_is_held_back_as_long_as_it_is_the_refused_one() -> None:
    """Another value is sent, and no flag speaks of the old one."""
    link = LinkRow(refused={"phone": field_hash("+1555")})
    assert held_back({"phone": "+1555", "city": "X"}, link) == {"phone"}
    assert held_back({"phone": "+12025550123"}, link) == frozenset()
    assert held_back({"phone": "+1555"}, None) == frozenset()
    assert refusal_flags({"phone": "+1555"}, link) == (
        "phone: GHL refuses this value; it is sent again once it changes",
    )
    assert refusal_flags({}, link) == ()


def test_a_refused_value_is_held_back_beside_an_earlier_conflict_of_its_field() -> None:
    """Otherwise it would be sent and refused without end."""
    conflict = Conflict(hash=field_hash("+12025550123"), contact_id="c1")
    link = LinkRow(refused={"phone": field_hash("+1555")}, conflicts={"phone": conflict})
    assert held_back({"phone": "+1555"}, link) == {"phone"}
    assert held_back({"phone": "+12025550123"}, link) == {"phone"}
