"""A table of connections, as spreadsheets write it."""

from __future__ import annotations

import csv
import io

import pytest

from streams.core.connection_table.columns import COLUMNS, column_at, template
from streams.core.connection_table.reading import MOST_BYTES, MOST_ROWS, UnreadableTable, connection_name, read_rows
from streams.settings import parse_settings
from streams.settings.overlay import EditedConnection, Overlay

KEY = "abcdefghijklmnopqrstuvwxyz0123456789"
PLAIN = "name,lofty_team_id,ghl_location_id,lofty_api_key\nharbor,123456,loc-1,key-1\n"


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.replace(",", ";").replace("\n", "\r\n").encode(),
        b"sep=;\r\n" + PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace("name", " Name ").replace("lofty_team_id", "Lofty Team ID").encode(),
        PLAIN.replace("harbor", '"harbor"').encode() + b",,,\n\n",
        PLAIN.replace("lofty_team_id", "team_id").replace("ghl_location_id", "Location-Id").encode(),
    ],
    ids=["plain", "mark", "utf-16", "semicolons", "sep", "tabs", "headers", "quotes and empty rows", "short headers"],
)
def test_the_same_table_is_read_however_a_spreadsheet_wrote_it(content: bytes) -> None:
    """One row, with its settings, and its key apart from them."""
    (row,) = read_rows(content)
    assert (row.name, dict(row.table)) == ("harbor", {"lofty": {"team_id": "123456"}, "ghl": {"location_id": "loc-1"}})
    assert (dict(row.credentials), row.problems) == ({"lofty_api_key": "key-1"}, ())
    assert "key-1" not in repr(row)


@pytest.mark.parametrize(
    ("content", "line", "expected"),
    [
        (b"", None, "a row of headers, and rows of connections"),
        (b"name,lofty_team_id,ghl_location_id\na,1,2\nb\xe9,1,2\n", 3, "text in UTF-8"),
        (b"PK\x03\x04\0\0", None, "a table as text (CSV)"),
        (b"name,lofty_team_id\na,1\n", 1, "a column ghl_location_id"),
        (b"name,team_id,lofty_team_id,ghl_location_id\n", 1, "one column lofty_team_id"),
        (b"name,team_id,location_id,regoin\n", 1, "a known column"),
        (b'name,team_id,location_id\na,1,2\n"b,1,2\n', 3, "rows of cells"),
        (
            b"name,team_id,location_id\n" + b"a,1,2\n" * (MOST_ROWS + 1),
            MOST_ROWS + 2,
            f"at most {MOST_ROWS} connections",
        ),
        (b"x" * (MOST_BYTES + 1), None, f"at most {MOST_BYTES // 1024} KiB"),
    ],
)
def test_a_table_that_cannot_be_read_says_where_and_why(content: bytes, line: int | None, expected: str) -> None:
    """Nothing of it is used."""
    with pytest.raises(UnreadableTable) as caught:
        read_rows(content)
    assert [(one.line, one.expected) for one in caught.value.problems] == [(line, expected)]


def test_a_wrong_cell_is_a_problem_of_its_row_alone() -> None:
    """Each with its line and its column; a cell over several lines counts as its first."""
    content = (
        "name,team_id,location_id,paused,time_zone,lofty_requests_per_minute\n"
        'one,1,a,yes,"America/\nChicago",500\n'
        "two,,b,maybe,,many\n"
        "three,5.8E+11,c,,,\n"
        "four,4,d,no,,,,extra\n"
        "five,5,e,TRUE,,1.5\n"
    )
    rows = read_rows(content.encode())
    found = [(one.line, one.name, [(it.line, it.where) for it in one.problems]) for one in rows]
    assert found == [
        (2, "one", []),
        (4, "two", [(4, "lofty_team_id"), (4, "paused"), (4, "lofty_requests_per_minute")]),
        (5, "three", [(5, "lofty_team_id")]),
        (6, "four", [(6, "the row")]),
        (7, "five", []),
    ]
    assert (rows[4].table["paused"], rows[4].table["lofty"]["requests_per_minute"]) == (True, 1.5)


@pytest.mark.parametrize("column", ["paused", "lofty_requests_per_minute", "lead_deleted", "regoin"])
def test_no_problem_shows_a_key_that_slipped_into_another_column(column: str) -> None:
    """Nor one that slipped into the headers."""
    cells = f"name,team_id,location_id,{column}\na,1,2,{KEY}\n" if column != "regoin" else f"name,{KEY}\n"
    try:
        problems = read_rows(cells.encode())[0].problems
    except UnreadableTable as error:
        problems = error.problems
    assert problems != ()
    assert KEY not in str(problems)


def test_a_name_is_made_from_what_an_agency_is_called() -> None:
    """Accents and signs are no part of a name."""
    names = ("Harbor Realty", " Müller & Söhne, Inc. ", "acme", "west_2", "不動産")
    assert [connection_name(one) for one in names] == ["harbor-realty", "muller-sohne-inc", "acme", "west_2", "不動産"]


def test_the_template_is_a_table_whose_settings_are_valid() -> None:
    """Its columns are all that there are, and each is a key of a connection's settings."""
    (row,) = read_rows(template().encode())
    edited = EditedConnection(row.name, row.name, 1, row.table)
    made = parse_settings("").with_overlay(Overlay(connections=(edited,)))
    assert (list(made.connections), row.problems) == (["harbor"], ())
    assert next(csv.reader(io.StringIO(template()))) == [one.name for one in COLUMNS]


def test_every_column_is_a_setting_of_a_connection() -> None:
    """Filled with what it takes, each is accepted by the check of the configuration file."""
    samples = {"flag": "no", "number": "10"}
    texts = {"name": "a", "mapping": "default", "region": "CA", "time_zone": "America/Chicago", "locale": "en-US"}
    texts |= {"lofty_url": "https://lofty.example.com", "ghl_url": "https://ghl.example.com", "lofty_budget": "app"}
    cells = {
        one.name: texts.get(one.name) or samples.get(one.kind) or next(iter(one.choices), "text") for one in COLUMNS
    }
    (row,) = read_rows("\n".join((",".join(cells), ",".join(cells.values()))).encode())
    edited = EditedConnection(row.name, row.name, 1, row.table)
    made = parse_settings("").with_overlay(Overlay(connections=(edited,)))
    assert row.problems == ()
    assert {*row.cells} == {one.name for one in COLUMNS if one.path}
    assert made.connections["a"].opt_outs is False


def test_a_setting_is_named_by_its_column() -> None:
    """A table that is missing is its first column; a setting without a column is its key."""
    found = [column_at(one) for one in (("ghl", "location_id"), ("lofty",), ("tags", "prefix"))]
    assert found == ["ghl_location_id", "lofty_team_id", "tags.prefix"]
