"""The page of a rehearsal: what an import would do, in the words of people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streams.console.pages.render import href, part
from streams.console.pages.views.ghl_words import field_label, left_out_words
from streams.console.pages.views.mapping_view import shown
from streams.console.pages.views.page_view import ProgressBar, StatusText
from streams.console.pages.views.run_view import progress_of, without_result
from streams.console.pages.wording import counted, grouped, length
from streams.console.services.rehearsals import Rehearsal
from streams.console.vendor_links import ghl_href, lofty_href
from streams.operations.rehearsal.report import Encounter, FieldSide, LeadSides, RehearsalReport

FIELDS = {"email": "e-mail", "phone": "telephone", "name": "name", "Lofty id": "Lofty id"}
REFUSED = {
    "nameless": "they have no e-mail, telephone or name, and GoHighLevel takes no such contact",
    "not findable": "they have no e-mail and telephone, and the location has no custom field for the Lofty id",
    "too large": "they are larger than can be carried",
    "unreadable": "Lofty does not show them in a form that can be read",
}
BECAME = {
    "new": StatusText("ok", "New contact"),
    "matching": StatusText("ok", "Contact that is there"),
    "shared": StatusText("busy", "Same person as another lead"),
    "conflicting": StatusText("warn", "New contact, with a question"),
    "refused": StatusText("bad", "Not written"),
}
WINNERS = {
    "same": "both have it",
    "Lofty": "Lofty's is written",
    "GoHighLevel": "GoHighLevel's stays",
    "nobody": "left out",
}
DOING = {
    "leads": "Reading leads",
    "contacts": "Reading GoHighLevel's contacts",
    "deciding": "Comparing",
    "examples": "Reading examples",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One result: how many leads, and what becomes of them."""

    count: int
    words: str
    level: str


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field on both sides."""

    field: str
    lofty: str
    ghl: str
    words: str
    is_written: bool


@dataclass(frozen=True, slots=True)
class SideCard:
    """One lead beside its contact. `by` says how it was found. Fields that both have alike are folded away."""

    title: str
    lead_href: str
    contact_href: str
    state: StatusText
    by: str
    differing: tuple[FieldRow, ...]
    alike: tuple[FieldRow, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EncounterRow:
    """A lead and whom it may be mistaken for."""

    name: str
    lead_href: str
    what: str
    value: str
    other: str
    other_href: str


@dataclass(frozen=True, slots=True)
class RehearsalView:
    """The page. Without a run it holds the form alone."""

    connection: str
    label: str
    action: str
    run: Rehearsal | None
    state: StatusText | None = None
    progress: ProgressBar | None = None
    problem: str = ""
    summary: str = ""
    lines: tuple[Line, ...] = ()
    cards: tuple[SideCard, ...] = ()
    conflicts: tuple[EncounterRow, ...] = ()
    alike: tuple[EncounterRow, ...] = ()
    unlisted: int = 0
    effort: str = ""
    new_fields: tuple[tuple[str, str], ...] = ()
    new_tags: tuple[str, ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def is_running(self) -> bool:
        """Whether the page must look again."""
        return self.progress is not None


def rehearsal_view(connection: str, label: str, run: Rehearsal | None) -> RehearsalView:
    """The newest run of a connection, or none."""
    action = href(f"/connections/{part(connection)}/rehearsal")
    if run is None:
        return RehearsalView(connection, label, action, None)
    report = run.result
    if report is None:
        return RehearsalView(
            *(connection, label, action, run),
            state=without_result(run),
            progress=progress_of(run, DOING.get(run.doing, "Starting")) if run.is_running else None,
            problem=run.problem,
        )
    return RehearsalView(
        *(connection, label, action, run),
        state=_state(report),
        summary=_summary(report),
        lines=tuple(lines_of(report)),
        cards=tuple(_card(one, report.location_id) for one in report.sides),
        conflicts=tuple(_encounter(one, report.location_id) for one in report.conflicts),
        alike=tuple(_encounter(one, report.location_id) for one in report.alike),
        unlisted=report.unlisted,
        effort=effort_words(report),
        new_fields=tuple((one.name, one.type.replace("_", " ").lower()) for one in report.new_fields),
        new_tags=report.new_tags,
        left_out=tuple(_left_out(report)),
        remarks=report.remarks,
    )


def lines_of(report: RehearsalReport) -> Iterator[Line]:
    """The counts, each lead once; the sorts without any are left out."""
    matching = sum(report.matching.values())
    by = ", ".join(f"{grouped(count)} by {FIELDS.get(name, name)}" for name, count in sorted(report.matching.items()))
    same = f"; {grouped(report.unchanged)} of them hold all of it already" if report.unchanged else ""
    found = [
        Line(report.new, "become new contacts", "ok"),
        Line(matching, f"have a contact already, which is updated ({by}){same}", "ok"),
        Line(report.shared, "are the same person as another lead, and share its contact", "busy"),
        Line(report.conflicting, "become new contacts without an e-mail or telephone that another contact has", "warn"),
    ]
    found += [Line(count, f"are not written: {REFUSED.get(why, why)}", "bad") for why, count in report.refused.items()]
    return (one for one in found if one.count)


def effort_words(report: RehearsalReport) -> str:
    """How long the import takes at the limits."""
    effort = report.effort
    hangs = (
        f", with about {counted(effort.children, 'note, task or appointment', 'notes, tasks and appointments')} (by those of {counted(effort.sampled, 'lead')})"
        if effort.sampled
        else ""
    )
    return (
        f"About {length(max(60.0, effort.hours * 3600))} at the limits{hangs}: {counted(effort.lofty_requests, 'request')} to Lofty, "
        f"{counted(effort.ghl_requests, 'request')} to GoHighLevel. The limit of {effort.bound_by} decides."
    )


def _state(report: RehearsalReport) -> StatusText:
    if report.conflicting or report.refused:
        return StatusText("warn", f"{counted(report.conflicting + sum(report.refused.values()), 'question')}")
    return StatusText("ok", "no questions")


def _summary(report: RehearsalReport) -> str:
    of = f" of {grouped(report.total)}" if report.total is not None and report.total != report.leads else ""
    where = f" in {report.location}" if report.location else " in GoHighLevel"
    return (
        f"{grouped(report.leads)}{of} {'lead' if report.leads == 1 else 'leads'} in Lofty and "
        f"{counted(report.contacts, 'contact')}{where} were read. Nothing was written."
    )


def _card(one: LeadSides, location: str) -> SideCard:
    rows = [(_row(side), side) for side in one.fields]
    return SideCard(
        title=one.name or f"lead {one.lead}",
        lead_href=lofty_href(one.lead),
        contact_href=ghl_href(location, one.contact_id) if one.contact_id and one.became == "matching" else "",
        state=BECAME[one.became],
        by=f"found by {FIELDS.get(one.by, one.by)}" if one.by and one.became == "matching" else one.because,
        differing=tuple(row for row, side in rows if side.winner != "same"),
        alike=tuple(row for row, side in rows if side.winner == "same"),
        tags=one.tags,
    )


def _row(side: FieldSide) -> FieldRow:
    words = WINNERS[side.winner]
    if side.why and side.winner != "same":
        words = f"{words}: {side.why}"
    return FieldRow(field_label(side.field), shown(side.lofty), shown(side.ghl), words, side.winner == "Lofty")


def _encounter(one: Encounter, location: str) -> EncounterRow:
    other = one.other_name or (f"lead {one.other_lead}" if one.other_lead else f"contact {one.other_contact}")
    whose = f", the contact of lead {one.other_lead}" if one.other_lead else ", who is no lead"
    to = ghl_href(location, one.other_contact) if one.other_contact else lofty_href(one.other_lead)
    name = one.name or f"lead {one.lead}"
    return EncounterRow(name, lofty_href(one.lead), FIELDS.get(one.field, one.field), one.value, other + whose, to)


def _left_out(report: RehearsalReport) -> Iterator[tuple[str, int]]:
    counts = {**report.unreadable, **report.left_out}
    for words, count in sorted(counts.items(), key=lambda item: -item[1])[:20]:
        yield left_out_words(words), count
