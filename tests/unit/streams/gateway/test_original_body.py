"""Signed bodies that were kept already."""

from __future__ import annotations

from streams.gateway.original_body import OriginalBodies


def test_a_body_is_known_once_it_was_noted_and_only_byte_for_byte() -> None:
    """Nothing is known before."""
    kept = OriginalBodies()
    assert not kept.knows(b"a")
    kept.note(b"a")
    assert (kept.knows(b"a"), kept.knows(b"a ")) == (True, False)


def test_a_bounded_number_is_remembered() -> None:
    """The oldest go first; one that is noted again is young again."""
    kept = OriginalBodies(most=2)
    for body in (b"a", b"b", b"a", b"c"):
        kept.note(body)
    assert [kept.knows(one) for one in (b"a", b"b", b"c")] == [True, False, True]
