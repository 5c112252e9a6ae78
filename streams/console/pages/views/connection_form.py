"""The form of a connection: its fields as data, the settings that a filled form means, and where each problem belongs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

from streams.console.errors import Fault
from streams.console.services.connection_edits import EditableConnection

Kind = Literal["text", "number", "flag", "choice"]


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field. `path` is its key in the connection's table, `default` what counts where nothing is set."""

    path: tuple[str, ...]
    label: str
    kind: Kind = "text"
    default: str = ""
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The name of its input."""
        return ".".join(self.path)


LOFTY = (
    FieldSpec(("lofty", "team_id"), "Team id", hint="the number of the agency's account in Lofty"),
    FieldSpec(
        *(("lofty", "auth"), "Access", "choice", "api_key", ""),
        choices=(("api_key", "With an API key"), ("oauth", "By permission: the owner agrees on Lofty's page")),
    ),
)
GHL = (
    FieldSpec(("ghl", "location_id"), "Location id", hint="in GoHighLevel: Settings, Business Profile"),
    FieldSpec(
        *(("ghl", "auth"), "Access", "choice", "token", ""),
        choices=(
            ("token", "With a private integration token"),
            ("oauth", "By permission: the owner agrees on GoHighLevel's page"),
        ),
    ),
)
MORE = (
    FieldSpec(("mapping",), "Mapping", "choice", "default"),
    FieldSpec(("region",), "Region", default="US", hint="two letters, for phone numbers without a country code"),
    FieldSpec(("time_zone",), "Time zone", hint="such as America/Chicago"),
    FieldSpec(("opt_outs",), "Opt-outs go both ways", "flag", "true"),
    FieldSpec(("policies", "create_custom_fields"), "Create missing custom fields in GoHighLevel", "flag", "true"),
    FieldSpec(
        *(("policies", "lead_deleted"), "When a lead is deleted in Lofty", "choice", "tag", ""),
        choices=(
            ("tag", "Tag the contact"),
            ("delete", "Delete the contact"),
            ("ignore", "Leave the contact as it is"),
        ),
    ),
    FieldSpec(
        *(("policies", "contact_deleted_in_ghl"), "When a contact is deleted in GoHighLevel", "choice", "recreate", ""),
        choices=(("recreate", "Create it again with the next change"), ("leave", "Leave it deleted")),
    ),
    FieldSpec(
        ("appointments", "calendar"), "Calendar id", hint="for Lofty's appointments; without one they become tasks"
    ),
)
ADVANCED = (
    FieldSpec(("lofty", "requests_per_minute"), "Lofty: requests a minute", "number", "500"),
    FieldSpec(
        ("lofty", "budget"),
        "Lofty: shares its limit as",
        hint="the same word in each connection that uses the same app",
    ),
    FieldSpec(("lofty", "base_url"), "Lofty: address of the API", default="https://api.lofty.com"),
    FieldSpec(("ghl", "requests_per_window"), "GoHighLevel: requests in 10 seconds", "number", "100"),
    FieldSpec(("ghl", "requests_per_day"), "GoHighLevel: requests a day", "number", "200000"),
    FieldSpec(("ghl", "base_url"), "GoHighLevel: address of the API", default="https://services.leadconnectorhq.com"),
    FieldSpec(("sweep", "new_minutes"), "Look for new leads every (minutes)", "number", "15"),
    FieldSpec(("sweep", "full_hours"), "Check all leads every (hours)", "number", "24"),
    FieldSpec(
        *(("sweep", "quiet_days"), "Check notes and tasks of quiet leads every (days)", "number", "7"),
        hint="leads to which nothing happens; those of the others are checked with all leads. 0: of all leads each time",
    ),
)
FIELDS = (*LOFTY, *GHL, *MORE, *ADVANCED)
PERMANENT = ("lofty.team_id", "ghl.location_id")


@dataclass(frozen=True, slots=True)
class FilledField:
    """A field with its value, and what is wrong with it."""

    spec: FieldSpec
    value: str
    choices: tuple[tuple[str, str], ...]
    problem: str = ""
    is_fixed: bool = False


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Fields that stand together. `is_open` where one of them has a problem."""

    title: str
    fields: tuple[FilledField, ...]
    is_folded: bool = False
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class ConnectionForm:
    """The page that adds a connection (`connection` is None) or changes one. `faults` belong to no field of the form."""

    connection: EditableConnection | None
    name: str
    label: str
    version: str
    groups: tuple[FieldGroup, ...]
    needs: tuple[str, ...] = ()
    problem: str = ""
    name_problem: str = ""
    faults: tuple[Fault, ...] = ()

    @property
    def is_editable(self) -> bool:
        """Whether it can be changed here."""
        return self.connection is None or (self.connection.managed == "console" and not self.connection.is_removing)


