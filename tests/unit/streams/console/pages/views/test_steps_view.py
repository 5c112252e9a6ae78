"""The steps of a connection: what is done is read from what it is and has done, and one button comes next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streams.console.pages.views.steps_view import StepsView, access_words, steps_view
from streams.console.services.backfill import BackfillState
from streams.console.services.connections import ConnectionState, SideState
from streams.console.services.verifications import result_from
from streams.operations.access_check import AccessCheck, SideCheck
from tests.browser.samples import FOUND, VERIFIED

LOFTY = SideState("lofty", "123", "token", True, "connected with an API key")
GHL = SideState("ghl", "loc-1", "token", True, "connected with an API key")
PAUSED = ConnectionState(
    *("harbor", "US", "default", LOFTY, GHL, "", 0, 0, 0, ()),
    label="harbor",
    managed="console",
    version=3,
    state="paused",
)
IMPORTED = BackfillState(
    *("harbor", False, "", 1_000, 40, 40, 40, 1.0, "40 leads", 0, 0, 100, True),
)


def following(view: StepsView) -> list[tuple[str, str]]:
    """The step that comes next, with its button."""
    return [(one.title, one.go.words if one.go else "") for one in view.steps if one.is_next]


CASES = [
    ("its key is missing", replace(PAUSED, needs=("lofty_api_key",)), None, ("Lofty", "Paste the key of Lofty")),
    (
        "nobody has granted access",
        replace(PAUSED, ghl=replace(GHL, access="oauth", is_connected=False)),
        None,
        ("GoHighLevel", "Connect GoHighLevel"),
    ),
    (
        "a permission is missing",
        replace(PAUSED, ghl=replace(GHL, access="oauth", missing=("contacts.write",))),
        None,
        ("GoHighLevel", "Connect again"),
    ),
    ("both sides are there", PAUSED, None, ("Rehearsal", "Rehearse the import")),
    ("imported, and paused since", PAUSED, IMPORTED, ("Switch on", "Switch it on")),
    ("imported, and on", replace(PAUSED, state="in use"), IMPORTED, ("Compare", "Compare now")),
]


@pytest.mark.parametrize(("what", "one", "imported", "expected"), CASES, ids=[case[0] for case in CASES])
def test_the_first_step_that_is_not_done_has_the_button(
    what: str, one: ConnectionState, imported: BackfillState | None, expected: tuple[str, str]
) -> None:
    """And no other step comes next."""
    assert following(steps_view(one, None, imported, None)) == [expected]


def test_a_connection_of_the_file_cannot_be_switched_on_here() -> None:
    """It has no such button."""
    view = steps_view(replace(PAUSED, managed="file"), None, IMPORTED, None)
    assert following(view) == [("Switch on", "")]


def test_an_import_that_is_under_way_can_be_paused() -> None:
    """It says that everything waits then, and a paused one that it goes on; a connection of the file is paused there."""
    running = replace(IMPORTED, is_ordered=True, leads=10)

    def shown(one: ConnectionState) -> tuple[str, str, str]:
        view = steps_view(one, None, running, None)
        step = next(step for step in view.steps if step.title == "Import existing leads")
        return view.state_words(step), step.words, step.stop.do if step.stop else ""

    is_on = replace(PAUSED, state="in use")
    assert shown(is_on) == (
        "Under way",
        "10 of 40 leads were read. A pause stops it, and all that this connection carries; it goes on from there.",
        "pause",
    )
    assert shown(PAUSED)[0] == "Later"
    assert "goes on once the connection is switched on" in shown(PAUSED)[1]
    assert shown(replace(is_on, managed="file"))[2] == ""


def test_what_a_check_found_is_one_message() -> None:
    """Whose accounts they are; what is missing, and where to add it."""
    found = AccessCheck("harbor", SideCheck("Ann Vale", 40), SideCheck("Harbor", 1, ("locations.readonly",)))
    words, level = access_words(found)
    assert words.startswith("Lofty: whose key it is: Ann Vale, 40 leads. GoHighLevel: location Harbor, 1 contact.")
    assert ("locations.readonly" in words, "Private Integrations" in words, level) == (True, True, "warn")
    right = access_words(AccessCheck("harbor", SideCheck("Ann Vale", 40), SideCheck("Harbor", 1)))
    refused = access_words(AccessCheck("harbor", SideCheck(problem="401 no"), SideCheck("Harbor", 1)))
    assert (right[1], refused[1]) == ("ok", "warn")


@pytest.mark.parametrize(
    ("what", "is_live"), [({}, True), ({"wrong": 3, "is_right": False}, False), ({"is_right": False}, False)]
)
def test_a_comparison_is_done_once_it_found_all_right(what: dict[str, Any], is_live: bool) -> None:
    """Not when it found something wrong, and not when it could not compare everything."""
    right = replace(result_from(FOUND), wrong=0, undecided=0, is_right=True, unfinished=())
    compared = replace(VERIFIED, ended_ms=5, result=replace(right, **what))
    view = steps_view(replace(PAUSED, state="in use"), None, IMPORTED, compared)
    assert view.is_live is is_live


def test_a_look_for_new_leads_is_no_import() -> None:
    """A sweep reads leads, too; but not all of them."""
    swept = replace(IMPORTED, is_imported=False)
    view = steps_view(replace(PAUSED, state="in use"), None, swept, None)
    assert following(view) == [("Rehearsal", "Rehearse the import")]
