"""Phones, e-mails, dates and numbers as people and Lofty write them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.mapping.locale import Locale, locale_of
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


US, DE, CH = locale_of("US"), locale_of("DE"), locale_of("CH")


@pytest.mark.parametrize(
    ("written", "in_us", "in_de"),
    [
        ("1.234", 1.234, 1234),
        ("1,234", 1234, 1.234),
        ("1.234,56", 1234.56, 1234.56),
        ("1,234.56", 1234.56, 1234.56),
        ("1.234.567", 1234567, 1234567),
        ("1,234,567", 1234567, 1234567),
        ("12,5", 12.5, 12.5),
        ("0,125", 0.125, 0.125),
        ("1234.567", 1234.567, 1234.567),
        ("1 234 567,8", 1234567.8, 1234567.8),
        ("1\u202f234,5", 1234.5, 1234.5),
        ("1\u2019234.50", 1234.5, 1234.5),
        ("1,00,000", 100000, 100000),
        ("€ 1.250,50", 1250.5, 1250.5),
        ("1.250,50 €", 1250.5, 1250.5),
        ("USD 1,250", 1250, 1.25),
        ("-$1,250.50", -1250.5, -1250.5),
        ("\u200f12\u200e", 12, 12),
        ("2.5e3", 2500, 2500),
    ],
)
def test_a_number_that_reads_in_two_ways_reads_as_the_locale_writes_it(
    written: str, in_us: float, in_de: float
) -> None:
    """What reads in one way reads so everywhere."""
    assert (read_number(written, US), read_number(written, DE)) == (in_us, in_de)


@pytest.mark.parametrize(
    "written",
    ["1.2.3", "1,23,4", "1.234,5,6", "1.234.56", "500k", "5-6", "1 23", "--5", "1.", "12 apples", ",", "1,,2"],
)
def test_a_number_is_never_guessed(written: str) -> None:
    """Groups that are none, ranges, units."""
    for locale in (US, DE, CH):
        with pytest.raises(UnreadableValue):
            read_number(written, locale)


@UNHURRIED
@given(
    st.decimals(-(10**12), 10**12, places=2),
    st.sampled_from([(",", ".", US), (".", ",", DE), ("\u2019", ".", CH), (" ", ",", DE)]),
)
def test_every_number_comes_back_from_how_people_write_it(number: Decimal, written: tuple[str, str, Locale]) -> None:
    """With its groups and its decimals."""
    group, decimal, locale = written
    text = f"{number:,.2f}".translate({ord(","): group, ord("."): decimal})
    assert read_number(text, locale) == float(number)


@pytest.mark.parametrize(
    ("written", "in_us", "in_gb"),
    [
        ("3/4/2026", "2026-03-04", "2026-04-03"),
        ("30/4/2026", "2026-04-30", "2026-04-30"),
        ("4/30/2026", "2026-04-30", "2026-04-30"),
        ("30.4.2026", "2026-04-30", "2026-04-30"),
        ("2026/04/30", "2026-04-30", "2026-04-30"),
        ("2026-05-01T02:30:00GMT", "2026-04-30", "2026-05-01"),
        ("2026-04-30 23:30:00", "2026-04-30", "2026-05-01"),
        (1777602600000, "2026-04-30", "2026-05-01"),
        ("2026-04-30", "2026-04-30", "2026-04-30"),
        (1777593600000, "2026-05-01", "2026-05-01"),
        ("1990-09-05T00:00:00GMT", "1990-09-05", "1990-09-05"),
    ],
)
def test_a_day_is_that_of_the_people_who_read_it(written: Any, in_us: str, in_gb: str) -> None:
    """New York's and London's; what was stored as a day stays that day, and what reads in two ways reads as the locale writes it."""
    assert (read_date(written, US), read_date(written, locale_of("GB"))) == (in_us, in_gb)


@pytest.mark.parametrize("written", ["9999-12-31T23:59:59Z", "1000-01-01T00:00:01Z", 253402300799000])
def test_the_ends_of_time_have_a_day(written: Any) -> None:
    """In every zone."""
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        assert read_date(written, locale_of("US", time_zone=zone))


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
