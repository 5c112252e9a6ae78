"""The mapping pages: the list, the editor, and a lead mapped field by field."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from streams.console.errors import Fault
from streams.console.pages.views.links import contact_href
from streams.console.pages.views.page_view import Hyperlink
from streams.core.to_ghl.plan import CUSTOM
from streams.mapping_versions.problems import TextProblem
from streams.operations.mapping_preview.preview import Preview, Row


@dataclass(frozen=True, slots=True)
class FieldPreview:
    """One GHL field of a lead: Lofty's value, the mapped value, GHL's value, and what the next write would do."""

    ghl_field: str
    lofty: str
    mapped: str
    now: str
    change: str
    is_changed: bool = False
    flag: str = ""


@dataclass(frozen=True, slots=True)
class LeadPreview:
    """One lead, mapped with the editor's text. `empty` are fields without a value on either side.

    `flags` are values that are left out, but for those that a field's own `flag` shows.
    """

    name: str
    lead: str
    connection: str
    href: str
    fields: tuple[FieldPreview, ...]
    changed: int
    problem: str = ""
    empty: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a comparison: `kind` is same, added or removed."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class SaveConflict:
    """Somebody saved meanwhile."""

    by: str
    at_ms: int | None
    version: str
    theirs: str
    diff: tuple[DiffLine, ...]


@dataclass(frozen=True, slots=True)
class EditorView:
    """The editor. `connections` are those on whose leads it can be tried, `used_by` those that use it. `version` is that on which the text is based; `is_checked` says that there was a check and it found nothing, `is_edited` that the text differs from what is saved. `creates` are custom fields that saving would create in GHL, `confirm` the same where saving waits for a yes."""

    name: str
    text: str
    version: str
    connections: tuple[str, ...]
    connection: str
    used_by: tuple[str, ...] = ()
    is_built_in: bool = False
    faults: tuple[TextProblem | Fault, ...] = ()
    is_checked: bool = False
    is_edited: bool = False
    leads: str = ""
    previews: tuple[LeadPreview, ...] = ()
    preview_problem: str = ""
    conflict: SaveConflict | None = None
    creates: tuple[str, ...] = ()
    confirm: tuple[str, ...] = ()
    saved: Hyperlink | None = None
    changed_ms: int | None = None
    changed_by: str = ""


_CHANGES = {
    "same": "stays",
    "set": "is written",
    "clear": "is emptied",
    "empty": "nothing to write",
    "kept": "GHL's value is kept",
    "new field": "field is created, then written",
    "left out": "left out",
    "unknown": "written if it differs",
}
_CHANGING = frozenset({"set", "clear", "new field"})
_WOULD = {
    "create": "It is not in GHL yet: the contact would be created.",
    "wait": "Nothing would be written now.",
    "tag": "The lead is deleted in Lofty: its contact would be tagged.",
    "delete": "The lead is deleted in Lofty: its contact would be deleted.",
}


def new_text(name: str) -> str:
    """What a new mapping begins with."""
    return (
        f"# What differs from the built-in mapping. Each line: GHL field = where its value comes from.\n"
        f'[mappings.{name}]\nextends = "default"\n\n[mappings.{name}.fields]\n# website = "facebook"\n'
    )


def diff(theirs: str, ours: str) -> tuple[DiffLine, ...]:
    """Two texts, line by line, with two lines around each difference."""
    kinds = {"+": "added", "-": "removed", " ": "same"}
    lines = difflib.unified_diff(theirs.splitlines(), ours.splitlines(), lineterm="", n=2)
    return tuple(
        DiffLine(kinds[one[0]], one[1:]) for one in lines if one[:1] in kinds and one[:3] not in ("---", "+++")
    )


def previews(found: Iterable[Preview]) -> tuple[LeadPreview, ...]:
    """Leads, each mapped."""
    return tuple(preview(one) for one in found)


def preview(one: Preview) -> LeadPreview:
    """One lead."""
    is_empty = {each.target for each in one.rows if each.change == "empty" and not shown(each.lofty)}
    fields = [row(each) for each in one.rows if each.target not in is_empty]
    if one.tags.wanted or one.tags.remove:
        fields.append(_tags(one))
    words = _WOULD.get(one.would, "")
    if one.because:
        words = f"{words} {one.because[:1].upper()}{one.because[1:]}.".strip()
    return LeadPreview(
        name=one.name or f"Lead {one.lead}",
        lead=one.lead,
        connection=one.connection,
        href=contact_href(one.connection, one.lead),
        fields=tuple(sorted(fields, key=lambda each: not each.is_changed)),
        changed=sum(each.is_changed for each in fields),
        problem=words,
        empty=tuple(each.target.removeprefix(CUSTOM) for each in one.rows if each.target in is_empty),
        flags=_other_flags(one),
    )


def _other_flags(one: Preview) -> tuple[str, ...]:
    notes = {row.target.removeprefix(CUSTOM): row.note for row in one.rows if row.note}
    parts = ((flag, *flag.partition(": ")) for flag in one.flags)
    return tuple(flag for flag, name, _, note in parts if not note or note not in notes.get(name, ""))


def row(one: Row) -> FieldPreview:
    """One field: what Lofty holds, what it becomes, and what would be done."""
    is_changed = one.change in _CHANGING
    now = shown(one.found) if one.is_found_known and shown(one.found) != shown(one.value) else ""
    if one.is_found_known and one.found in (None, "") and one.value not in (None, ""):
        now = "(empty)"
    return FieldPreview(
        ghl_field=one.target.removeprefix(CUSTOM),
        lofty=shown(one.lofty),
        mapped=shown(one.value),
        now=now,
        change=_CHANGES[one.change],
        is_changed=is_changed,
        flag=one.note,
    )


def shown(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, (str, int, float)) for one in value):
        return ", ".join(str(one) for one in value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _tags(one: Preview) -> FieldPreview:
    changes = [f"adds {', '.join(one.tags.add)}"] if one.tags.add else []
    changes += [f"removes {', '.join(one.tags.remove)}"] if one.tags.remove else []
    wanted = ", ".join(one.tags.wanted)
    return FieldPreview("tags", wanted, wanted, "", "; ".join(changes) or "stays", bool(changes))
