"""The columns of a table of connections: what each means in a connection's settings. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ColumnKind = Literal["text", "number", "flag", "choice", "secret"]

FLAGS: Mapping[str, bool] = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `path` is its key in the connection's settings; a secret has none.

    `choices` are the words that people write, with the setting that each means. `names` are other headers that count as this one.
    """

    name: str
    words: str
    path: tuple[str, ...] = ()
    kind: ColumnKind = "text"
    is_required: bool = False
    example: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()


COLUMNS = (
    Column("name", "the connection's name: small letters, digits and hyphens", is_required=True, example="harbor"),
    Column(
        "lofty_team_id",
        "the number of the agency's account in Lofty",
        ("lofty", "team_id"),
        is_required=True,
        example="123456",
        names=("team_id", "lofty_team"),
    ),
    Column(
        "ghl_location_id",
        "in GoHighLevel: Settings, Business Profile",
        ("ghl", "location_id"),
        is_required=True,
        example="ve9EPM428h8vShlRW1KT",
        names=("location_id", "ghl_location"),
    ),
    Column(
        "lofty_access",
        "key (the default), or permission: the owner agrees on Lofty's page",
        ("lofty", "auth"),
        "choice",
        choices={"key": "api_key", "permission": "oauth"},
    ),
    Column("lofty_api_key", "Lofty's API key; stored encrypted, never shown again", kind="secret", names=("api_key",)),
    Column(
        "ghl_access",
        "token (the default), or permission: the owner agrees on GoHighLevel's page",
        ("ghl", "auth"),
        "choice",
        choices={"token": "token", "permission": "oauth"},
    ),
    Column("ghl_token", "GoHighLevel's private integration token; stored encrypted, never shown again", kind="secret"),
    Column("mapping", "the name of a mapping", ("mapping",), example="default"),
    Column("region", "two letters, for phone numbers without a country code", ("region",), example="US"),
    Column("time_zone", "such as America/Chicago", ("time_zone",), example="America/Chicago"),
    Column("locale", "such as en-US: how numbers and dates are written", ("locale",)),
    Column("calendar", "the id of the calendar for Lofty's appointments", ("appointments", "calendar")),
    Column("opt_outs", "yes (the default) or no: opt-outs go both ways", ("opt_outs",), "flag"),
    Column(
        "create_custom_fields",
        "yes (the default) or no: create missing custom fields in GoHighLevel",
        ("policies", "create_custom_fields"),
        "flag",
    ),
    Column(
        "lead_deleted",
        "tag (the default), delete or ignore: what becomes of the contact",
        ("policies", "lead_deleted"),
        "choice",
        choices={"tag": "tag", "delete": "delete", "ignore": "ignore"},
    ),
    Column(
        "contact_deleted_in_ghl",
        "recreate (the default) or leave",
        ("policies", "contact_deleted_in_ghl"),
        "choice",
        choices={"recreate": "recreate", "leave": "leave"},
    ),
    Column("paused", "yes or no (the default): added, but nothing is carried yet", ("paused",), "flag"),
    Column("lofty_budget", "the same word in each row that uses the same app at Lofty", ("lofty", "budget")),
    Column("lofty_requests_per_minute", "Lofty's limit", ("lofty", "requests_per_minute"), "number"),
    Column("ghl_requests_per_window", "GoHighLevel's limit in 10 seconds", ("ghl", "requests_per_window"), "number"),
    Column("ghl_requests_per_day", "GoHighLevel's limit a day", ("ghl", "requests_per_day"), "number"),
    Column("new_leads_minutes", "look for new leads every so many minutes", ("sweep", "new_minutes"), "number"),
    Column("all_leads_hours", "check all leads every so many hours", ("sweep", "full_hours"), "number"),
    Column(
        "quiet_leads_days",
        "look at the notes, tasks and appointments of quiet leads every so many days; 0: with each check of all leads",
        ("sweep", "quiet_days"),
        "number",
    ),
    Column("lofty_url", "another address of Lofty's API", ("lofty", "base_url")),
    Column("ghl_url", "another address of GoHighLevel's API", ("ghl", "base_url")),
)
"""In the order of the template."""

SECRETS = tuple(one.name for one in COLUMNS if one.kind == "secret")
_BY_HEADER = {header: one for one in COLUMNS for header in (one.name, *one.names)}
_BY_PATH = {one.path: one for one in COLUMNS if one.path}
HEADERS = tuple(_BY_HEADER)


def column_of(header: str) -> Column | None:
    """The column of a header, however its words are joined."""
    return _BY_HEADER.get(re.sub(r"[\W_]+", "_", header.lower()).strip("_"))


def column_at(path: tuple[str, ...]) -> str:
    """The name of the column that sets a key; a missing table is its first column. The key itself where there is none."""
    if path[-1:] and path[-1] in SECRETS:
        return path[-1]
    found = _BY_PATH.get(path) or next((one for one in COLUMNS if one.path[: len(path)] == path and path), None)
    return found.name if found is not None else ".".join(path)


def template() -> str:
    """A table to begin with: the headers, and one row as an example."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(one.name for one in COLUMNS)
    writer.writerow(one.example for one in COLUMNS)
    return text.getvalue()


def value_at(table: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """What a connection's settings have under a key; None where they have nothing."""
    found: Any = table
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
