"""The table of stages: read as pairs, refused with a clear word, and part of what decides an entity."""

from __future__ import annotations

import pytest

from streams.mapping import StagePair
from streams.settings import SettingsError, parse_settings

CONNECTION = """
[connections.acme.lofty]
team_id = "1"
[connections.acme.ghl]
location_id = "l"
"""


def pair(lofty: str = "Hot", pipeline: str = "Buyers", stage: str = "Talking", more: str = "") -> str:
    """One pair, as it is in the file."""
    return f'[[connections.acme.stages]]\nlofty = "{lofty}"\npipeline = "{pipeline}"\nstage = "{stage}"\n{more}\n'


def test_pairs_are_read_in_their_order() -> None:
    """The status is open unless it is named; without a table there are none."""
    settings = parse_settings(CONNECTION + pair() + pair("Closed", more='status = "won"'))
    assert settings.connections["acme"].stages == (
        StagePair("Hot", "Buyers", "Talking"),
        StagePair("Closed", "Buyers", "Talking", "won"),
    )
    assert parse_settings(CONNECTION).connections["acme"].stages == ()


@pytest.mark.parametrize(
    ("text", "where", "expected"),
    [
        (pair() + pair(" hot "), "connections.acme.stages", "each stage of Lofty once"),
        (pair(more='status = "done"'), "connections.acme.stages.0.status", "open"),
        (pair(lofty=" "), "connections.acme.stages.0.lofty", "a text that is not empty"),
        (pair(pipeline=""), "connections.acme.stages.0.pipeline", "a text that is not empty"),
        (pair(stage=""), "connections.acme.stages.0.stage", "a text that is not empty"),
        (pair(more='lane = "x"'), "connections.acme.stages.0.lane", "one of"),
        ("[connections.acme.stages]\n", "connections.acme.stages", "a list"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(text: str, where: str, expected: str) -> None:
    """Repeated or empty names, another status, another key, a table instead of a list."""
    with pytest.raises(SettingsError) as refused:
        parse_settings(CONNECTION + text)
    [problem] = refused.value.problems
    assert problem.where == where
    assert expected in problem.expected


def test_the_pairs_are_part_of_what_decides_an_entity() -> None:
    """Other pairs, another fingerprint: a replay then plans each lead again. Without pairs it is what it was."""
    texts = ("", pair(), pair(stage="Other"), pair(more='status = "lost"'))
    found = [parse_settings(CONNECTION + text).connections["acme"].mapping_fingerprint for text in texts]
    assert len(set(found)) == len(texts)
