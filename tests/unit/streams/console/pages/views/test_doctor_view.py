"""A check of everything as a person reads it: the gravest first, and the page that helps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.console.pages.views.doctor_view import LineChoice, LineRow, doctor_view, link_of
from streams.console.pages.views.paged import Paged
from streams.console.services.doctor import CheckLine
from tests.browser.samples_of_doctor import DONE, FINE, RUNNING


def line(check: str, connection: str = "", level: str = "wrong") -> CheckLine:
    """A line of this kind."""
    return CheckLine(check, "subject", connection, level, "says", "to do")  # type: ignore[arg-type]  # a text


def items(part: Paged[LineRow] | None) -> tuple[LineRow, ...]:
    """The lines of a part that is there."""
    assert part is not None
    return part.items


def test_a_running_check_says_how_far_it_is() -> None:
    view = doctor_view(RUNNING)
    assert view.progress is not None
    assert (view.progress.left, view.state.level, view.is_running) == ("5 of 13", "busy", True)
    failed = doctor_view(replace(RUNNING, ended_ms=1, problem="It failed."))
    assert (failed.progress, failed.state.level, failed.problem) == (None, "bad", "It failed.")


def test_what_needs_somebody_comes_first_and_the_gravest_of_it_foremost() -> None:
    view = doctor_view(DONE)
    assert [one.state.level for one in items(view.to_do)] == ["bad", "bad", "bad", "bad", "warn", "warn"]
    assert (items(view.to_do)[0].title, items(view.to_do)[0].state.words) == ("Access", "does not answer")
    assert {one.state.level for one in items(view.right)} == {"ok"}
    assert (view.state.words, view.heading) == ("4 to fix", "6 lines need you")


def test_only_a_check_without_any_such_line_is_called_all_right() -> None:
    assert doctor_view(FINE).state.level == "ok"
    unsure = doctor_view(replace(DONE, result=(line("access", "acme", "not looked at"),)))
    assert (unsure.state.level, unsure.heading) == ("warn", "1 line needs you")
    assert doctor_view(replace(DONE, result=())).heading == "Nothing was checked"


@pytest.mark.parametrize(
    ("check", "connection", "href"),
    [
        ("tokens", "acme", "/console/connections/acme/steps"),
        ("access", "acme", "/console/connections/acme/settings"),
        ("scopes", "acme", "/console/connections/acme/steps"),
        ("parked", "acme", "/console/parked?connection=acme"),
        ("parked", "", "/console/parked"),
        ("notifications", "", "/console/notifications"),
        ("mapping", "", "/console/mapping"),
        ("workers", "", "/console/"),
        ("connection", "a b/c", "/console/connections/a%20b%2Fc/settings"),
    ],
)
def test_each_line_leads_to_the_page_that_helps(check: str, connection: str, href: str) -> None:
    found = link_of(line(check, connection))
    assert found is not None
    assert found.href == href


def test_what_is_repaired_on_a_machine_or_is_right_has_no_link() -> None:
    assert link_of(line("disk")) is None
    assert link_of(line("tokens")) is None
    assert link_of(line("tokens", "acme", "ok")) is None


def test_many_lines_come_in_pages_and_what_is_right_is_counted() -> None:
    """With two hundred connections a check has more than a thousand lines."""
    wrong = [line("access", f"agency-{number:03d}") for number in range(120)]
    right = [line("access", f"agency-{number:03d}", "ok") for number in range(300)] + [line("disk", "", "ok")]
    run = replace(DONE, result=(*right, *wrong))
    view = doctor_view(run)
    assert view.to_do is not None
    assert (len(view.to_do.items), view.to_do.words, view.to_do.before) == (50, "1 to 50 of 120 lines", None)
    assert (view.right, view.counts) == (None, (("Access", 300), ("Disk of this gateway", 1)))
    assert (view.heading, view.state.words) == ("120 lines need you", "120 to fix")
    last = doctor_view(run, LineChoice.of({"page": "2"})).to_do
    assert last is not None
    assert (last.words, last.after) == ("101 to 120 of 120 lines", None)
    listed = doctor_view(run, LineChoice.of({"lines": "right", "page": "6"}))
    assert (listed.to_do, listed.right and listed.right.words) == (None, "301 to 301 of 301 lines")
