"""Backoff, fingerprints, a location's names and the tables' rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.core.fingerprint import field_hash, fingerprint
from streams.core.rows import FetchRow, LinkRow, SeenRow
from streams.core.scheduling.retry import Backoff
from streams.core.to_ghl.directory import Directory, fold
from streams.messages import Message

JITTERS = st.floats(0, 1, exclude_max=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(attempt=st.integers(1, 10_000), jitter=JITTERS)
def test_a_wait_stays_between_its_floor_and_its_most(attempt: int, jitter: float) -> None:
    """However often something failed, no overflow, never at once, never longer than the most."""
    backoff = Backoff(first_seconds=1.0, most_seconds=300.0, floor=0.1)
    ceiling = min(300.0, 2.0 ** min(attempt - 1, 30))
    assert 0.1 * ceiling <= backoff.wait_seconds(attempt, jitter) <= ceiling


@given(attempt=st.integers(1, 8), jitter=JITTERS)
def test_each_attempt_doubles_the_wait(attempt: int, jitter: float) -> None:
    """For the same jitter, until the most is reached."""
    backoff = Backoff(most_seconds=1e9)
    assert backoff.wait_seconds(attempt + 1, jitter) == 2 * backoff.wait_seconds(attempt, jitter)


def test_jitter_spreads_over_the_whole_range() -> None:
    """Those who failed together do not come back together."""
    backoff = Backoff(first_seconds=8.0, floor=0.0)
    assert [backoff.wait_seconds(1, jitter) for jitter in (0.0, 0.25, 0.75)] == [0.0, 2.0, 6.0]


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=5))
def test_the_order_of_keys_does_not_change_a_fingerprint(state: dict[str, object]) -> None:
    """Two reads of the same state have the same fingerprint."""
    turned = dict(reversed(list(state.items())))
    assert fingerprint(state) == fingerprint(turned)
    assert len(fingerprint(state)) == 32


@given(one=JSON, other=JSON)
def test_different_values_have_different_hashes(one: object, other: object) -> None:
    """True is not 1, and empty is not absent."""
    is_same = repr(one) == repr(other)
    assert (field_hash(one) == field_hash(other)) == is_same or isinstance(one, dict | list)
    alike: list[object] = [None, "", 0, False, [], {}, "0"]
    assert len({field_hash(value) for value in alike}) == 7


def test_names_are_compared_without_case_and_outer_blanks() -> None:
    """What a person typed into GHL or into the mapping is found."""
    directory = Directory({fold("Lofty Stage"): "f1"}, {fold("Ann@X.test"): "u1"})
    assert directory.custom_field_id(" lofty stage ") == "f1"
    assert directory.user_id("ANN@x.test") == "u1"
    assert (directory.custom_field_id("other"), directory.user_id("other")) == (None, None)
    assert directory.missing(["LOFTY STAGE", "Other"]) == ("Other",)


def test_rows_read_back_as_they_were_written() -> None:
    """Tables hold JSON: what is put is what is got, also by a newer reader."""
    fetch = FetchRow.model_validate_json(
        b'{"connection":"c","lead":"7","kind":"note","id":"9","operation":"updated","newest_update_ms":2,'
        b'"oldest_update_ms":1,"accepted_ms":3,"origin":"sweep","a_field_of_tomorrow":1}'
    )
    rows: list[Message] = [
        fetch,
        SeenRow(update_time_ms=1, operation="deleted"),
        LinkRow(tags=("a",), fields={"x": "h"}),
    ]
    assert [type(row).from_bytes(row.to_bytes()) for row in rows] == rows
    assert fetch.entity.key == "c:7:note:9"
