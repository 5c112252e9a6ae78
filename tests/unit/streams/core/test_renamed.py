"""A connection that was renamed without keeping its id is recognised by its team and location."""

from __future__ import annotations

import pytest

from streams.core.renamed import ConnectionRenamed, find_renamed
from streams.core.rows import SweepRow
from streams.core.sweep import pair_of
from streams.settings import parse_settings

ROW = SweepRow(team_id="1", location_id="L")


def config(name: str, line: str = "", location: str = "L") -> str:
    """A file with one connection."""
    return f'[connections.{name}]\n{line}\n[connections.{name}.lofty]\nteam_id = "1"\n[connections.{name}.ghl]\nlocation_id = "{location}"\n'


@pytest.mark.parametrize(
    ("text", "rows", "found"),
    [
        (config("two"), {"acme": ROW}, ("acme", "two")),
        (config("two"), {"acme": ROW, "two": ROW}, ("acme", "two")),
        (config("acme"), {"acme": ROW}, None),
        (config("two", 'id = "acme"'), {"acme": ROW}, None),
        (config("two", 'id = "two"'), {"acme": ROW}, None),
        (config("two", location="M"), {"acme": ROW}, None),
        (config("two"), {"acme": SweepRow()}, None),
        (config("two"), {}, None),
    ],
)
def test_a_former_connection_with_the_same_team_and_location_is_asked_about(
    text: str, rows: dict[str, SweepRow], found: tuple[str, str] | None
) -> None:
    """Rows of a release that did not name them say nothing."""
    assert find_renamed(rows, parse_settings(text).connections.values()) == found


def test_the_refusal_says_what_to_do() -> None:
    """The command, and how to begin without memory."""
    says = str(ConnectionRenamed("acme", "two"))
    assert "lofty-ghl connections rename acme two" in says
    assert 'id = "two"' in says


def test_a_row_names_the_pair() -> None:
    """As it is compared."""
    (one,) = parse_settings(config("acme")).connections.values()
    assert ROW.model_copy(update=pair_of(one)) == ROW
