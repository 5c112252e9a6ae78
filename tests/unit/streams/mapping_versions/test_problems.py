"""What is wrong with an edited text: all at once, each with the line and column of that text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.mapping_versions.problems import in_text, in_texts
from streams.settings import SettingsError
from streams.settings.overlay import Overlay
from tests.unit.streams.mapping_versions.stage import CONFIG, GOOD, WRONG, settings


def wrong(text: str, **more: dict[str, str]) -> list[tuple[int | None, int | None, str]]:
    """Where an edited text is wrong: line, column, key."""
    with pytest.raises(SettingsError) as caught:
        settings().with_overlay(Overlay(1, {"acme": text, **more.get("texts", {})}, more.get("uses", {})))
    return [(one.line, one.column, one.where) for one in in_text(caught.value.problems, "acme", text)]


def test_every_fault_is_told_with_the_line_and_column_of_the_edited_text() -> None:
    """The file's own lines play no part."""
    assert wrong(WRONG) == [(3, 1, "mappings.acme.fields.firstNam"), (4, 14, "mappings.acme.fields.lastName.from")]


def test_a_text_that_is_no_toml_is_told_with_its_place() -> None:
    """As TOML's reader says it."""
    assert wrong("[mappings.acme]\nfields = {\n") == [(2, 11, "mappings.acme")]
    assert wrong("[mappings.acme]\nfields = ") == [(2, 1, "mappings.acme")]


def test_another_table_does_not_belong_into_a_mappings_text() -> None:
    """So nobody changes a connection, or another mapping, by the way."""
    text = f"{GOOD}\n[kafka]\npartitions = 1\n[mappings.other]\n"
    assert [(line, where) for line, _, where in wrong(text)] == [(5, "mappings.acme"), (7, "mappings.acme")]


def test_an_empty_text_says_how_to_begin() -> None:
    """Instead of mapping nothing."""
    with pytest.raises(SettingsError, match=r"begin with \[mappings.acme\]|Begin with \[mappings.acme\]"):
        settings().with_overlay(Overlay(1, {"acme": ""}))


def test_trouble_elsewhere_has_no_line() -> None:
    """The problem of a connection that uses a missing mapping is in the file."""
    assert wrong(GOOD, uses={"acme": "acne"}) == [(None, None, "connections.acme.mapping")]


def test_of_several_texts_each_problem_is_told_once_with_its_line() -> None:
    """As the editor shows a version that does not compile here."""
    texts = {"acme": WRONG, "other": '[mappings.other]\nextends = "nobody"\n'}
    with pytest.raises(SettingsError) as caught:
        settings().with_overlay(Overlay(1, texts))
    found = [(one.line, one.where) for one in in_texts(caught.value.problems, texts)]
    assert found == [
        (2, "mappings.other.extends"),
        (3, "mappings.acme.fields.firstNam"),
        (4, "mappings.acme.fields.lastName.from"),
    ]


def test_a_problem_reads_as_one_sentence() -> None:
    """With its place, what was expected, what came, and a hint."""
    with pytest.raises(SettingsError) as caught:
        settings().with_overlay(Overlay(1, {"acme": WRONG}))
    first = in_text(caught.value.problems, "acme", WRONG)[0]
    assert str(first).startswith("line 3, column 1, mappings.acme.fields.firstNam: expected a GHL contact field")
    assert str(replace(first, line=None, column=None, hint="")).startswith("mappings.acme.fields.firstNam: expected")


def test_the_files_mappings_give_way_and_everything_else_stays() -> None:
    """Only mapping and fingerprint of the connections change, and the version."""
    file = settings()
    edited = file.with_overlay(Overlay(3, {"acme": GOOD}))
    assert (file.mapping_version, edited.mapping_version) == (0, 3)
    assert edited.connections["acme"].mapping_fingerprint != file.connections["acme"].mapping_fingerprint
    assert edited.connections["acme"].lofty == file.connections["acme"].lofty
    assert edited.kafka == file.kafka


def test_a_connection_may_use_another_mapping_than_the_file_says() -> None:
    """Also the built-in one."""
    used = settings().with_overlay(Overlay(1, {}, {"acme": "default"})).connections["acme"].mapping
    plain = settings(CONFIG.replace('mapping = "acme"\n', "")).connections["acme"].mapping
    assert (used.name, used.fingerprint) == ("default", plain.fingerprint)
