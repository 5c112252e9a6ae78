"""Which edits count: the order of the topic decides, for every reader alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.mapping_versions.version_log import VersionLog
from tests.unit.streams.mapping_versions.stage import edit


def test_an_edit_counts_when_it_was_made_on_the_version_that_stands() -> None:
    """The second of two that were made on the same version has no effect."""
    ledger = VersionLog()
    assert ledger.add(edit(0, text="first"))
    assert not ledger.add(edit(0, text="second"))
    assert (ledger.newest.version, ledger.newest.texts) == (1, {"acme": "first"})


def test_an_edit_that_comes_twice_counts_once() -> None:
    """An append that was repeated changes nothing."""
    ledger, one = VersionLog(), edit(0)
    assert (ledger.add(one), ledger.add(one), ledger.newest.version) == (True, False, 1)


def test_a_text_of_none_takes_the_edited_text_away() -> None:
    """Then the file's stands again."""
    ledger = VersionLog()
    ledger.add(edit(0))
    ledger.add(edit(1, text=None))
    assert (ledger.newest.version, ledger.newest.texts) == (2, {})


def test_a_revert_brings_back_all_mappings_and_uses_of_a_version() -> None:
    """It is an edit of its own: the history goes on."""
    ledger = VersionLog()
    ledger.add(edit(0, text="first"))
    ledger.add(edit(1, kind="use", text="default"))
    ledger.add(edit(2, text="second"))
    assert ledger.add(edit(3, kind="revert", to_version=1))
    assert (ledger.newest.version, ledger.newest.texts, ledger.newest.uses) == (4, {"acme": "first"}, {})


def test_a_revert_to_a_version_that_never_was_does_not_count() -> None:
    """Nor to one that is still to come."""
    ledger = VersionLog()
    ledger.add(edit(0))
    assert not ledger.add(edit(1, kind="revert", to_version=2))
    assert not ledger.add(edit(1, kind="revert", to_version=-1))


@given(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["text", "use", "revert"]), st.integers(-1, 6)), max_size=20)
)
def test_any_stream_of_edits_gives_a_version_for_each_that_counts(stream: list[tuple[int, str, int]]) -> None:
    """Versions are numbered without holes, and each was made on the one before it."""
    ledger = VersionLog()
    taken = [one for based_on, kind, to in stream if ledger.add(one := edit(based_on, kind=kind, to_version=to))]
    assert [one.edit.id for one in ledger.versions] == [one.id for one in taken]
    assert [one.number for one in ledger.versions] == list(range(1, len(taken) + 1))
    assert [one.edit.based_on for one in ledger.versions] == list(range(len(taken)))
