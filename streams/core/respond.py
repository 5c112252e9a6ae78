"""Respond: what an event of GHL means for Lofty. Pure.

An event is a hint. Webhooks come late, twice and out of order, and most of them tell of our own writes. So:

- What GHL says is compared with what we last wrote (the link); when nothing differs, the event is an *echo*.
- When something differs, the contact is read (`Look`) before anything is concluded: an old event must not look like an edit.
- A note or task that has a copy in Lofty is read, too: the copy follows what GHL holds, never what a late event told.
- An event is judged in its contact's lane, when nothing of that contact is under way: then the link is what GHL was told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Literal

from streams.core.back_rows import HeardRow
from streams.core.fingerprint import field_hash
from streams.core.plan import UNKNOWN
from streams.core.rows import LinkRow
from streams.mapping.back import Rule, WayBack
from streams.mapping.markers import find_marker, with_back_marker
from streams.words import Entity, Kind
from streams.words.ghl_event import GhlEvent
from streams.words.lofty_write import LoftyWrite

COMPARED = ("firstName", "lastName", "email", "phone", "address1", "city", "state", "postalCode", "companyName")
"""The fields by which an edit of a contact is told. GHL gives these back as they were written; dates and numbers it may not."""

OVER = frozenset({"cancelled", "invalid", "noshow"})
"""States of an appointment that will not take place."""

Because = Literal["answered", "echo", "no rule", "overtaken"]


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known when an event is judged.

    `link` is the contact's. `own` is the note or task of ours that the event is about, with its link; None for anybody else's.
    `contact` is what GHL holds now; None: not read yet. `found` is the note or task itself, empty when it is gone, as it was
    at `read_ms`; None: not read yet.
    """

    event: GhlEvent
    connection: str
    lead: str
    link: LinkRow
    own: Entity | None = None
    own_link: LinkRow | None = None
    heard: HeardRow | None = None
    contact: Mapping[str, Any] | None = None
    found: Mapping[str, Any] | None = None
    read_ms: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """This must be read before the event can be judged: the contact, or the note or task that the event is about."""

    at: Literal["contact", "note", "task"] = "contact"


