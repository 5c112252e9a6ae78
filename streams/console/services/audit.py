"""The audit, read: who did what, the newest first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from streams.console.auth.scope import Scope, current_scope
from streams.console.errors import Unavailable, WrongInput
from streams.console.services.kafka_errors import on_kafka
from streams.kafka.topic_reader import each_record
from streams.messages import InvalidMessage
from streams.messages.audit_entry import Act
from streams.messages.topics import AUDIT, TopicNames
from streams.operations.history.index.reader import ActLines, IndexReader, NoIndex
from streams.settings import Settings

INTERRUPTED_MS = 15 * 60_000
"""An act without an end after so long was interrupted."""


@dataclass(frozen=True, slots=True)
class ActSeen:
    """One act. `outcome` is begun (under way), done, failed, refused, or interrupted: then nobody knows whether it happened."""

    id: str
    at_ms: int
    who: str
    role: str
    via: str
    address: str
    action: str
    about: dict[str, str]
    outcome: str
    detail: str
    ended_ms: int | None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some acts. `after` is what the next page is asked with; empty on the last."""

    acts: tuple[ActSeen, ...]
    people: tuple[str, ...]
    after: str


class AuditReader:
    """Reads by the index; through the topic where there is none."""

    def __init__(self, settings: Settings, reader: IndexReader | None, now_ms: Callable[[], int]) -> None:
        self._settings = settings
        self._reader = reader
        self._now_ms = now_ms

    async def page(self, *, who: str = "", before: str = "", limit: int = 50) -> AuditPage:
        """A page; `before` is the `after` of the one before it."""
        scope, cursor = current_scope(), _cursor(before)
        acts: list[ActSeen] = []
        while True:
            lines, people = await self._lines(who, cursor, limit + 1)
            found = [one for line in lines if (one := self._seen(line)) is not None]
            acts += [_without_others(one, scope) for one in found if _is_theirs(one, scope)]
            if len(acts) > limit or len(lines) <= limit or not found:
                break
            cursor = found[-1].at_ms, found[-1].id
        shown = acts[:limit]
        after = f"{shown[-1].at_ms}.{shown[-1].id}" if len(acts) > limit else ""
        if scope.is_limited:
            people = tuple(sorted({one.who for one in shown}))
        return AuditPage(tuple(shown), people, after)

    async def _lines(
        self, who: str, before: tuple[int, str] | None, limit: int
    ) -> tuple[tuple[ActLines, ...], tuple[str, ...]]:
        if self._reader is None:
            return await self._by_topic(who, before, limit)
        try:
            lines = await self._reader.acts(who=who, before=before, limit=limit)
            return lines, await self._reader.people_who_acted()
        except NoIndex as error:
            raise Unavailable(f"The index is being built: {error}.") from error

    async def _by_topic(
        self, who: str, before: tuple[int, str] | None, limit: int
    ) -> tuple[tuple[ActLines, ...], tuple[str, ...]]:
        async def read() -> dict[str, list[str]]:
            found: dict[str, list[str]] = {}
            topic = TopicNames(self._settings.kafka.topic_prefix).of(AUDIT)
            async for record in each_record(self._settings, topic):
                text = (record.value or b"").decode(errors="replace")
                act = _act(text)
                if act is not None:
                    lines = found.setdefault(act.id, ["", ""])
                    lines[0 if act.outcome == "begun" else 1] = text
            return found

        found = await on_kafka(read)
        lines = [ActLines(key, *pair) for key, pair in found.items()]
        dated = sorted(
            ((act.at_ms, act.id, act.who, one) for one in lines if (act := _first(one))), key=lambda x: x[:2]
        )
        people = tuple(sorted({one[2] for one in dated}))
        chosen = [one[3] for one in reversed(dated) if who in ("", one[2]) and (before is None or one[:2] < before)]
        return tuple(chosen[:limit]), people

    def _seen(self, line: ActLines) -> ActSeen | None:
        first, last = _first(line), _act(line.ended)
        if first is None:
            return None
        outcome = (last or first).outcome
        is_old = self._now_ms() - first.at_ms > INTERRUPTED_MS
        return ActSeen(
            *(first.id, first.at_ms, first.who, first.role, first.via, first.address, first.action, dict(first.about)),
            "interrupted" if outcome == "begun" and is_old else outcome,
            (last or first).detail,
            last.at_ms if last is not None else None,
        )


def _is_theirs(act: ActSeen, scope: Scope) -> bool:
    """Whether somebody sees an act; one that is about no single connection is for those who see all."""
    return not scope.is_limited or scope.includes(act.about.get("connection", ""))


def _without_others(act: ActSeen, scope: Scope) -> ActSeen:
    """Without the connection that one was made like, where it is not theirs."""
    if scope.includes(act.about.get("of", "")) or "of" not in act.about:
        return act
    return replace(act, about={name: value for name, value in act.about.items() if name != "of"})


def _first(line: ActLines) -> Act | None:
    return _act(line.begun) or _act(line.ended)


def _act(text: str) -> Act | None:
    try:
        return Act.from_bytes(text.encode()) if text else None
    except InvalidMessage:
        return None


def _cursor(before: str) -> tuple[int, str] | None:
    if not before:
        return None
    at, _, act_id = before.partition(".")
    if not (at.isdigit() and len(at) < 16):
        raise WrongInput("before: expected what the last page gave as after.")
    return int(at), act_id
