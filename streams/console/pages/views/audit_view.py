"""The audit page: who did what, when and from where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streams.console.pages.render import href
from streams.console.pages.views.page_view import Hyperlink, StatusText
from streams.console.services.audit import ActSeen, AuditPage

ACTIONS: Mapping[str, str] = {
    "sign in": "signed in",
    "sign out": "signed out",
    "password set": "set a password by a link",
    "password change": "changed their password",
    "person invite": "invited a person",
    "person mail": "sent a link by e-mail",
    "person reset": "made another link to set a password",
    "person change": "changed what a person may do and see",
    "person disable": "disabled a person",
    "person enable": "enabled a person",
    "person sign-out": "signed a person out everywhere",
    "person remove": "removed a person",
    "token new": "made a token",
    "token revoke": "revoked a token",
    "parked retry": "retried problems",
    "parked discard": "discarded problems",
    "decide conflict": "decided who a lead is",
    "connect": "connected",
    "check access": "checked access",
    "refresh": "had custom fields and users read again",
    "backfill": "started an import of existing leads",
    "verify": "compared GoHighLevel with Lofty",
    "repair": "compared GoHighLevel with Lofty, and repaired",
    "rehearse": "rehearsed an import",
    "connection add": "added a connection",
    "connection clone": "added a connection like another one",
    "connection change": "changed a connection",
    "connection rename": "renamed a connection",
    "connection pause": "paused a connection",
    "connection resume": "let a connection go on",
    "connection credential": "stored a key of a connection",
    "connection remove": "removed a connection",
    "connection import": "added connections by a table",
    "installations list": "looked for new locations",
    "installation discard": "discarded an installation",
    "installation access": "gave a paired location access again",
    "mapping save": "saved a mapping",
    "mapping use": "chose a mapping",
    "mapping revert": "went back to an older mapping",
    "export leads": "exported leads",
    "doctor": "checked everything",
    "notification test": "sent a test message",
    "recipient add": "added who is sent messages",
    "recipient change": "changed who is sent messages",
    "recipient remove": "removed who is sent messages",
    "replay": "applied a mapping again",
    "replay resume": "resumed applying a mapping",
    "replay stop": "stopped applying a mapping",
    "deployment grow": "made room for more worker processes",
    "deployment abandon": "gave up making room for more worker processes",
}
"""What somebody did, in words, for each `Action`. A newer release may write acts that are not here: they keep their own name."""
_VIA = {"token": "by API token", "command": "on the command line"}
_OUTCOMES = {
    "done": StatusText("ok", "done"),
    "begun": StatusText("busy", "in progress"),
    "failed": StatusText("bad", "failed"),
    "refused": StatusText("bad", "refused"),
    "interrupted": StatusText("warn", "interrupted: it is unknown whether it happened"),
}


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One act. Refused acts are kept, too."""

    act: ActSeen
    did: str
    result: StatusText
    source: str
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AuditView:
    """The page."""

    rows: tuple[AuditRow, ...]
    who: str
    people: tuple[str, ...]
    after: Hyperlink | None = None


def audit_view(found: AuditPage, who: str) -> AuditView:
    """One page of acts."""
    after = Hyperlink("Older", href("/audit", who=who, before=found.after)) if found.after else None
    return AuditView(tuple(audit_row(act) for act in found.acts), who, found.people, after)


def audit_row(act: ActSeen) -> AuditRow:
    """One act. Its detail is shown with the result where it went wrong."""
    did = ACTIONS.get(act.action, act.action)
    if act.action == "sign in" and act.outcome == "refused":
        did = "sign-in failed"
    result = _OUTCOMES.get(act.outcome, StatusText("idle", act.outcome))
    details = tuple(act.about.items())
    if act.detail and result.level == "ok":
        details += (("result", act.detail),)
    elif act.detail:
        result = StatusText(result.level, f"{result.words}: {act.detail}")
    source = ", ".join(part for part in (act.address, _VIA.get(act.via, "")) if part)
    return AuditRow(act, did, result, source, details)
