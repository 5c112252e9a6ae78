"""A team's members by name: a lead names its agent, GHL's users are known by e-mail, and the member list joins the two.

Member ids do not match the agent ids on leads (seen live by third parties), so the join is by name; a name that two members
share joins nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class AgentsByName:
    """The e-mails of each name."""

    emails: dict[str, set[str]] = field(default_factory=dict)

    def add(self, members: Iterable[Mapping[str, Any]]) -> None:
        """Add members as Lofty lists them."""
        for member in members:
            email, name = member.get("email") or member.get("account"), _name(member)
            if isinstance(email, str) and email and name:
                self.emails.setdefault(_fold(name), set()).add(email.lower())

    def agent(self, state: Mapping[str, Any]) -> dict[str, str] | None:
        """The agent that a lead or task is assigned to, or None."""
        name = state.get("assignedUser")
        if not isinstance(name, str):
            return None
        emails = self.emails.get(_fold(name), set())
        return {"name": name, "email": next(iter(emails))} if len(emails) == 1 else None


def with_agent(state: Mapping[str, Any], agent: Mapping[str, str] | None) -> dict[str, Any]:
    """A state with its agent, where the mapping reads it."""
    return {**state, "_agent": dict(agent)} if agent else dict(state)


def _name(member: Mapping[str, Any]) -> str:
    parts = [member.get("firstName"), member.get("lastName")]
    return " ".join(part for part in parts if isinstance(part, str) and part)


def _fold(name: str) -> str:
    return " ".join(name.split()).casefold()
