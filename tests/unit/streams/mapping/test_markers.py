"""Markers tie notes and tasks in GHL to Lofty's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.mapping.markers import find_marker, marker, with_marker
from tests.unit.streams.mapping.odd_leads import UNHURRIED


@UNHURRIED
@given(st.text(), st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True))
def test_a_marker_is_found_in_any_text(text: str, lofty_id: str) -> None:
    """Whatever is above it, even another marker."""
    assert find_marker(with_marker(text, "note", lofty_id), "note") == lofty_id
    assert find_marker(with_marker(marker("note", "1") + "\n" + text, "note", lofty_id), "note") == lofty_id


@pytest.mark.parametrize(
    "body",
    [
        "hello\n\n[lofty-note:7]",
        "hello\n\n[lofty-note:7]\n\nadded by a GHL user",
        "<p>hello</p><p>[lofty-note:7]</p>",
        "hello<br>[lofty-note:7]<br />",
        "hello\r\n[lofty-note:7]\r\n",
    ],
)
def test_a_marker_survives_what_ghl_and_its_users_do(body: str) -> None:
    """HTML around it, other line ends, text below it."""
    assert find_marker(body, "note") == "7"


@pytest.mark.parametrize("body", [None, "", "see [lofty-note:7] above", "[lofty-task:7]", "[lofty-note:]"])
def test_what_is_no_marker_is_not_found(body: str | None) -> None:
    """A mention within a sentence, or another kind's."""
    assert find_marker(body, "note") is None