@dataclass(frozen=True, slots=True)
class Response:
    """What follows from an event.

    `writes` go to Lofty. `fields` are the hashes of what now stands in GHL by another's hand, and `base` those of what we had
    written there; `restore` names the fields in which Lofty's value shall stand again.
    `completed` says that the task of ours is done now, in GHL. `heard` are the tags of others.
    """

    because: Because
    writes: tuple[LoftyWrite, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    base: Mapping[str, str] = field(default_factory=dict)
    restore: tuple[str, ...] = ()
    completed: bool = False
    heard: HeardRow | None = None


def respond(scene: Scene, back: WayBack) -> Response | Look:
    """Judge one event about a contact of ours."""
    match scene.event.type:
        case "ContactCreate" | "ContactUpdate" | "ContactDndUpdate" | "ContactDelete":
            return _contact(scene, back)
        case "ContactTagUpdate":
            return _tags(scene, back)
        case "LoftyEdit":
            return _overruled(scene)
        case "NoteCreate" | "NoteUpdate" | "NoteDelete":
            return _note(scene, back)
        case "TaskCreate" | "TaskComplete" | "TaskDelete":
            return _task(scene, back)
        case "AppointmentCreate" | "AppointmentUpdate" | "AppointmentDelete":
            return _appointment(scene, back)
        case _:
            return Response("no rule")


def edited(contact: Mapping[str, Any], link: LinkRow) -> dict[str, Any]:
    """The fields in which a contact is not as we wrote it, with what GHL holds there (None for nothing)."""
    found: dict[str, Any] = {}
    for name in COMPARED:
        ours = link.fields.get(name)
        value = contact.get(name) or None
        if ours == UNKNOWN or (name not in contact and ours is None):
            continue
        if value is None:
            if name in contact and ours not in (None, _NOTHING, _EMPTY):
                found[name] = None
        elif ours != field_hash(value):
            found[name] = value
    return found


_NOTHING = field_hash(None)
_EMPTY = field_hash("")


def _contact(scene: Scene, back: WayBack) -> Response | Look:
    event = scene.event
    if event.type in ("ContactDelete", "ContactDndUpdate"):
        on = "contact deleted" if event.type == "ContactDelete" else "do not disturb changed"
        if event.type == "ContactDelete" and scene.contact is None:
            scene = _with_contact(scene, event.body)  # it cannot be read any more
        if event.type == "ContactDelete" and scene.link.is_deleted:
            return Response("echo")
        return _by_rules(scene, back, on)
    if not _is_linked(scene):
        return Response("overtaken")
    changed = edited(scene.contact if scene.contact is not None else event.body, scene.link)
    if not changed:
        return Response("echo")
    if scene.contact is None:
        return Look()
    carried: dict[str, Any] = {}
    restore: list[str] = []
    for name, value in changed.items():
        owner = back.owners.get(name)
        if owner == "lofty" or (owner == "newest" and value is None):
            restore.append(name)
        elif owner is not None and value is not None:  # an empty field is never carried
            carried[name] = value
    by_rules = _by_rules(scene, back, "contact changed", event={"changed": sorted(changed)})
    assert isinstance(by_rules, Response)  # the contact was read
    if not carried and not restore:
        return by_rules
    base = {name: scene.link.fields.get(name, _NOTHING) for name in carried}
    writes = by_rules.writes
    if carried:
        write = _write(scene, "fields", "lead", {"fields": carried}, "edited in GHL")
        writes = (write.model_copy(update={"base": base}), *writes)
    return Response(
        "answered",
        writes=writes,
        fields={name: field_hash(value) for name, value in carried.items()},
        base=base,
        restore=tuple(restore),
    )


def _overruled(scene: Scene) -> Response | Look:
    """Lofty was edited in fields that GHL owns: GHL's values go there. `wanted` are the hashes of Lofty's."""
    if not _is_linked(scene):
        return Response("overtaken")
    if scene.contact is None:
        return Look()
    lofty = {name: hash_ for name, hash_ in (scene.event.body.get("wanted") or {}).items() if isinstance(hash_, str)}
    values = {name: scene.contact.get(name) or None for name in lofty}
    carried = {name: value for name, value in values.items() if value is not None}
    write = _write(scene, "fields", "lead", {"fields": carried}, "owned by GHL").model_copy(update={"base": lofty})
    fields = {name: field_hash(value) for name, value in values.items()}
    return Response("answered", (write,) if carried else (), fields=fields, base=lofty)


def _tags(scene: Scene, back: WayBack) -> Response | Look:
    event, heard, link = scene.event, scene.heard, scene.link
    if heard is not None and heard.at_ms > event.at_ms:
        return Response("overtaken")
    told = scene.contact if scene.contact is not None else event.body
    tags = {tag.strip().lower() for tag in told.get("tags") or () if isinstance(tag, str)}
    ours = {*link.tags, *link.doubtful_tags}
    others, before = tags - ours, set(heard.tags if heard is not None else ())
    added, removed = sorted(others - before), sorted(before - others - ours)
    row = HeardRow(at_ms=event.at_ms, tags=tuple(sorted(others)))
    if not added and not removed:
        return Response("echo", heard=row)
    if scene.contact is None:
        return Look()
    writes = [
        *(write for tag in added for write in _rule_writes(scene, back, "tag added", tag=tag)),
        *(write for tag in removed for write in _rule_writes(scene, back, "tag removed", tag=tag)),
    ]
    return Response("answered" if writes else "no rule", tuple(writes), heard=row)


def _note(scene: Scene, back: WayBack) -> Response | Look:
    event = scene.event
    if scene.own is not None or _is_marked(event.body.get("body"), "note"):
        return Response("echo")
    on = {"NoteCreate": "note written", "NoteUpdate": "note changed", "NoteDelete": "note deleted"}[event.type]
    if not back.notes or _lacks_contact(scene, back, on):
        return _by_rules(scene, back, on)
    if scene.found is None:
        return Look("note")
    text = scene.found.get("body")
    if _is_marked(text, "note"):
        return Response("echo")
    state = {"content": with_back_marker(_plain(text), f"note:{event.id}")} if scene.found else None
    return _by_rules(scene, back, on, (_copy(scene, "note", state, on),))


def _task(scene: Scene, back: WayBack) -> Response | Look:
    event = scene.event
    on = {"TaskCreate": "task created", "TaskComplete": "task completed", "TaskDelete": "task deleted"}[event.type]
    own = scene.own or _marked(scene)
    if own is not None:
        done = (scene.own_link or LinkRow()).fields.get("completed") == field_hash(True)
        if event.type != "TaskComplete" or own.kind != "task" or done:
            return Response("echo")
        if not back.finishes_tasks:
            return _by_rules(scene, back, on)
        finish = _write(scene, f"finish:{own.id}", "task", {"finished": True}, on)
        rules = _by_rules(scene, back, on, (finish.model_copy(update={"lofty_id": own.id}),))
        return _completing(rules) if isinstance(rules, Response) and _is_named(scene) else rules
    if not back.tasks or _lacks_contact(scene, back, on):
        return _by_rules(scene, back, on)
    if scene.found is None:
        return Look("task")
    return _by_rules(scene, back, on, (_copy(scene, "task", _task_state(scene, scene.found, back), on),))


def _task_state(scene: Scene, found: Mapping[str, Any], back: WayBack) -> dict[str, Any] | None:
    if not found:
        return None
    text = "\n".join(part for part in (_plain(found.get("title")), _plain(found.get("body"))) if part)
    return {
        "type": "Other",
        "content": with_back_marker(text or "Task in GoHighLevel", f"task:{scene.event.id}"),
        "assignedRole": back.role,
        "endAt": _instant(found.get("dueDate")) or _iso(scene.event.at_ms),
        "finished": found.get("completed") is True,
    }


def _appointment(scene: Scene, back: WayBack) -> Response | Look:
    event, body = scene.event, scene.event.body
    if scene.own is not None or any(_is_marked(body.get(name), "appointment") for name in ("notes", "description")):
        return Response("echo")  # it is Lofty's: what somebody does with it in GHL stays there
    on = {
        "AppointmentCreate": "appointment booked",
        "AppointmentUpdate": "appointment changed",
        "AppointmentDelete": "appointment deleted",
    }[event.type]
    status = str(body.get("appointmentStatus") or body.get("appoinmentStatus") or "").lower()
    begins, ends = _instant(body.get("startTime")), _instant(body.get("endTime"))
    state: dict[str, Any] | None = None
    if event.type != "AppointmentDelete" and status not in OVER:
        facts = [_plain(body.get("title")) or "Appointment", _plain(body.get("notes")), _plain(body.get("address"))]
        state = {
            "type": "Appointment",
            "content": with_back_marker("\n".join(fact for fact in facts if fact), f"appointment:{event.id}"),
            "assignedRole": back.role,
            "startAt": begins or _iso(event.at_ms),
            "endAt": ends or begins or _iso(event.at_ms),
            "finished": status == "showed",
        }
    if not back.appointments:
        return _by_rules(scene, back, on)
    copy = _write(scene, f"appointment:{event.id}", "task", state, on)
    # A deletion is no change of what it tells of: its body bears the time of the last one, which may still come late.
    at_ms = event.at_ms if event.type == "AppointmentDelete" else _changed_ms(body) or event.at_ms
    return _by_rules(scene, back, on, (copy.model_copy(update={"at_ms": at_ms}),))


def _by_rules(
    scene: Scene,
    back: WayBack,
    on: str,
    copy: tuple[LoftyWrite, ...] = (),
    *,
    event: Mapping[str, Any] | None = None,
) -> Response | Look:
    """What the rules for this kind of event make of it, beside its copy."""
    if _lacks_contact(scene, back, on):
        return Look()
    writes = (*copy, *_rule_writes(scene, back, on, event=event))
    return Response("answered" if writes else "no rule", writes)


def _lacks_contact(scene: Scene, back: WayBack, on: str) -> bool:
    """A rule for this kind of event asks for the contact, which was not read yet."""
    return scene.contact is None and any("contact" in rule.roots for rule in back.rules if rule.on == on)


def _rule_writes(
    scene: Scene, back: WayBack, on: str, *, tag: str = "", event: Mapping[str, Any] | None = None
) -> Iterator[LoftyWrite]:
    told = scene.event
    scope = {
        "event": {**told.body, "type": told.type, "id": told.id, "at": _iso(told.at_ms), **(event or {})},
        "contact": scene.contact or {},
        "tag": tag,
        "lead": scene.lead,
        "connection": scene.connection,
    }
    for rule in back.rules:
        if rule.on == on and rule.applies(scope):
            yield _made_by(rule, scene, scope, tag)


def _made_by(rule: Rule, scene: Scene, scope: Mapping[str, Any], tag: str) -> LoftyWrite:
    event = scene.event
    cause = event.webhook or f"{event.type} {event.id} {event.at_ms}"
    about = "rule:" + blake2b(f"{rule.name}\n{cause}\n{tag}".encode(), digest_size=10).hexdigest()
    if rule.note is not None:
        text = rule.note.render(scope) or rule.name
        return _write(scene, about, "note", {"content": with_back_marker(text, about)}, f"rule {rule.name!r}")
    task = rule.task
    assert task is not None  # the settings see to it that a rule has one of both
    state = {
        "type": task.type,
        "content": with_back_marker(task.content.render(scope) or rule.name, about),
        "assignedRole": task.role,
        "endAt": _iso(event.at_ms + int(task.due_minutes * 60_000)),
    }
    return _write(scene, about, "task", state, f"rule {rule.name!r}")


def _write(
    scene: Scene, about: str, target: Literal["task", "note", "lead"], state: dict[str, Any] | None, because: str
) -> LoftyWrite:
    return LoftyWrite(
        connection=scene.connection,
        lead=scene.lead,
        about=about,
        target=target,
        state=state,
        at_ms=scene.event.at_ms,
        accepted_ms=scene.event.accepted_ms,
        because=because,
    )


def _copy(scene: Scene, target: Literal["task", "note"], state: dict[str, Any] | None, because: str) -> LoftyWrite:
    """What shall be in Lofty of a note or task of GHL. What was read later is newer, whatever the events' times say."""
    write = _write(scene, f"{target}:{scene.event.id}", target, state, because)
    return write.model_copy(update={"at_ms": scene.read_ms})


def _is_marked(text: Any, kind: Kind) -> bool:
    return find_marker(text if isinstance(text, str) else None, kind) is not None


def _marked(scene: Scene) -> Entity | None:
    """The task of ours that bears its marker, though its receipt does not say so (yet). Events may come without the text."""
    kinds: tuple[Kind, ...] = ("task", "appointment")
    for told in (scene.event.body, scene.found or {}):
        text = told.get("body")
        for kind in kinds:
            if found := find_marker(text if isinstance(text, str) else None, kind):
                return Entity(scene.connection, scene.lead, kind, found)
    return None


def _is_linked(scene: Scene) -> bool:
    """Whether the contact is the one that the link names: not one that stood in its place before."""
    return scene.link.ghl_id == scene.event.contact


def _is_named(scene: Scene) -> bool:
    """Whether the task is the one that its link names: not one that stood in its place before, or while a create is in doubt."""
    link = scene.own_link or LinkRow()
    return link.ghl_id == scene.event.id and not link.is_deleted


def _completing(response: Response) -> Response:
    return Response(response.because, response.writes, completed=True)


def _with_contact(scene: Scene, contact: Mapping[str, Any]) -> Scene:
    return replace(scene, contact=contact)


def _plain(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _instant(value: Any, timespec: str = "seconds") -> str | None:
    """An ISO time with its offset, as Lofty takes it; None for what is no time, or has no offset."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return None if at.utcoffset() is None else at.astimezone(UTC).isoformat(timespec=timespec)


def _changed_ms(body: Mapping[str, Any]) -> int | None:
    """When GHL last changed what an event tells of: its envelope may bear the time of sending."""
    at = _instant(body.get("dateUpdated"), timespec="milliseconds")
    return None if at is None else int(datetime.fromisoformat(at).timestamp() * 1000)


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
