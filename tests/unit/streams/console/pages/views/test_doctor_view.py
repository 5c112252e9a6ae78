"""A check of everything as a person reads it: the gravest first, and the page that helps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.console.pages.views.doctor_view import doctor_view, link_of
from streams.console.services.doctor import CheckLine
from tests.browser.samples_of_doctor import DONE, FINE, RUNNING


def line(check: str, connection: str = "", level: str = "wrong") -> CheckLine:
    """A line of this kind."""
    return CheckLine(check, "subject", connection, level, "says", "to do")  # type: ignore[arg-type]  # a text


def test_a_running_check_says_how_far_it_is() -> None:
    view = doctor_view(RUNNING)
    assert view.progress is not None
    assert (view.progress.left, view.state.level, view.is_running) == ("5 of 13", "busy", True)
    failed = doctor_view(replace(RUNNING, ended_ms=1, problem="It failed."))
    assert (failed.progress, failed.state.level, failed.problem) == (None, "bad", "It failed.")


def test_what_needs_somebody_comes_first_and_the_gravest_of_it_foremost() -> None:
    view = doctor_view(DONE)
    assert [one.state.level for one in view.to_do] == ["bad", "bad", "bad", "bad", "warn", "warn"]
    assert (view.to_do[0].title, view.to_do[0].state.words) == ("Access", "does not answer")
    assert {one.state.level for one in view.right} == {"ok"}
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
