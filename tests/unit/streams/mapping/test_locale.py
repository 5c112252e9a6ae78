"""How the people of a region write, and whose day it is."""

from __future__ import annotations

from typing import Any

import pytest

from streams.mapping.locale import PLAIN, default_locale, local, locale_of, zone_named, zone_of
from streams.mapping.values import REGIONS

NO_ZONES = [
    "",
    "America",
    "../etc/passwd",
    "Foo/Bar",
    "x" * 1000,
    "America/New_York\x00",
    None,
    7,
    [],
    "/etc/localtime",
]


def test_every_region_has_a_locale_and_a_zone() -> None:
    """Those of most of its people; UTC where the table knows none."""
    found = {region: locale_of(region) for region in REGIONS}
    assert [found[region].decimal for region in ("US", "GB", "DE", "MX", "CH", "BR", "CA")] == list("..,..,.")
    assert [found[region].is_day_first for region in ("US", "CA", "GB", "DE")] == [False, False, True, True]
    assert [str(found[region].zone) for region in ("US", "DE", "GL")] == ["America/New_York", "Europe/Berlin", "UTC"]
    assert default_locale("FR") == "fr-FR"


def test_what_a_person_sets_counts() -> None:
    """More than the region's."""
    found = locale_of("US", "de-DE", "Europe/Vienna")
    assert (found.decimal, found.is_day_first, str(found.zone)) == (",", True, "Europe/Vienna")
    assert locale_of("DE", "en").decimal == "."


@pytest.mark.parametrize("tag", ["xx", "en_US", "EN-us", "english", "en-", "en-USA"])
def test_a_locale_that_is_none_is_refused(tag: str) -> None:
    """With what would be one."""
    with pytest.raises(ValueError, match="such as en-US or de-DE"):
        locale_of("US", tag)


@pytest.mark.parametrize("name", NO_ZONES)
def test_what_is_no_zone_is_none(name: Any) -> None:
    """Whatever Lofty sends."""
    assert zone_named(name) is None
    assert local({"timeZoneCode": name}, PLAIN) is PLAIN


def test_lofty_may_say_whose_time_it_is() -> None:
    """A task's own zone comes before the connection's."""
    assert str(zone_of({"timeZoneCode": "Europe/Paris"}, locale_of("US"))) == "Europe/Paris"
    assert local({"timeZoneCode": "Europe/Paris"}, locale_of("DE")).decimal == ","
