"""INSTALL and UNINSTALL of locations that wait to be paired."""

from __future__ import annotations

import orjson
import pytest

from connectors.ghl.webhooks import Hook, parse
from streams.gateway.marketplace_events import agency_end, changes, is_known
from streams.mapping_versions.connection_log import ConnectionLog
from streams.messages.installation import Installation, LocationReport

AGENCY = Installation(subject="agency", kind="company", sealed="s", locations={"a": "A", "b": "B"}, at_ms=1_000)
SINGLE = Installation(subject="solo", kind="location", sealed="s", locations={"solo": ""}, at_ms=1_000)
INSTALLED = {"agency": AGENCY, "solo": SINGLE}


def hook(type_: str, location: str, company: str = "agency") -> Hook:
    """A webhook as GHL sends it."""
    return parse(orjson.dumps({"type": type_, "locationId": location, "companyId": company}))


def after(*events: tuple[str, str, int], agency: Installation = AGENCY) -> list[str]:
    """The agency's locations after webhooks, each of which was decided on what was known then."""
    log = ConnectionLog(installations={"agency": agency})
    for type_, location, at_ms in events:
        for one in changes(hook(type_, location), log.installed(), at_ms):
            assert one.value is not None
            log.take_location_report(LocationReport.from_bytes(one.value))
    return sorted(log.installed()["agency"].locations)


def test_an_agencys_location_goes_and_comes() -> None:
    """Its tokens are never written by a gateway: the report is a record of its own."""
    assert after(("UNINSTALL", "a", 2_000)) == ["b"]
    assert after(("UNINSTALL", "a", 2_000), ("INSTALL", "a", 3_000)) == ["a", "b"]
    assert after(("INSTALL", "c", 2_000)) == ["a", "b", "c"]


def test_what_is_older_than_the_list_or_than_another_webhook_says_nothing() -> None:
    """Webhooks come late and in any order; GHL's own list is newer than them."""
    assert after(("UNINSTALL", "a", 900)) == ["a", "b"]
    assert after(("INSTALL", "c", 3_000), ("UNINSTALL", "c", 2_000)) == ["a", "b", "c"]
    listed = AGENCY.model_copy(update={"listed_ms": 5_000})
    assert after(("UNINSTALL", "a", 4_000), agency=listed) == ["a", "b"]
    log = ConnectionLog(installations={"agency": AGENCY})
    log.take_location_report(LocationReport(location="a", company="agency", is_installed=False, at_ms=4_000))
    log.take_installation("agency", listed)
    assert sorted(log.installed()["agency"].locations) == ["a", "b"]


def test_a_single_locations_installation_ends_with_its_app() -> None:
    """Its tokens open nothing any longer. A webhook from before it was installed again says nothing."""
    [change] = changes(hook("UNINSTALL", "solo"), INSTALLED, 2_000)
    assert (change.key, change.value) == ("installation:solo", None)
    assert changes(hook("UNINSTALL", "solo"), INSTALLED, 900) == []


def test_an_agencys_installation_ends_with_its_app() -> None:
    """Unless GHL listed its locations since, so that its tokens still opened something."""
    [change] = agency_end("agency", INSTALLED, 2_000)
    assert (change.key, change.value) == ("installation:agency", None)
    assert agency_end("agency", INSTALLED, 900) == []
    assert agency_end("agency", {"agency": AGENCY.model_copy(update={"listed_ms": 5_000})}, 4_000) == []
    assert (agency_end("other", INSTALLED, 2_000), agency_end("solo", INSTALLED, 2_000)) == ([], [])


@pytest.mark.parametrize(
    ("type_", "location", "company", "known"),
    [
        ("INSTALL", "a", "agency", True),
        ("INSTALL", "solo", "other", True),
        ("INSTALL", "new", "other", False),
        ("UNINSTALL", "new", "agency", True),
    ],
)
def test_the_others_change_nothing(type_: str, location: str, company: str, known: bool) -> None:
    """A location that waits already, and one that nobody knows."""
    found = hook(type_, location, company)
    assert (changes(found, INSTALLED, 2_000), is_known(found, INSTALLED)) == ([], known)
