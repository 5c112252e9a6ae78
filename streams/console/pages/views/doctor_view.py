"""The pages of checks of everything: what was looked at, how it is, what to do, and the page that helps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from streams.console.pages.render import href, part
from streams.console.pages.views.page_view import Hyperlink, Level, ProgressBar, StatusText
from streams.console.pages.views.paged import Paged, page_number, paged
from streams.console.pages.views.run_view import progress_of, without_result
from streams.console.pages.wording import counted
from streams.console.services.doctor import CheckLine, DoctorRun

TITLES: Mapping[str, str] = {
    "configuration": "Settings file",
    "connection": "Connection",
    "Kafka": "Storage of the sync engine",
    "topics": "Storage of the sync engine",
    "workers": "Sync engine",
    "worker": "Sync engine",
    "mapping": "Mapping",
    "budgets": "API limits",
    "lag": "Waiting changes",
    "gateway": "Webhooks and console",
    "parked": "Needs attention",
    "tokens": "Access",
    "access": "Access",
    "scopes": "Permissions",
    "webhooks": "Webhooks",
    "fields": "Fields",
    "credentials": "Keys",
    "keys": "Encryption keys",
    "notifications": "Notifications",
    "disk": "Disk of this gateway",
    "clock": "Clock of this gateway",
}
"""What a check is called on the page. One that is not here keeps its own name."""

OF_CONNECTION: Mapping[str, tuple[str, str]] = {
    "tokens": ("Connect again", "/connections/{}/steps"),
    "access": ("Open its keys and settings", "/connections/{}/settings"),
    "scopes": ("See its steps", "/connections/{}/steps"),
    "webhooks": ("See its steps", "/connections/{}/steps"),
    "fields": ("Open mappings", "/mapping"),
    "connection": ("Open its settings", "/connections/{}/settings"),
    "parked": ("See what needs attention", "/parked"),
}
OF_DEPLOYMENT: Mapping[str, tuple[str, str]] = {
    "workers": ("Open the overview", "/"),
    "worker": ("Open the overview", "/"),
    "gateway": ("Open the overview", "/"),
    "budgets": ("Open the overview", "/"),
    "lag": ("Open the overview", "/"),
    "mapping": ("Open mappings", "/mapping"),
    "parked": ("See what needs attention", "/parked"),
    "notifications": ("Open notifications", "/notifications"),
}
"""The page that helps, by check. What is not here is repaired on the machines, as the line says."""

STATES: Mapping[str, tuple[Level, str]] = {
    "ok": ("ok", "all right"),
    "warning": ("warn", "look at it"),
    "wrong": ("bad", "to fix"),
    "away": ("bad", "does not answer"),
    "not looked at": ("warn", "not checked"),
}
PAGE_SIZE = 50
FEW = 40
"""So many lines about what is all right are listed beneath the others; more are counted, and listed when somebody asks."""
ORDER = ("away", "wrong", "warning", "not looked at", "ok")


@dataclass(frozen=True, slots=True)
class LineRow:
    """One line. `go` is the page that helps."""

    title: str
    subject: str
    state: StatusText
    says: str
    to_do: str
    go: Hyperlink | None


@dataclass(frozen=True, slots=True)
class LineChoice:
    """What the reader wants to see: the lines that need somebody, or those that are all right; `page` begins at 0."""

    is_right: bool = False
    page: int = 0

    @classmethod
    def of(cls, query: Mapping[str, str]) -> LineChoice:
        """By the address of the page."""
        return cls(query.get("lines", "") == "right", page_number(query))


@dataclass(frozen=True, slots=True)
class DoctorView:
    """One check. `to_do` are the lines that need somebody, the gravest first; `right` are the others, `more` of which are not kept.

    Where the others are many, `right` is None and `counts` says how many there are of what: they are listed at `right_href`.
    `is_right`: the reader has asked for these, and `to_do` is left out.
    """

    id: str
    by: str
    began_ms: int
    of: str
    state: StatusText
    progress: ProgressBar | None
    problem: str = ""
    heading: str = ""
    to_do: Paged[LineRow] | None = None
    right: Paged[LineRow] | None = None
    counts: tuple[tuple[str, int], ...] = ()
    right_href: str = ""
    is_right: bool = False
    more: int = 0

    @property
    def is_running(self) -> bool:
        """Whether the page must look again."""
        return self.progress is not None


@dataclass(frozen=True, slots=True)
class DoctorRunsView:
    """The newest checks."""

    rows: tuple[DoctorView, ...]


def doctor_runs_view(known: Iterable[DoctorRun]) -> DoctorRunsView:
    """The list."""
    return DoctorRunsView(tuple(map(doctor_view, known)))


def doctor_view(run: DoctorRun, choice: LineChoice = LineChoice()) -> DoctorView:  # frozen
    """One check."""
    of = "" if run.connections is None else ", ".join(run.connections)
    if run.result is None:
        bar = progress_of(run, "Checking" if run.of else "Starting") if run.is_running else None
        return DoctorView(
            *(run.id, run.by, run.began_ms, of, without_result(run), bar),
            problem=run.problem,
        )
    found = sorted((one for one in run.result if one.level != "ok"), key=lambda one: ORDER.index(one.level))
    right = [one for one in run.result if one.level == "ok"]
    path = f"/doctor/{part(run.id)}"
    view = DoctorView(
        *(run.id, run.by, run.began_ms, of, _state(found), None),
        heading=_heading(found, len(right) + run.more),
        right_href=href(path, lines="right"),
        more=run.more,
    )
    if choice.is_right:
        return replace(
            view,
            is_right=True,
            right=_rows(right, choice.page, lambda page: href(path, lines="right", page=page or "")),
        )
    to_do = _rows(found, choice.page, lambda page: href(path, page=page or ""))
    if len(right) <= FEW:
        return replace(view, to_do=to_do, right=_rows(right, 0, lambda _: "") if right else None)
    return replace(view, to_do=to_do, counts=tuple(Counter(_title(one) for one in right).most_common()))


def _rows(lines: list[CheckLine], page: int, to: Callable[[int], str]) -> Paged[LineRow]:
    found = paged(lines, page, PAGE_SIZE, "line", to)
    return Paged(tuple(map(_row, found.items)), found.words, found.before, found.after)


def link_of(line: CheckLine) -> Hyperlink | None:
    """The page that helps with a line; None where all is right, or no page does."""
    if line.level == "ok":
        return None
    found = (OF_CONNECTION if line.connection else OF_DEPLOYMENT).get(line.check)
    if found is None:
        return None
    words, path = found
    if path == "/parked" and line.connection:
        return Hyperlink(words, href(path, connection=line.connection))
    return Hyperlink(words, href(path.format(part(line.connection))))


def _state(found: list[CheckLine]) -> StatusText:
    bad = sum(one.level in ("wrong", "away") for one in found)
    if bad:
        return StatusText("bad", f"{bad} to fix")
    return StatusText("warn", f"{len(found)} to look at") if found else StatusText("ok", "all right")


def _heading(found: list[CheckLine], right: int) -> str:
    if found:
        return counted(len(found), "line") + (" needs you" if len(found) == 1 else " need you")
    return "Everything that was checked is all right" if right else "Nothing was checked"


def _title(line: CheckLine) -> str:
    return TITLES.get(line.check, "Connection" if line.connection else line.check)


def _row(line: CheckLine) -> LineRow:
    return LineRow(_title(line), line.subject, StatusText(*STATES[line.level]), line.says, line.to_do, link_of(line))
