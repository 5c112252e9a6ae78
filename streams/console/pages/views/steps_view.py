"""The steps from a new connection to one that is live and compared: what is done, what is missing, and the one button that comes next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from streams.console.pages.render import href, part
from streams.console.pages.views.page_view import Level
from streams.console.pages.views.verification_view import verification_view
from streams.console.pages.wording import counted, grouped
from streams.console.services.backfill import BackfillState
from streams.console.services.connection_access import ConsentInvitation
from streams.console.services.connections import ConnectionState, SideState
from streams.console.services.rehearsals import Rehearsal
from streams.console.services.verifications import Verification
from streams.operations.access_check import AccessCheck, SideCheck


@dataclass(frozen=True, slots=True)
class Go:
    """What comes next: a page, or a form (`do`, `version` and `connection` are what it posts)."""

    words: str
    href: str
    is_form: bool = False
    do: str = ""
    version: int = 0
    connection: str = ""


@dataclass(frozen=True, slots=True)
class StepCard:
    """One step. `go` is its button, `stop` the one that holds up what is under way; `is_next`: it is the first that is not done.

    `invite` is where a link to send is made.
    """

    title: str
    words: str
    is_done: bool
    go: Go | None
    stop: Go | None = None
    is_running: bool = False
    is_next: bool = False
    level: Level = "idle"
    invite: str = ""


@dataclass(frozen=True, slots=True)
class StepsView:
    """The page. `is_live`: everything is done. `invitation` is a link that was just made."""

    connection: str
    label: str
    steps: tuple[StepCard, ...]
    done: int
    is_running: bool
    invitation: ConsentInvitation | None = None

    def state_words(self, step: StepCard) -> str:
        """How far a step is."""
        return "Done" if step.is_done else "Under way" if step.is_running else "Next" if step.is_next else "Later"

    @property
    def is_live(self) -> bool:
        """Whether nothing is left to do."""
        return self.done == len(self.steps)


def steps_view(
    one: ConnectionState, rehearsal: Rehearsal | None, imported: BackfillState | None, compared: Verification | None
) -> StepsView:
    """The steps of one connection. What was not run yet is None."""
    steps = list(_steps(one, rehearsal, imported, compared))
    following = next((number for number, step in enumerate(steps) if not step.is_done), len(steps))
    shown = tuple(
        replace(
            step, is_next=number == following, level="ok" if step.is_done else "busy" if number == following else "idle"
        )
        for number, step in enumerate(steps)
    )
    is_running = any(
        (rehearsal and rehearsal.is_running, imported and imported.is_ordered, compared and compared.is_running)
    )
    return StepsView(one.name, one.label or one.name, shown, sum(step.is_done for step in steps), is_running)


def _steps(
    one: ConnectionState, rehearsal: Rehearsal | None, imported: BackfillState | None, compared: Verification | None
) -> Iterator[StepCard]:
    page = href(f"/connections/{part(one.name)}")
    yield StepCard(
        "Name",
        f"{one.label or one.name}: Lofty team {one.lofty.account}, GoHighLevel location {one.ghl.account}",
        True,
        Go("Settings", f"{page}/settings"),
    )
    yield _access(one, one.lofty, "Lofty", "lofty_api_key", page)
    yield _access(one, one.ghl, "GoHighLevel", "ghl_token", page)
    yield StepCard(
        "Mapping",
        f"Uses the mapping {one.mapping}.",
        True,
        Go("Change the mapping", f"{page}/mapping"),
    )
    has_imported = imported is not None and not imported.is_ordered and imported.is_imported
    yield _rehearsed(rehearsal, page, has_imported=has_imported)
    yield from _imported(one, imported, page, has_imported=has_imported)
    words = "GoHighLevel was not compared with Lofty yet."
    if compared is not None:
        seen = verification_view(compared)
        words = f"{seen.state.words.capitalize()}. {seen.summary}".strip()
    go = Go("Compare now", href("/verify"), is_form=True, do="compare", connection=one.name)
    if compared is not None:
        go = Go("See what was found", href(f"/verify/{part(compared.id)}"))
    is_right = compared is not None and compared.result is not None and compared.result.is_right
    yield StepCard("Compare", words, is_right, go, is_running=compared is not None and compared.is_running)


def _access(one: ConnectionState, side: SideState, vendor: str, secret: str, page: str) -> StepCard:
    if secret in one.needs:
        return StepCard(vendor, "It waits for its key.", False, Go(f"Paste the key of {vendor}", f"{page}/settings"))
    invite = f"{page}/steps/invite" if side.vendor == "ghl" and side.access == "oauth" else ""
    if not side.is_connected:
        words = "Whoever owns the account gives access on a page of theirs."
        go = Go(f"Connect {vendor}", href(f"/connect/{side.vendor}/{part(one.name)}"))
        return StepCard(vendor, words, False, go, invite=invite)
    if side.missing:
        words = f"{counted(len(side.missing), 'permission')} missing: {', '.join(side.missing)}."
        go = Go("Connect again", href(f"/connect/{side.vendor}/{part(one.name)}"))
        return StepCard(vendor, words, False, go, invite=invite)
    words = (
        "Access is there: its owner agreed, and it renews by itself."
        if side.access == "oauth"
        else "Access is there, by a key."
    )
    return StepCard(vendor, words, True, Go("Check access", f"{page}/steps", is_form=True, do="check"))


def _rehearsed(rehearsal: Rehearsal | None, page: str, *, has_imported: bool) -> StepCard:
    go = Go("Rehearse the import", f"{page}/rehearsal")
    if rehearsal is None:
        words = (
            "All leads were imported already."
            if has_imported
            else "Nothing is written: it says what an import would do."
        )
        return StepCard("Rehearsal", words, has_imported, go)
    if (report := rehearsal.result) is None:
        words = "It reads, and writes nothing." if rehearsal.is_running else rehearsal.problem
        see = Go("See the rehearsal", f"{page}/rehearsal")
        return StepCard("Rehearsal", words, False, see, is_running=rehearsal.is_running)
    questions = report.conflicting + sum(report.refused.values())
    words = (
        f"{counted(report.leads, 'lead')}: {grouped(report.new)} new, {grouped(sum(report.matching.values()))} have a contact, "
        f"{counted(questions, 'question')}."
    )
    return StepCard("Rehearsal", words, True, Go("See the rehearsal", f"{page}/rehearsal"))


def _imported(
    one: ConnectionState, imported: BackfillState | None, page: str, *, has_imported: bool
) -> Iterator[StepCard]:
    is_on = one.state == "in use"
    resume = Go("Switch it on", f"{page}/pause", is_form=True, do="resume", version=one.version)
    words = "Changes are carried." if is_on else "Paused: nothing is written to GoHighLevel."
    can_resume = one.state == "paused" and one.managed == "console"
    yield StepCard("Switch on", words, is_on, resume if can_resume else None)
    start = Go("Import existing leads", href("/backfill/start", connection=one.name, back="steps"))
    if imported is not None and imported.is_ordered:
        of = f" of {grouped(imported.total)}" if imported.total is not None else ""
        words = f"{grouped(imported.leads)}{of} leads were read."
        see, pause = Go("See the import", href("/backfill")), None
        if not is_on:
            words += " It has stopped there, and goes on once the connection is switched on."
        elif one.managed == "console":
            words += " A pause stops it, and all that this connection carries; it goes on from there."
            pause = Go("Pause", f"{page}/pause", is_form=True, do="pause", version=one.version)
        yield StepCard("Import existing leads", words, False, see, pause, is_running=is_on)
        return
    words = (
        f"{counted(imported.leads, 'lead')} were read." if imported is not None and has_imported else "Not done yet."
    )
    if has_imported:
        start = replace(start, words="Import again")
    yield StepCard("Import existing leads", words, has_imported, start if is_on else None)


def access_words(found: AccessCheck) -> tuple[str, Level]:
    """What a check of the access found, in one message."""
    lofty = _side_words("Lofty", found.lofty, "lead", "whose key it is: ")
    ghl = _side_words("GoHighLevel", found.ghl, "contact", "location ")
    is_right = not (found.lofty.problem or found.ghl.problem or found.ghl.lacks)
    return f"{lofty} {ghl}", "ok" if is_right else "warn"


def _side_words(vendor: str, side: SideCheck, what: str, before: str) -> str:
    if side.problem:
        return f"{vendor}: {side.problem}."
    parts = [
        f"{before}{side.account}" if side.account else "",
        counted(side.count, what) if side.count is not None else "",
    ]
    words = f"{vendor}: {', '.join(filter(None, parts)) or 'it can be read'}."
    if side.lacks:
        words += (
            f" Missing permissions: {', '.join(side.lacks)}. In GoHighLevel open Settings, Private Integrations, choose the "
            "integration, and add them there."
        )
    return words
