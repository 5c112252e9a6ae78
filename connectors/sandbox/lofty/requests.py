"""One request as the rules see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.sandbox.lofty.edits import TeamEditor
from connectors.sandbox.lofty.refusals import invalid, lead_not_exist, not_exist
from connectors.sandbox.lofty.settings import LoftySandboxSettings
from connectors.sandbox.lofty.state import Kind, LoftyRecord, TeamState
from connectors.sandbox.shared.sandbox import RuleResult


@dataclass(frozen=True, slots=True)
class LoftyRequest:
    """A request that passed auth and limits."""

    team: TeamState
    editor: TeamEditor
    settings: LoftySandboxSettings
    ids: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    now: float

    def id(self, name: str) -> int:
        """A number in the path."""
        return whole(name, self.ids[name])

    def fields(self) -> Mapping[str, Any]:
        """The body, which must be an object."""
        if not isinstance(self.body, dict):
            raise invalid("a JSON object is required")
        return self.body

    def lead_in_query(self) -> LoftyRecord:
        """The lead that `leadId` in the query names."""
        if "leadId" not in self.query:
            raise invalid("leadId is required")
        return self.lead(whole("leadId", self.query["leadId"]))

    def lead_in_body(self) -> LoftyRecord:
        """The lead that `leadId` in the body names. A string is refused, as by Lofty."""
        found = self.fields().get("leadId")
        if not isinstance(found, int) or isinstance(found, bool):
            raise invalid("leadId must be a number")
        return self.lead(found)

    def lead(self, lead_id: int) -> LoftyRecord:
        """A visible lead that is not in the trash."""
        found = self.team.find("lead", lead_id, self.now)
        if found is None:
            raise lead_not_exist()
        return found

    def record(self, kind: Kind, id_name: str) -> LoftyRecord:
        """The visible note or task that the path names."""
        found = self.team.find(kind, self.id(id_name), self.now)
        if found is None:
            raise not_exist(kind.capitalize())
        return found

    def number(self, name: str, default: int) -> int:
        """A number in the query."""
        return whole(name, self.query[name]) if name in self.query else default

    def flag(self, name: str) -> bool:
        """A flag in the query."""
        return self.query.get(name, "false").lower() == "true"


Rule = Callable[[LoftyRequest], RuleResult]


def whole(name: str, text: str) -> int:
    """A number in a path or query."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise invalid(f"{name} must be a number")
    return int(text)
