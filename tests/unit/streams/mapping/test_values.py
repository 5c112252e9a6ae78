"""Phones, e-mails, dates and numbers as people and Lofty write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from streams.mapping.values import UnreadableValue, read_date, read_email, read_instant, read_number, read_phone
from tests.unit.streams.mapping.odd_leads import UNHURRIED, json_values


@pytest.mark.parametrize(
    ("written", "e164"),
    [
        ("5125550134", "+15125550134"),
        ("(512) 555-0134", "+15125550134"),
        ("1-512-555-0134", "+15125550134"),
        ("512.555.0134 x12", "+15125550134"),
        (5125550134, "+15125550134"),
        ("+44 20 7946 0958", "+442079460958"),
        ("442079460958", "+442079460958"),
        ("5551234567", "+15551234567"),
    ],
)
def test_phones_read(written: Any, e164: str) -> None:
    """Unformatted, formatted, with extension, with or without the plus sign; possible but unassigned numbers too."""
    assert read_phone(written, "US") == e164


@pytest.mark.parametrize(
    "written", ["", "none", "555-0134", "123", "5125550134512555013451255501345", None, True, [], 10**200]
)
def test_phones_that_ghl_would_refuse_are_unreadable(written: Any) -> None:
    """Too short, too long, local only, or no number at all."""
    with pytest.raises(UnreadableValue):
        read_phone(written, "US")


@pytest.mark.parametrize("written", ["a@b.co", " A@B.CO ", "mailto:a@b.co"])
def test_emails_read_in_lower_case(written: str) -> None:
    """GHL compares them so."""
    assert read_email(written) == "a@b.co"


@pytest.mark.parametrize(
    "written", ["", "a", "a@b", "a b@c.de", "a@b..co", ".a@b.co", "a..b@c.de", "a@-b.co", "ä@b.co", None, 3]
)
def test_what_is_no_email_is_unreadable(written: Any) -> None:
    """GHL refuses a whole contact for it."""
    with pytest.raises(UnreadableValue):
        read_email(written)


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        (1777570412000, "2026-04-30T17:33:32Z"),
        ("1777570412000", "2026-04-30T17:33:32Z"),
        ("2026-04-30T17:33:32GMT", "2026-04-30T17:33:32Z"),
        ("2026-04-30T12:33:32-05:00", "2026-04-30T17:33:32Z"),
        ("2026-04-30T17:33:32.165Z", "2026-04-30T17:33:32Z"),
        ("2026-04-30 17:33:32", "2026-04-30T17:33:32Z"),
        ("2026-04-30", "2026-04-30T00:00:00Z"),
        ("Apr 30, 2026", "2026-04-30T00:00:00Z"),
        ("4/30/2026", "2026-04-30T00:00:00Z"),
    ],
)
def test_every_time_format_of_lofty_reads(written: Any, iso: str) -> None:
    """Epoch milliseconds, ...GMT, ISO with offset, naive UTC, and birthdays."""
    assert read_instant(written) == iso
    assert read_date(written) == iso[:10]


@pytest.mark.parametrize(
    "written", ["", "soon", "2026-13-40", "0000-00-00", None, True, -1, 0, 10**30, float("nan"), "9" * 5000]
)
def test_what_is_no_time_is_unreadable(written: Any) -> None:
    """Never another error."""
    with pytest.raises(UnreadableValue):
        read_date(written)


@pytest.mark.parametrize(
    ("written", "number"), [("$1,250.50", 1250.5), ("3.0", 3), (" 7 % ", 7), ("-2", -2), (1e3, 1000), (2, 2)]
)
def test_numbers_read(written: Any, number: float) -> None:
    """With currency, thousands and percent signs; whole ones as whole numbers."""
    assert read_number(written) == number


@pytest.mark.parametrize("written", ["", "many", "1e999", "nan", "1_000", float("inf"), 2**60, True, None, []])
def test_what_json_cannot_carry_is_no_number(written: Any) -> None:
    """Infinite, not a number, or beyond what a reader's doubles hold."""
    with pytest.raises(UnreadableValue):
        read_number(written)


@UNHURRIED
@given(json_values)
def test_readers_raise_nothing_but_unreadable(value: Any) -> None:
    """Whatever JSON holds."""
    outcomes = []
    for read in (read_email, read_number, read_date, read_instant, lambda one: read_phone(one, "US")):
        try:
            outcomes.append(read(value))
        except UnreadableValue as error:
            outcomes.append(str(error))
    assert len(outcomes) == 5
