"""Previews a mapping: the value of each field for one lead, how it came about, and what would change in GHL. Pure.

The preview maps and plans with the functions that the worker uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from jmespath.exceptions import JMESPathError

from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.core.to_ghl.compare import is_same
from streams.core.to_ghl.desired import Resolved, resolve_contact
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.plan import CUSTOM, Call, Stuck
from streams.core.to_ghl.plan_contact import held, plan_contact, plan_gone_contact
from streams.mapping import LEAD_ID_FIELD, MappedContact, Reading, map_contact
from streams.mapping.contact import notes_of, reading_of, view_of
from streams.mapping.cost import CONTACT_STEPS, shared_steps, size
from streams.mapping.ghl_fields import ASSIGNED_TO, STANDARD
from streams.mapping.mapping import CompiledField
from streams.mapping.values import UnreadableValue
from streams.messages import Snapshot
from streams.settings.model import Connection

Change = Literal["same", "set", "clear", "empty", "kept", "new field", "left out", "unknown"]
Would = Literal["create", "update", "nothing", "tag", "delete", "wait"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step from Lofty's value to GHL's: its name and its result; `trouble` says why it failed."""

    name: str
    value: Any
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One field. `lofty` is the value of the expression `source`, `value` is what GHL should hold.

    `change` is what the next write would do to the field:

    - `same`: nothing, we wrote this value last · `set` it, or `clear` it
    - `empty`: nothing, because the value is empty and we never wrote the field
    - `kept`: nothing, because the Lofty sync lets GHL's value win · `new field`: create the custom field first
    - `left out`: the value cannot be mapped, or the location has no such field · `unknown`: no worker reported the location's fields

    `found` is what GHL holds now, if `is_found_known`; `note` explains the row to people.
    """

    target: str
    label: str
    source: str
    lofty: Any
    steps: tuple[Step, ...]
    value: Any
    change: Change
    found: Any = None
    is_found_known: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class TagsRow:
    """The tags that the contact should have, and which tags the next write would add and remove."""

    wanted: tuple[str, ...]
    add: tuple[str, ...]
    remove: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """One lead. `would` is what the worker would do with it; `because` says why, where that is not obvious."""

    connection: str
    lead: str
    name: str
    rows: tuple[Row, ...]
    tags: TagsRow
    flags: tuple[str, ...]
    would: Would
    because: str
    read_ms: int


@dataclass(frozen=True, slots=True)
class MappingDifference:
    """The difference between two mappings in one field: its value, and whether it is mapped at all."""

    target: str
    before: Any
    after: Any
    is_mapped_before: bool = True
    is_mapped_after: bool = True


def preview(
    connection: Connection,
    snapshot: Snapshot,
    directory: Directory | None,
    link: LinkRow | None,
    found: Mapping[str, Any] | None = None,
) -> Preview:
    """Preview the newest snapshot of a lead's contact.

    `directory` is None if no worker reported it. `link` holds our last write; `found` is GHL's contact as verify reads it.
    """
    state = snapshot.state
    if state is None:
        return _gone(connection, snapshot, link)
    mapped = map_contact(connection.mapping, state, region=connection.region)
    resolved = resolve_contact(mapped, directory or Directory(), snapshot.lead)
    about = _About(connection, mapped, resolved, directory, link, found, state)
    view = view_of(state)
    with shared_steps(2 * CONTACT_STEPS):  # mapping takes at most half of it; showing each step takes the rest
        rows = [*_rows(about, connection.mapping.standard, view), *_assignment(about, view)]
        rows += _custom_rows(about, view)
    links = link or LinkRow()
    tags = TagsRow(
        mapped.tags,
        tuple(tag for tag in mapped.tags if tag not in links.tags or tag in links.doubtful_tags),
        tuple(sorted({*links.tags, *links.doubtful_tags}.difference(mapped.tags))),
    )
    would, because = _would(about, tags)
    # Without the location's fields, each field would be reported as missing.
    flags = resolved.flags if directory is not None else mapped.flags
    return Preview(
        connection.name, snapshot.lead, lead_name(state), tuple(rows), tags, flags, would, because, snapshot.read_ms
    )


MOST_VALUES = 200
MOST_CHARACTERS = 2_000
"""The most that a preview shows of one value: a longer text is cut, of a longer list or object only the size is shown."""


def shortened(one: Preview) -> Preview:
    """The preview with long values cut: a mapping can produce very much text, which would slow down the console and the browser."""
    return replace(one, rows=tuple(_shortened(row) for row in one.rows))


def _shortened(row: Row) -> Row:
    steps = tuple(replace(step, value=_short(step.value)) for step in row.steps)
    return replace(row, lofty=_short(row.lofty), steps=steps, value=_short(row.value), found=_short(row.found))


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MOST_CHARACTERS:
        return f"{value[:MOST_CHARACTERS]}… ({len(value)} characters)"
    if not isinstance(value, list | dict) or size(value, MOST_VALUES) <= MOST_VALUES:
        return value
    what = "a list" if isinstance(value, list) else "an object"
    return f"({what} that holds more than can be shown)"


def differences(before: Preview, after: Preview) -> tuple[MappingDifference, ...]:
    """The fields and tags in which two mappings differ."""
    olds, news = ({row.target: row for row in one.rows} for one in (before, after))
    found = []
    for target in dict.fromkeys((*olds, *news)):
        old, new = olds.get(target), news.get(target)
        old_value, new_value = old.value if old else None, new.value if new else None
        if old is None or new is None or field_hash(old_value) != field_hash(new_value):
            found.append(MappingDifference(target, old_value, new_value, old is not None, new is not None))
    if before.tags.wanted != after.tags.wanted:
        found.append(MappingDifference("tags", list(before.tags.wanted), list(after.tags.wanted)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _About:
    connection: Connection
    mapped: MappedContact
    resolved: Resolved
    directory: Directory | None
    link: LinkRow | None
    found: Mapping[str, Any] | None
    state: Mapping[str, Any]

    def reading(self) -> Reading:
        """For one field: each gathers its own notes."""
        return reading_of(self.connection.mapping, self.state, self.connection.region)


def _rows(about: _About, fields: Iterable[CompiledField], view: Mapping[str, Any]) -> list[Row]:
    return [_judged(about, _walk(field, view, about.reading()), field.target) for field in fields]


def _assignment(about: _About, view: Mapping[str, Any]) -> list[Row]:
    field = about.connection.mapping.assignment
    if field is None:
        return []
    row = _walk(field, view, about.reading())
    email = about.mapped.assigned_to_email
    if email is not None and email != row.value:
        row = replace(row, steps=(*row.steps, Step("user in GHL", email)))
    row = replace(row, value=email, label="assigned user")
    user = about.directory.user_id(email) if about.directory is not None and email else None
    if email and about.directory is not None and user is None:
        return [replace(row, change="left out", note=f"no GHL user has the e-mail {email}")]
    if email is None:
        return [replace(row, change="empty", note="the lead has no agent's e-mail, so the GHL user is left alone")]
    if user is None:
        return [replace(row, change="unknown")]
    judged = _judged(about, replace(row, value=user), ASSIGNED_TO)
    emails = {user_id: known for known, user_id in (about.directory or Directory()).users.items()}
    return [replace(judged, value=email, found=emails.get(judged.found, judged.found))]


def _custom_rows(about: _About, view: Mapping[str, Any]) -> list[Row]:
    named = {field.target: field for field in about.connection.mapping.custom}
    rows = []
    for reference in dict.fromkeys((*about.mapped.custom, *named)):
        if reference in named:
            row = _walk(named[reference], view, about.reading())
        elif reference == LEAD_ID_FIELD:
            row = Row(reference, reference, "leadId", view.get("leadId"), (), about.mapped.custom[reference], "same")
        else:
            source = f"customAttributes: {reference.removeprefix('Lofty ')}"
            row = Row(
                reference, reference, source, about.mapped.custom[reference], (), about.mapped.custom[reference], "same"
            )
        rows.append(_judged_custom(about, replace(row, target=f"{CUSTOM}{reference}")))
    return rows


def _judged_custom(about: _About, row: Row) -> Row:
    reference = row.target.removeprefix(CUSTOM)
    if row.change == "left out" or about.directory is None:
        return row if row.change == "left out" else replace(row, change="unknown")
    field_id = about.directory.custom_field_id(reference)
    if field_id is not None:
        return _judged(about, row, f"{CUSTOM}{field_id}")
    if row.value is None:
        return replace(row, change="empty")
    is_key = reference.startswith("contact.")
    if is_key or not about.connection.policies.create_custom_fields:
        return replace(row, change="left out", note="the location has no such field: create it in GHL")
    return replace(row, change="new field")


def _judged(about: _About, row: Row, key: str) -> Row:
    """The row, completed with what the next write would do and what GHL holds."""
    link = about.link if about.link is not None and about.link.ghl_id and not about.link.is_deleted else None
    if row.change == "left out":
        change: Change = "left out"
    elif link is None:
        change = "empty" if row.value is None else "set"
    elif key in held(about.resolved.contact, link, about.connection.back.owners):
        change = "kept"
    elif link.fields.get(key) == field_hash(row.value):
        change = "same"
    elif row.value is None:
        change = "clear" if key in link.fields else "empty"
    else:
        change = "set"
    if about.found is None:
        return replace(row, change=change)
    custom = about.found.get("customFields") or {}
    now = custom.get(key.removeprefix(CUSTOM)) if key.startswith(CUSTOM) else about.found.get(key)
    note = row.note
    if change == "same" and not is_same(row.value, now):
        note = "somebody changed it in GHL: it stays so until Lofty's value changes, or verify --repair"
    return replace(row, change=change, found=now, is_found_known=True, note=note)


def _walk(field: CompiledField, view: Mapping[str, Any], reading: Reading) -> Row:
    """Compute one field step by step, until its value is there or a step fails."""
    label = STANDARD.get(field.target, field.target)
    try:
        lofty = value = field.read(view)
    except (JMESPathError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        trouble = f"{field.source} fails: {type(error).__name__}"
        return Row(field.target, label, field.source, None, (), None, "left out", note=trouble)
    steps: list[Step] = []
    labels = field.labels or tuple("" for _ in field.steps)
    for name, step in zip(labels, field.steps, strict=True):
        try:
            changed = step(value, reading)
        except (
            UnreadableValue,
            JMESPathError,
            TypeError,
            ValueError,
            ArithmeticError,
            LookupError,
            AttributeError,
        ) as error:
            trouble = str(error) if isinstance(error, UnreadableValue) else f"fails: {type(error).__name__}"
            steps.append(Step(name, None, trouble))
            return Row(field.target, label, field.source, lofty, tuple(steps), None, "left out", note=trouble)
        is_quiet = name == "unset" or name.startswith("as ")
        if not is_quiet or changed != value or type(changed) is not type(value):
            steps.append(Step(name, changed))
        value = changed
    note = "; ".join(notes_of(reading))
    return Row(field.target, label, field.source or "(always)", lofty, tuple(steps), value, "same", note=note)


def _would(about: _About, tags: TagsRow) -> tuple[Would, str]:
    contact, link = about.resolved.contact, about.link
    if about.directory is None:
        if link is None or link.ghl_id is None or link.is_deleted:
            return "create", "it was never written"
        changed = any(
            field_hash(value) != link.fields.get(name) and (value is not None or name in link.fields)
            for name, value in contact.fields.items()
        )
        return (
            "update" if changed or tags.add or tags.remove else "nothing"
        ), "judged without GHL's side, which only a worker can read"
    holding = held(contact, link, about.connection.back.owners)
    plan = plan_contact(contact, link, 0, search_lag_ms=0, holding=holding)
    if isinstance(plan, Stuck):
        return "wait", plan.because
    if isinstance(plan, Call):
        return ("create", "") if plan.is_create or plan.step == "find contact" else ("update", "")
    if about.resolved.missing and about.connection.policies.create_custom_fields:
        return "update", "custom fields are created first"
    return "nothing", ""


def _gone(connection: Connection, snapshot: Snapshot, link: LinkRow | None) -> Preview:
    policies = connection.policies
    plan = plan_gone_contact(link, policy=policies.lead_deleted, deleted_tag=policies.lead_deleted_tag)
    step = plan.step if isinstance(plan, Call) else ""
    would: Would = "delete" if step == "delete contact" else "tag" if step == "add tags" else "nothing"
    nothing = TagsRow((), (), ())
    return Preview(
        connection.name, snapshot.lead, "", (), nothing, (), would, "the lead is deleted in Lofty", snapshot.read_ms
    )


def lead_name(state: Mapping[str, Any]) -> str:
    return " ".join(part for key in ("firstName", "lastName") if isinstance(part := state.get(key), str) and part)
