"""The mappings as the editor shows them."""

from __future__ import annotations

from streams.mapping_versions.effective import Edits, effective_mappings
from streams.mapping_versions.listing import MappingState, state_of
from streams.mapping_versions.version_log import VersionLog
from streams.messages.mapping_edit import MappingEdit
from tests.unit.streams.mapping_versions.stage import GOOD, WRONG, edit, settings


def shown(*edits: MappingEdit) -> MappingState:
    """What the editor shows after some edits."""
    ledger = VersionLog()
    for one in edits:
        ledger.add(one)
    return state_of(settings(), ledger, effective_mappings(settings(), Edits(ledger)))


def test_without_edits_the_files_mappings_are_shown() -> None:
    """The built-in one cannot be edited."""
    state = shown()
    assert (state.version, state.in_force_version, state.uses) == (0, 0, {"acme": "acme"})
    assert [(one.name, one.source, one.is_editable, one.used_by) for one in state.mappings] == [
        ("default", "built in", False, ()),
        ("acme", "file", True, ("acme",)),
    ]


def test_an_edited_mapping_shows_its_text_and_who_saved_it() -> None:
    """And the history has what was there before."""
    state = shown(edit(0), edit(1, text=GOOD.replace("upper", "lower")))
    mapping = state.mapping("acme")
    assert mapping is not None
    assert (mapping.source, mapping.version, mapping.by, "lower" in mapping.text) == ("edited", 2, "ann", True)
    assert [(one.version, one.kind, one.before) for one in state.history] == [(2, "text", GOOD), (1, "text", None)]


def test_a_connection_that_uses_another_mapping_is_shown_there() -> None:
    """And the revert in the history names its version."""
    state = shown(edit(0, kind="use", text="default"), edit(1, kind="revert", text=None, to_version=0))
    assert state.uses == {"acme": "acme"}
    assert [(one.kind, one.text) for one in state.history] == [("revert", "0"), ("use", "default")]


def test_a_broken_version_is_shown_with_its_lines() -> None:
    """The version in force is the one before."""
    state = shown(edit(0), edit(1, text=WRONG))
    assert (state.version, state.in_force_version) == (2, 1)
    assert [one.line for one in state.broken] == [3, 4]
