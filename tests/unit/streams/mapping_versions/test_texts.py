"""Mappings of the file as texts that somebody edits."""

from __future__ import annotations

import tomllib

import pytest

from streams.mapping.compile import default_tables
from streams.mapping_versions.texts import DEFAULT_TEXT, new_text, text_in_file
from streams.settings import example_text
from streams.settings.overlay import Overlay
from tests.unit.streams.mapping_versions.stage import CONFIG, settings


def test_a_mapping_is_cut_out_of_the_file_with_its_comments() -> None:
    """And without what belongs to its neighbours."""
    text = text_in_file(f"{CONFIG}\n# The next.\n[mappings.other]\n", "acme")
    assert text == (
        '# Ours.\n[mappings.acme]\nextends = "default"\n\n[mappings.acme.fields]\ncity = false   # not ours\n'
    )


@pytest.mark.parametrize(
    "written",
    [
        'mappings.acme = { extends = false, fields = { firstName = "firstName" } }\n',
        '[mappings]\nacme.fields."custom:A \\"b\\"" = { from = "stage", transform = [{ join = "\\u007f" }, "trim"] }\n',
        "[mappings.acme.fields]\nstate = false\n[mappings.acme]\n[kafka]\n",
        '[mappings.acme]\ncustom_attributes = [\n  "a",\n  "b",\n]\n[mappings.acme.fields.city]\nfrom = "city"\nunset = true\n',
        '[mappings."acme"]\nextends = "default"\n["mappings".acme.users]\n"a@b.example" = "c@d.example"\n',
    ],
)
def test_however_a_mapping_is_written_its_text_reads_as_the_same_table(written: str) -> None:
    """Cut out where that is possible, otherwise generated."""
    text = text_in_file(written, "acme")
    assert tomllib.loads(text) == {"mappings": {"acme": tomllib.loads(written)["mappings"]["acme"]}}


def test_the_sample_of_the_configuration_can_be_edited() -> None:
    """Its text lies over the file without changing anything."""
    text = text_in_file(example_text(), "acme")
    assert tomllib.loads(text)["mappings"]["acme"] == tomllib.loads(example_text())["mappings"]["acme"]
    assert "# E.164" in text


def test_the_built_in_mapping_is_shown_as_mappings_are_written() -> None:
    """Under its name."""
    assert tomllib.loads(DEFAULT_TEXT)["mappings"]["default"] == default_tables()


def test_a_new_mapping_begins_as_the_default_one() -> None:
    """Until something is written into it."""
    edited = settings().with_overlay(Overlay(1, {"new-one": new_text("new-one")}, {"acme": "new-one"}))
    plain = settings().with_overlay(Overlay(1, {}, {"acme": "default"}))
    assert edited.connections["acme"].mapping.standard[0].target == plain.connections["acme"].mapping.standard[0].target
    assert len(edited.connections["acme"].mapping.custom) == len(plain.connections["acme"].mapping.custom)
