"""The catalogue."""

from __future__ import annotations

import pytest

from connectors.ghl.bodies import BODIES
from connectors.ghl.operations import CALENDAR_OPERATIONS, CONTACT_OPERATIONS, OPERATIONS, OPPORTUNITY_OPERATIONS
from connectors.http.operation import Operation
from connectors.outcome import CALENDARS, OPPORTUNITIES

ALL = sorted(OPERATIONS.values(), key=lambda one: one.name)


def test_all_contact_operations_are_there() -> None:
    """GHL's document has 32."""
    assert len(CONTACT_OPERATIONS) == 32


def test_no_two_operations_share_a_request() -> None:
    """Method and path name one operation."""
    assert len({(one.method, one.path) for one in ALL}) == len(ALL)


@pytest.mark.parametrize("operation", ALL, ids=lambda one: one.name)
def test_the_version_is_pinned(operation: Operation) -> None:
    """Calendars have their own; nothing speaks v3."""
    assert operation.version == ("2021-04-15" if operation.path.startswith("/calendars") else "2021-07-28")


@pytest.mark.parametrize("operation", ALL, ids=lambda one: one.name)
def test_reads_are_safe_and_only_posts_create(operation: Operation) -> None:
    """What repeating can do follows from the method, but for the POSTs that each have their own say."""
    if operation.method == "GET":
        assert operation.retry_class == "safe"
    elif operation.method != "POST":
        assert operation.retry_class == "repeatable"


def test_what_must_be_looked_for_before_it_is_repeated() -> None:
    """These make a second one when sent twice."""
    assert {one.name for one in ALL if one.retry_class == "create"} == {
        "create-contact",
        "create-task",
        "create-appointment",
        "create-note",
        "create-custom-field",
        "create-custom-value",
        "create-opportunity",
        "add-contact-to-campaign",
        "add-contact-to-workflow",
    }


def test_a_create_must_name_what_it_made() -> None:
    """Its answer cannot be empty: the id would be lost."""
    assert not [one.name for one in ALL if one.name.startswith("create-") and one.may_be_empty]


def test_each_body_belongs_to_an_operation() -> None:
    """And every POST and PUT has one."""
    assert BODIES.keys() <= OPERATIONS.keys()
    assert {one.name for one in ALL if one.method in ("POST", "PUT")} <= BODIES.keys()


def test_outcomes_know_the_operations_of_calendars() -> None:
    """`connectors/outcome.py` lies below this package and lists them itself."""
    assert {operation.name for operation in CALENDAR_OPERATIONS} == CALENDARS


def test_outcomes_know_the_operations_on_opportunities() -> None:
    """As those on calendars."""
    assert {operation.name for operation in OPPORTUNITY_OPERATIONS} == OPPORTUNITIES
