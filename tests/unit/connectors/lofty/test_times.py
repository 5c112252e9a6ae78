"""Every format of time that Lofty writes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.lofty.times import parse_time_ms, to_birthday, to_gmt, to_iso, to_plain

AT = 1_777_570_412_000  # 2026-04-30 17:33:32 UTC
TIMES = st.integers(1, 253_402_300_799).map(lambda seconds: seconds * 1000)


@pytest.mark.parametrize(
    "value",
    [
        AT,
        float(AT),
        str(AT),
        "2026-04-30T17:33:32GMT",
        "2026-04-30T17:33:32Z",
        "2026-04-30T17:33:32+00:00",
        "2026-04-30T12:33:32-05:00",
        "2026-04-30T12:33:32-0500",
        "2026-04-30T17:33:32.000+00:00",
        "2026-04-30 17:33:32",
        "2026-04-30T17:33:32",
        " 2026-04-30 17:33:32 GMT ",
    ],
)
def test_all_formats_of_one_moment_are_that_moment(value: Any) -> None:
    """A time without an offset is UTC."""
    assert parse_time_ms(value) == AT


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-06-10T05:51:02.165+00:00", 1_781_070_662_165),
        ("2026-06-10T05:51:02.1Z", 1_781_070_662_100),
        ("2026-06-10T05:51:02.165999GMT", 1_781_070_662_165),
        ("2026-06-10", 1_781_049_600_000),
    ],
)
def test_milliseconds_and_bare_dates_are_read(value: str, expected: int) -> None:
    """What is finer than a millisecond is cut."""
    assert parse_time_ms(value) == expected


@pytest.mark.parametrize("value", [None, "", " ", 0, -1, -1.0, "N/A", "0", "-1", False, True, [], {}, b"2026-01-01"])
def test_unset_values_are_no_time(value: Any) -> None:
    """Lofty has many words for nothing."""
    assert parse_time_ms(value) is None


@pytest.mark.parametrize(
    "value",
    ["2026-13-01", "2026-02-30 00:00:00", "tomorrow", "0001-01-01T00:00:00+23:59", "9" * 400, float("nan"), 10**18],
)
def test_nonsense_is_no_time(value: Any) -> None:
    """And no error."""
    assert parse_time_ms(value) is None


@given(st.text() | st.integers() | st.floats() | st.from_regex(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*", fullmatch=True))
def test_no_value_raises(value: Any) -> None:
    """Whatever comes is milliseconds after the epoch, or None."""
    found = parse_time_ms(value)
    assert found is None or (isinstance(found, int) and found > 0)


@given(TIMES, st.sampled_from([to_iso, to_gmt, to_plain]))
def test_what_is_written_is_read_as_the_same_moment(at_ms: int, write: Any) -> None:
    """To the second: that is as fine as Lofty's texts are."""
    assert parse_time_ms(write(at_ms)) == at_ms


@given(st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30), timezones=st.timezones()))
def test_any_offset_is_read(moment: datetime) -> None:
    """As Python itself writes it."""
    text = moment.astimezone(UTC).isoformat(timespec="seconds")
    assert parse_time_ms(text) == int(datetime.fromisoformat(text).timestamp()) * 1000


def test_a_birthday_is_written_as_lofty_reads_it() -> None:
    """`MMM d, yyyy`."""
    assert to_birthday(AT) == "Apr 30, 2026"
