"""From a Lofty task or appointment to a GHL task, and from an appointment to one in a calendar.

Three shapes come in: v2 tasks (`endAt`), v1 tasks (`deadline`, a text), appointments (`deadline`, epoch ms; `descr`).
GHL demands a due date.
A Lofty task without one is due when it was created: known, stable, and visible at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from streams.mapping.locale import PLAIN, Locale, zone_of
from streams.mapping.mapping import NO_USERS
from streams.mapping.markers import marker, with_marker
from streams.mapping.note import Said, line, lofty_id
from streams.mapping.values import UnreadableValue, read_email, read_instant
from streams.messages import Kind

TITLE_LIMIT = 120
NO_DATE = "2000-01-01T00:00:00Z"
BEGINS = ("startAt", "deadline")
ENDS = ("endAt", "endTime")
USUAL_LENGTH = timedelta(minutes=30)
TASK_DUE = ("endAt", "deadline", "startAt", "createTime", "lastUpdate")
APPOINTMENT_DUE = ("startAt", "deadline", "endAt", "endTime", "createTime", "lastUpdate")


@dataclass(frozen=True, slots=True)
class MappedTask:
    """The desired state of a task. `body` ends with `marker`; `due_iso` is UTC, `YYYY-MM-DDTHH:MM:SSZ`."""

    title: str
    body: str
    marker: str
    due_iso: str
    completed: bool
    assigned_to_email: str | None
    flags: tuple[str, ...] = ()


def map_task(state: Mapping[str, Any], *, users: Mapping[str, str] = NO_USERS) -> MappedTask:
    """Map the state of a task (v1 or v2). Never raises for what Lofty sends.

    `users` is the mapping's: Lofty agent's e-mail → GHL user's e-mail.
    """
    return _map("task", Said(state), users, TASK_DUE, [])


def map_appointment(
    state: Mapping[str, Any], *, users: Mapping[str, str] = NO_USERS, locale: Locale = PLAIN
) -> MappedTask:
    """Map the state of an appointment, as a task that is due when the appointment starts. Never raises.

    Lofty describes `deadline` of an appointment as its start (its OpenAPI document). Its text has the times in the locale's zone.
    """
    said, zone = Said(state), zone_of(state, locale)
    begin = said.moment(_first(state, BEGINS), zone)
    end = said.moment(_first(state, ENDS), zone)
    times = f"{begin} to {end}" if begin and end else begin
    facts = [f"When: {times}"] if times else []
    return _map("appointment", said, users, APPOINTMENT_DUE, facts)


LAST_BEGIN = datetime(9999, 12, 31, tzinfo=UTC)
"""An appointment that is said to begin later begins here: its end must still be a date."""
ISO = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class MappedEvent:
    """The desired state of an appointment in a calendar. `description` ends with the marker; times are UTC, as `due_iso` is.

    `took_place` says that Lofty has it as finished: the client was there.
    """

    title: str
    description: str
    marker: str
    begins_iso: str
    ends_iso: str
    address: str
    took_place: bool
    assigned_to_email: str | None
    flags: tuple[str, ...] = ()


def has_begin(state: Mapping[str, Any]) -> bool:
    """Whether Lofty says when an appointment begins: without that it has no place in a calendar."""
    return bool(Said(state).moment(_first(state, BEGINS)))


def map_event(state: Mapping[str, Any], *, users: Mapping[str, str] = NO_USERS) -> MappedEvent:
    """Map the state of an appointment, as one in a calendar. Never raises.

    What has no end, or one that is not after its begin, lasts as long as GHL's own default.
    Its time and place are fields of their own, so its text does not contain them.
    """
    said = Said({name: value for name, value in state.items() if name != "address"})
    mapped = _map("appointment", said, users, APPOINTMENT_DUE, [])
    place = Said(state)
    begins = min(datetime.fromisoformat(mapped.due_iso), LAST_BEGIN)
    ends = begins + USUAL_LENGTH
    last = _first(state, ENDS)
    try:
        read = datetime.fromisoformat(read_instant(state.get(last)))
        ends = read if read > begins else ends
    except UnreadableValue as error:
        place.unreadable(last, error)
    return MappedEvent(
        title=mapped.title,
        description=mapped.body,
        marker=mapped.marker,
        begins_iso=begins.astimezone(UTC).strftime(ISO),
        ends_iso=ends.astimezone(UTC).strftime(ISO),
        address=place.line("address"),
        took_place=mapped.completed,
        assigned_to_email=mapped.assigned_to_email,
        flags=(*mapped.flags, *place.flags),
    )


def _map(kind: Kind, said: Said, users: Mapping[str, str], due_names: tuple[str, ...], facts: list[str]) -> MappedTask:
    state = said.state
    sort = "Appointment" if kind == "appointment" else said.line("type", 40)
    texts = [said.paragraph(name) for name in ("content", "descr", "subject")]
    content = next(filter(None, texts), "")
    headline = line(content, TITLE_LIMIT)
    is_named = bool(sort) and sort != "Other" and not headline.lower().startswith(sort.lower())
    title = line(": ".join(part for part in (sort if is_named else "", headline) if part), TITLE_LIMIT)
    parts = [content if content != title else "", texts[1] if texts[1] != content else ""]
    if subject := said.line("subject"):
        parts.append(f"Subject: {subject}" if subject != content else "")
    parts.append(said.paragraph("body"))
    if address := said.line("address"):
        facts = [*facts, f"Where: {address}"]
    parts += facts
    body = "\n".join(part for part in parts if part)
    task_id = lofty_id(state, "id", "taskId", "apptId")
    due, agent = _due(said, due_names), agent_email(said, users)
    return MappedTask(
        title=title or sort or "Task in Lofty",
        body=with_marker(body, kind, task_id),
        marker=marker(kind, task_id),
        due_iso=due,
        completed=state.get("finishFlag") is True,
        assigned_to_email=agent,
        flags=tuple(said.flags),
    )


def _first(state: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The first of these names under which Lofty says something."""
    return next((name for name in names if state.get(name)), names[0])


def _due(said: Said, names: tuple[str, ...]) -> str:
    for name in names:
        try:
            return read_instant(said.state.get(name))
        except UnreadableValue as error:
            said.unreadable(name, error)
    return NO_DATE


def agent_email(said: Said, users: Mapping[str, str]) -> str | None:
    """The e-mail of the GHL user who is the agent of a task or lead; None without one. `users` are the exceptions."""
    agent = said.state.get("_agent")
    try:
        email = read_email(agent.get("email") if isinstance(agent, dict) else None)
    except UnreadableValue as error:
        if isinstance(agent, dict) and agent.get("email"):
            said.unreadable("_agent", error)
        return None
    return users.get(email, email)
