"""Which files of links are read."""

from __future__ import annotations

import orjson
import pytest

from streams.core.rows import LinkRow
from streams.operations.move_links import FORMAT, NotImported, read_lines
from streams.settings import parse_settings

SETTINGS = parse_settings(
    '[connections.acme]\n[connections.acme.lofty]\nteam_id = "1"\n[connections.acme.ghl]\nlocation_id = "L"\n'
)
PAIR = {"team_id": "1", "location_id": "L"}
LINK = LinkRow(ghl_id="n1", refers_to="c1", fields={"body": "x"}, epoch=7)


def head(**pair: str) -> bytes:
    """The first line."""
    return orjson.dumps({"format": FORMAT, "connections": {"acme": {**PAIR, **pair}}})


def line(key: str = "acme:77:note:5", link: LinkRow = LINK) -> bytes:
    """A link."""
    return orjson.dumps({"key": key, "link": orjson.Fragment(link.to_bytes())}) + b"\n"


def test_links_are_read_without_the_epochs_of_their_owners() -> None:
    """Owners here begin again."""
    assert read_lines(SETTINGS, [head(), line(), b"\n"]) == {"acme:77:note:5": LINK.model_copy(update={"epoch": 0})}


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([], "line 1 is no JSON"),
        ([b"{}"], "line 1 does not say"),
        ([head(location_id="M")], "another account"),
        ([head(), b"["], "line 2 is no JSON"),
        ([head(), b"[]"], "line 2 is no JSON object"),
        ([head(), line(key="acme")], "line 2 holds no link"),
        ([head(), b'{"key": "acme:77:note:5"}'], "line 2 holds no link"),
        ([head(), line(), line(key="other:77:note:5")], 'add id = "other"'),
    ],
)
def test_what_is_no_such_file_is_refused_with_its_line(lines: list[bytes], says: str) -> None:
    """Nothing of it is imported."""
    with pytest.raises(NotImported, match=says):
        read_lines(SETTINGS, lines)