def settings_from(form: Mapping[str, str], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The settings that a filled form means. What the form does not show is kept from `before`; an empty field is the default."""
    settings: dict[str, Any] = deepcopy(dict(before or {}))
    for spec in FIELDS:
        if spec.name not in form:
            continue
        *tables, key = spec.path
        inner = settings
        for table in tables:
            found = inner.get(table)
            inner[table] = inner = dict(found) if isinstance(found, dict) else {}
        value = _value(spec, form[spec.name].strip())
        if value is None:
            inner.pop(key, None)
        else:
            inner[key] = value
    return {key: value for key, value in settings.items() if value != {}}


def _value(spec: FieldSpec, text: str) -> Any:
    if text in ("", spec.default):
        return None
    if spec.kind == "flag":
        return text == "true"
    if spec.kind == "number":
        try:
            return int(text)
        except ValueError:
            pass
        try:
            return float(text.replace(",", "."))
        except ValueError:
            return text  # the check says what was expected
    return text


def groups_of(
    settings: Mapping[str, Any], mappings: Sequence[str], faults: Iterable[Fault] = (), *, is_new: bool
) -> tuple[FieldGroup, ...]:
    """The groups of the form, filled."""
    problems = {_name_of(one): f"Expected {one.expected}, got {one.got}." for one in faults}

    def filled(spec: FieldSpec) -> FilledField:
        choices = spec.choices or tuple((one, one) for one in mappings) if spec.kind == "choice" else ()
        if spec.kind == "flag":
            choices = (("true", "Yes"), ("false", "No"))
        is_fixed = not is_new and spec.name in PERMANENT
        return FilledField(spec, _text(spec, settings), choices, problems.get(spec.name, ""), is_fixed)

    def group(title: str, specs: Sequence[FieldSpec], *, is_folded: bool = False) -> FieldGroup:
        fields = tuple(filled(one) for one in specs)
        return FieldGroup(title, fields, is_folded, any(one.problem for one in fields))

    return (
        group("Lofty", LOFTY),
        group("GoHighLevel", GHL),
        group("What is written", MORE),
        group("Advanced", ADVANCED, is_folded=True),
    )


def other_faults(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """The problems that belong to no field of the form."""
    names = {one.name for one in FIELDS} | {"name"}
    return tuple(one for one in faults if _name_of(one) not in names)


def name_problem(faults: Iterable[Fault]) -> str:
    """What is wrong with the name."""
    return next((f"Expected {one.expected}, got {one.got}." for one in faults if _name_of(one) == "name"), "")


def _name_of(fault: Fault) -> str:
    """The field of a problem in `connections.LABEL.key.key`. A table that is missing is a missing id."""
    name = fault.where.split(".", 2)[2] if fault.where.count(".") >= 2 else fault.where
    return {"lofty": "lofty.team_id", "ghl": "ghl.location_id"}.get(name, name)


def _text(spec: FieldSpec, settings: Mapping[str, Any]) -> str:
    found: Any = settings
    for key in spec.path:
        found = found.get(key) if isinstance(found, Mapping) else None
    if found is None:
        return spec.default if spec.kind in ("choice", "flag") else ""
    return str(found).lower() if isinstance(found, bool) else str(found)
