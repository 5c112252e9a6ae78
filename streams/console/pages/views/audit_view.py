"""The audit as its page shows it."""

from __future__ import annotations

from streams.console.pages.render import href
from streams.console.pages.views.audit import Act, Audit
from streams.console.pages.views.page_view import Link, State
from streams.console.services.audit import ActSeen, AuditPage

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
    "done": State("ok", "done"),
    "begun": State("busy", "under way"),
    "failed": State("bad", "failed"),
    "refused": State("bad", "refused"),
    "interrupted": State("warn", "interrupted: nobody knows whether it happened"),
}


def page(found: AuditPage, who: str) -> Audit:
    """One page of acts."""
    after = Link("Older", href("/audit", who=who, before=found.after)) if found.after else None
    return Audit(tuple(act(one) for one in found.acts), who, found.people, None, after)


def act(one: ActSeen) -> Act:
    """One act. Its detail stands with the result where it went wrong."""
    state = _OUTCOMES.get(one.outcome, State("idle", one.outcome))
    if one.detail and state.level != "ok":
        state = State(state.level, f"{state.words}: {one.detail}")
    details = tuple(one.about.items()) + ((("result", one.detail),) if one.detail and state.level == "ok" else ())
    did = _DID.get(one.action, one.action)
    source = ", ".join(part for part in (one.address, "by API token" if one.via == "token" else "") if part)
    return Act(one.at_ms, one.who, one.role, did, "", state, source, details)
