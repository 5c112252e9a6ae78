"""The pages of comparisons: what runs, what was found, and what can be repaired."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from streams.console.pages.views.ghl_words import left_out_words
from streams.console.pages.views.links import contact_href
from streams.console.pages.views.mapping_view import shown
from streams.console.pages.views.page_view import ProgressBar, StatusText
from streams.console.pages.views.run_view import progress_of, without_result
from streams.console.pages.wording import counted
from streams.console.services.verifications import EntityFound, Verification, VerificationResult
from streams.messages import Entity

DOING = {"": "Starting", "searching": "Searching GoHighLevel", "reading": "Reading leads"}

KINDS = {
    "contact": "contact",
    "note": "note",
    "task": "task",
    "appointment": "appointment",
    "opportunity": "opportunity",
}
STATES = {
    "missing": "is missing in GoHighLevel",
    "different": "differs",
    "double": "is there more than once",
    "orphaned": "is in GoHighLevel, but not in Lofty",
    "conflict": "is as a person has decided",
    "parked": "needs attention",
    "pending": "is on its way",
    "ok": "is right",
}


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One entity. `fields` are those that differ: name, what it should be, what it is."""

    what: str
    href: str
    state: str
    because: str
    fields: tuple[tuple[str, str, str], ...]
    advice: str
    is_repairable: bool


@dataclass(frozen=True, slots=True)
class VerificationView:
    """One comparison. `repairable` of the findings can be repaired with one click."""

    id: str
    title: str
    connection: str
    lead: str
    by: str
    began_ms: int
    state: StatusText
    progress: ProgressBar | None
    problem: str = ""
    heading: str = ""
    summary: str = ""
    undecided: int = 0
    findings: tuple[FindingRow, ...] = ()
    repaired: tuple[FindingRow, ...] = ()
    more: int = 0
    more_repaired: int = 0
    left_out: tuple[tuple[str, int], ...] = ()
    remarks: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    repairable: int = 0

    @property
    def is_running(self) -> bool:
        """Whether the page must look again."""
        return self.progress is not None


@dataclass(frozen=True, slots=True)
class VerificationsView:
    """The form, filled with what was asked for, and the newest comparisons."""

    connections: tuple[str, ...]
    connection: str
    lead: str
    rows: tuple[VerificationView, ...]


def verifications_view(
    known: Iterable[Verification], connections: Iterable[str], connection: str, lead: str
) -> VerificationsView:
    """The list."""
    return VerificationsView(tuple(connections), connection, lead, tuple(map(verification_view, known)))


def verification_view(one: Verification) -> VerificationView:
    """One comparison."""
    result = one.result
    title = f"Lead {one.lead} of {one.connection}" if one.lead else one.connection
    if result is None:
        return VerificationView(
            *(one.id, title, one.connection, one.lead, one.by, one.began_ms),
            state=without_result(one),
            progress=progress_of(one, DOING.get(one.doing, one.doing.capitalize())) if one.is_running else None,
            problem=one.problem,
        )
    return VerificationView(
        *(one.id, title, one.connection, one.lead, one.by, one.began_ms),
        state=_state(result),
        progress=None,
        heading=_heading(result),
        summary=_summary(result),
        undecided=result.undecided,
        findings=tuple(_row(found) for found in result.findings),
        repaired=tuple(_row(found) for found in result.repaired),
        more=result.more,
        more_repaired=result.more_repaired,
        left_out=tuple(
            (left_out_words(words), count)
            for words, count in sorted(result.left_out.items(), key=lambda item: -item[1])[:20]
        ),
        remarks=result.remarks,
        unfinished=result.unfinished,
        repairable=sum(found.is_repairable for found in result.findings),
    )


def _state(result: VerificationResult) -> StatusText:
    if result.wrong:
        return StatusText("bad", f"{result.wrong} wrong")
    if result.unfinished:
        return StatusText("warn", "not everything could be compared")
    if result.undecided:
        return StatusText("warn", f"{counted(result.undecided, 'conflict')} to decide")
    if result.counts.get("parked", 0):
        return StatusText("warn", f"{result.counts['parked']} need attention")
    return StatusText("ok", "all right")


def _heading(result: VerificationResult) -> str:
    if result.wrong:
        return "What is wrong"
    if result.undecided:
        return "Nothing is wrong, but not everything is decided"
    if result.unfinished:
        return "Nothing wrong was found, but not everything was compared"
    return "Nothing is wrong" if result.is_right else "Nothing is wrong, but something needs attention"


def _summary(result: VerificationResult) -> str:
    leads = f"{result.leads} lead{'' if result.leads == 1 else 's'}"
    words = f"{leads}, {result.fields} fields compared with the latest data from Lofty"
    waiting = result.counts.get("pending", 0)
    repaired = result.repairs
    words += f". {repaired} repaired" if repaired else ""
    return f"{words}. {waiting} on the way, not compared." if waiting else f"{words}."


def _row(found: EntityFound) -> FindingRow:
    entity = Entity.from_key(found.entity)
    kind = KINDS.get(entity.kind, entity.kind)
    what = (
        f"{kind.capitalize()} of lead {entity.lead}"
        if entity.kind == "contact"
        else f"{kind.capitalize()} {entity.id} of lead {entity.lead}"
    )
    return FindingRow(
        what=what,
        href=contact_href(entity.connection, entity.lead),
        state="waits for a decision" if found.is_undecided else STATES.get(found.state, found.state),
        because=found.because,
        fields=tuple(
            (one.field.removeprefix("custom:"), shown(one.wanted), shown(one.found)) for one in found.differences
        ),
        advice="" if found.is_undecided else found.advice,
        is_repairable=found.is_repairable,
    )
