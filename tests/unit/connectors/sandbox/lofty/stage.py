"""A sandbox at a time of our choosing, and requests to it without a socket."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

import orjson

from connectors.sandbox.lofty import LoftySandbox, LoftySandboxSettings, TeamSettings
from connectors.sandbox.lofty.state import TeamState

HERE, THERE = 123456, 654321
SETTINGS = LoftySandboxSettings(teams=(TeamSettings(HERE, ("key-here",)), TeamSettings(THERE, ("key-there",))))
HEADERS = {"Authorization": "token key-here", "Content-Type": "application/json"}
START = 1_777_570_412.0


class Stage:
    """A sandbox whose clock stands until `now` is moved."""

    def __init__(self, settings: LoftySandboxSettings = SETTINGS) -> None:
        self.now = START
        self.sandbox = LoftySandbox(settings, now=lambda: self.now)
        self._numbers = count(1)

    @property
    def team(self) -> TeamState:
        """The team that asks."""
        return self.sandbox.teams[HERE]

    def ask(self, method: str, target: str, body: Any = None, headers: Mapping[str, str] = HEADERS) -> tuple[int, Any]:
        """Status and JSON of an answer; None for an empty body."""
        path, _, query = target.partition("?")
        visit = self.sandbox.arrive(method, path, query, headers, b"" if body is None else orjson.dumps(body))
        self.sandbox.apply(visit)
        self.sandbox.finish(visit, is_answered=True)
        self.headers = visit.headers
        return visit.status, orjson.loads(visit.content) if visit.content else None

    def lead(self, **fields: Any) -> int:
        """The id of a new lead, with a first name of its own."""
        name = f"Jane{next(self._numbers)}"
        status, answer = self.ask("POST", "/v1.0/leads", {"firstName": name, **fields})
        assert status == 200
        return int(answer["leadId"])

    def told(self) -> list[tuple[int, str]]:
        """Lists and buckets of what subscribers will hear, and forget it."""
        found = [(one.list_id, one.bucket) for one in self.team.outbox]
        self.team.outbox.clear()
        return found
