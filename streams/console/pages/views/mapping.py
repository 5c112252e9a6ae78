"""The mapping: which there are, the editor, the preview."""

from __future__ import annotations

from dataclasses import dataclass

from streams.console.pages.views.page_view import Level, Link


@dataclass(frozen=True, slots=True)
class MappingRow:
    """One mapping in the list."""

    name: str
    href: str
    connections: tuple[str, ...]
    version: str
    changed_ms: int | None
    changed_by: str
    is_built_in: bool = False


@dataclass(frozen=True, slots=True)
class Mappings:
    """The list. `uses` is the mapping of each connection; `broken` why the newest version is not in force."""

    mappings: tuple[MappingRow, ...]
    uses: tuple[tuple[str, str], ...] = ()
    broken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `line` is that of the text, None where it has none."""

    line: int | None
    where: str
    words: str
    hint: str = ""
    level: Level = "bad"


@dataclass(frozen=True, slots=True)
class FieldPreview:
    """One GHL field of a lead: what Lofty holds, what the mapping makes of it, what stands in GHL, and what would be done."""

    ghl_field: str
    lofty: str
    mapped: str
    now: str
    change: str
    is_changed: bool = False
    flag: str = ""


@dataclass(frozen=True, slots=True)
class LeadPreview:
    """One lead, mapped with the text that stands in the editor. `empty` are fields without a value on either side."""

    name: str
    lead: str
    connection: str
    href: str
    fields: tuple[FieldPreview, ...]
    changed: int
    problem: str = ""
    empty: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a comparison: `kind` is same, added or removed."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody saved meanwhile."""

    by: str
    at_ms: int | None
    version: str
    theirs: str
    diff: tuple[DiffLine, ...]


@dataclass(frozen=True, slots=True)
class Editor:
    """The editor. `connections` are those on whose leads it can be tried, `used_by` those that use it. `version` is that on which the text is based; `checked` says that there was a check and it found nothing."""

    name: str
    text: str
    version: str
    connections: tuple[str, ...]
    connection: str
    used_by: tuple[str, ...] = ()
    is_built_in: bool = False
    faults: tuple[Fault, ...] = ()
    is_checked: bool = False
    leads: str = ""
    previews: tuple[LeadPreview, ...] = ()
    preview_problem: str = ""
    conflict: Conflict | None = None
    saved: Link | None = None
    changed_ms: int | None = None
    changed_by: str = ""
