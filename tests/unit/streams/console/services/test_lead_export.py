"""The CSV file of leads: a spreadsheet reads it, and computes nothing."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from streams.console.services.lead import Lead
from streams.console.services.lead_export import COLUMNS, HEADER, cell, csv_lines

LEAD = Lead(
    *("acme", "Acme Realty", "7", "Zoë O'Hara, “Z”", ("z@x.com", "z@y.com"), ("+1 206 555 0142",), "synced", "Grace"),
    *(("Buyer", "a\nb"), "g7", 1_700_000_000_000, 0, 0, "https://lofty/7", "https://ghl/g7"),
)


def rows(*leads: Lead) -> list[list[str]]:
    """The file as a spreadsheet reads it."""
    return list(csv.reader(io.StringIO((HEADER + csv_lines(leads)).decode("utf-8-sig"), newline="")))


def test_the_file_has_a_line_for_each_lead_under_its_columns() -> None:
    found = rows(LEAD, replace(LEAD, lead="8", read_ms=0, ghl_url=""))
    assert tuple(found[0]) == COLUMNS
    assert dict(zip(COLUMNS, found[1], strict=True)) == {
        "Connection": "Acme Realty",
        "Lofty id": "7",
        "Name": "Zoë O'Hara, “Z”",
        "E-mails": "z@x.com, z@y.com",
        "Phones": "'+1 206 555 0142",
        "State": "In GoHighLevel",
        "Agent": "Grace",
        "Tags": "Buyer, a\nb",
        "GoHighLevel id": "g7",
        "Last change (UTC)": "2023-11-14 22:13:20",
        "Lofty page": "https://lofty/7",
        "GoHighLevel page": "https://ghl/g7",
    }
    assert (found[2][1], found[2][9]) == ("8", "")
    assert HEADER.startswith(b"\xef\xbb\xbf")  # or Excel takes it for another encoding


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\u00a0=1",
        "\uff1d1",
        '=HYPERLINK("http://x","y")',
    ],
)
def test_a_cell_that_would_be_computed_is_text(text: str) -> None:
    """In every column: names, addresses and tags are typed by strangers."""
    assert cell(text) == f"'{text}"
    hostile = replace(LEAD, label=text, lead=text, name=text, emails=(text,), phones=(text,), agent=text, tags=(text,))
    assert [one for one in rows(hostile)[1] if one == text] == []


@pytest.mark.parametrize("text", ["", "Ada", "a=b", "a@b.c", "1-2", "'=1", "206 555 0142"])
def test_any_other_cell_is_as_it_was(text: str) -> None:
    assert cell(text) == text
