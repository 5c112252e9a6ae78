"""Leads as lines of a CSV file that a spreadsheet opens. Pure.

A cell that a spreadsheet would compute gets an apostrophe before it: a lead's name is typed by strangers, and `=HYPERLINK(...)`
would otherwise be a formula on the computer of whoever opens the file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from streams.console.services.lead import STATE_WORDS, Lead
from streams.core.moments import utc

COLUMNS = (
    *("Connection", "Lofty id", "Name", "E-mails", "Phones", "State", "Agent", "Tags"),
    *("GoHighLevel id", "Last change (UTC)", "Lofty page", "GoHighLevel page"),
)
COMPUTED = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""With these a formula begins, in Excel, LibreOffice or Google Sheets; the last four are the full-width forms of Asian input."""
BYTE_ORDER_MARK = "\ufeff"
"""Without it, Excel reads UTF-8 as another encoding."""


def cell(text: str) -> str:
    """A text as a cell that is never computed."""
    return f"'{text}" if text.lstrip(" \u00a0\u3000").startswith(COMPUTED) else text


def csv_lines(leads: Iterable[Lead]) -> bytes:
    """The lines of some leads."""
    return _lines([_row(lead) for lead in leads])


def _row(lead: Lead) -> Sequence[str]:
    return (
        *(lead.label, lead.lead, lead.name, ", ".join(lead.emails), ", ".join(lead.phones)),
        *(STATE_WORDS[lead.state], lead.agent, ", ".join(lead.tags), lead.ghl_id),
        *(utc(lead.read_ms).strftime("%Y-%m-%d %H:%M:%S") if lead.read_ms else "", lead.lofty_url, lead.ghl_url),
    )


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written).writerows([[cell(text) for text in row] for row in rows])
    return written.getvalue().encode(errors="replace")


HEADER = BYTE_ORDER_MARK.encode() + _lines([COLUMNS])
