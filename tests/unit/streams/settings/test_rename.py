"""A connection takes another name in the file and keeps its id."""

from __future__ import annotations

import tomllib

import pytest

from streams.settings import SettingsError, parse_settings
from streams.settings.overlay import Overlay
from streams.settings.rename import CannotRename, rename_connection

ACME = """# ours
[connections.acme]   # the first
region = "US"
[connections.acme.lofty]
team_id = "1"
[connections.acme.ghl]
location_id = "L"
[[connections.acme.back.rules]]
on = "tag added"
"""
ONLY_BELOW = '[connections.acme.lofty]\nteam_id = "1"\n[connections.acme.ghl]\nlocation_id = "L"\n'
USABLE = ACME.partition("[[")[0]


def renamed(text: str) -> str:
    """As an editor would do it."""
    return text.replace("connections.acme", "connections.acme-realty")


@pytest.mark.parametrize("text", [ACME, ONLY_BELOW, renamed(ACME), renamed(ONLY_BELOW), "x = 1\n[connections.acme]"])
def test_only_the_names_of_tables_and_the_id_change(text: str) -> None:
    """Also where the tables have the new name already; a second time nothing changes."""
    after = rename_connection(text, "acme", "acme-realty")
    table = tomllib.loads(text)["connections"].popitem()[1]
    assert tomllib.loads(after)["connections"] == {"acme-realty": {**table, "id": "acme"}}
    added = ['id = "acme"'] if "[connections.acme" in text and "[connections.acme" in text.splitlines()[0] else None
    assert len(after.splitlines()) - len(text.splitlines()) in (1, 3), added
    assert rename_connection(after, "acme", "acme-realty") == after


def test_an_id_that_is_there_is_kept() -> None:
    """It was renamed before."""
    once = rename_connection(ACME, "acme", "two")
    assert tomllib.loads(rename_connection(once, "two", "three"))["connections"]["three"]["id"] == "acme"


@pytest.mark.parametrize(
    ("text", "new", "says"),
    [
        (ACME, "Acme", "small letters"),
        ("", "two", "no [connections.acme]"),
        (ACME + '[connections.two]\nregion = "US"', "two", "tables of both"),
        ('connections = { acme = { region = "US" } }', "two", "by hand"),
        ('[connections.two]\nid = "other"', "two", "'other' already"),
    ],
)
def test_what_cannot_be_done_is_said(text: str, new: str, says: str) -> None:
    """And what to write by hand."""
    with pytest.raises(CannotRename, match=says.replace("[", r"\[")):
        rename_connection(text, "acme", new)


def test_a_renamed_connection_keeps_its_id_and_its_credentials_take_the_new_name() -> None:
    """Records, tables and metrics name the id; commands take both."""
    text = rename_connection(USABLE, "acme", "acme-realty")
    settings = parse_settings(text, {"LOFTY_GHL_ACME_REALTY_GHL_TOKEN": "pit-x"})
    one = settings.connections["acme"]
    assert (one.name, one.label, one.has_id, one.lofty_budget) == ("acme", "acme-realty", True, "acme")
    assert one.secrets.ghl_token is not None
    assert settings.connection("acme") is settings.connection("acme-realty") is one
    assert settings.connection("other") is None


def test_edited_mappings_find_a_connection_by_its_id() -> None:
    """They were edited under the first name."""
    text = rename_connection(USABLE, "acme", "acme-realty") + '[mappings.two]\nextends = "default"\n'
    settings = parse_settings(text, overlay=Overlay(1, {}, {"acme": "two"}))
    assert settings.connections["acme"].mapping.name == "two"


@pytest.mark.parametrize(
    ("first", "second", "where"),
    [
        ("", 'id = "acme"', "connections.two.id"),
        ('id = "two"', "", "connections.two"),
        ("", 'id = "A"', "connections.two.id"),
    ],
)
def test_two_connections_have_two_ids(first: str, second: str, where: str) -> None:
    """The problem names the second one's table."""
    tables = [
        f'[connections.{name}]\n{line}\n[connections.{name}.lofty]\nteam_id = "{name}"\n[connections.{name}.ghl]\nlocation_id = "{name}"\n'
        for name, line in (("acme", first), ("two", second))
    ]
    with pytest.raises(SettingsError) as caught:
        parse_settings("".join(tables))
    assert [one.where for one in caught.value.problems] == [where]
