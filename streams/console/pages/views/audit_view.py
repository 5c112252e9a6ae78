"""The audit page: who did what, when and from where."""

from __future__ import annotations

from dataclasses import dataclass

from streams.console.pages.render import href
from streams.console.pages.views.page_view import Hyperlink, StatusText
from streams.console.services.audit import ActSeen, AuditPage


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One act. `refused` acts are kept, too."""

    at_ms: int
    who: str
    role: str
    did: str
    what: str
    result: StatusText
    source: str = ""
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AuditView:
    """The page."""

    acts: tuple[AuditRow, ...]
    who: str
    people: tuple[str, ...]
    before: Hyperlink | None = None
    after: Hyperlink | None = None


_DID = {
    "sign in": "signed in",
    "sign out": "signed out",
    "parked retry": "retried parked work",
    "parked discard": "discarded parked work",
    "connect": "connected",
    "backfill": "ordered a backfill",
    "mapping save": "saved a mapping",
    "mapping use": "chose a mapping",
    "mapping revert": "went back to an older mapping",
    "replay": "started a replay",
    "replay start": "started a replay",
    "replay stop": "stopped a replay",
}
_OUTCOMES = {
    "done": StatusText("ok", "done"),
    "begun": StatusText("busy", "under way"),
    "failed": StatusText("bad", "failed"),
    "refused": StatusText("bad", "refused"),
    "interrupted": StatusText("warn", "interrupted: nobody knows whether it happened"),
}


def page(found: AuditPage, who: str) -> AuditView:
    """One page of acts."""
    after = Hyperlink("Older", href("/audit", who=who, before=found.after)) if found.after else None
    return AuditView(tuple(act(one) for one in found.acts), who, found.people, None, after)


def act(one: ActSeen) -> AuditRow:
    """One act. Its detail stands with the result where it went wrong."""
    state = _OUTCOMES.get(one.outcome, StatusText("idle", one.outcome))
    if one.detail and state.level != "ok":
        state = StatusText(state.level, f"{state.words}: {one.detail}")
    details = tuple(one.about.items()) + ((("result", one.detail),) if one.detail and state.level == "ok" else ())
    did = _DID.get(one.action, one.action)
    source = ", ".join(part for part in (one.address, "by API token" if one.via == "token" else "") if part)
    return AuditRow(one.at_ms, one.who, one.role, did, "", state, source, details)
