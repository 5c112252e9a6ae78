"""Signed bodies that were kept already."""

from __future__ import annotations

from streams.gateway.repeats import Repeats


def test_a_body_is_known_once_it_was_noted_and_only_byte_for_byte() -> None:
    """Nothing is known before."""
    repeats = Repeats()
    assert not repeats.knows(b"a")
    repeats.note(b"a")
    assert (repeats.knows(b"a"), repeats.knows(b"a ")) == (True, False)


def test_a_bounded_number_is_remembered() -> None:
    """The oldest go first; one that is noted again is young again."""
    repeats = Repeats(most=2)
    for body in (b"a", b"b", b"a", b"c"):
        repeats.note(body)
    assert [repeats.knows(one) for one in (b"a", b"b", b"c")] == [True, False, True]
