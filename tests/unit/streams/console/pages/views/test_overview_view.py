"""The overview's one sentence: the worst that is true."""

from __future__ import annotations

from dataclasses import replace

from streams.console.pages.views.overview_verdict import verdict
from streams.console.pages.views.overview_view import overview_view
from streams.console.services.overview import History, IndexState, OverviewNow
from streams.console.services.parked import ParkedGroup, ParkedGroups
from streams.console.services.time_series import Point, TimeSeries
from streams.messages.growth import Growth, Move
from streams.messages.worker_status import BudgetStatus, ConnectionStatus, SideStatus, SweepStatus, WorkerStatus
from streams.operations.status.overview import overview

NOW = 1_764_042_000_000


def status(**facts: object) -> WorkerStatus:
    """A worker that owns everything and has nothing to do."""
    sides = ConnectionStatus(connection="acme", reading=SideStatus(), writing=SideStatus(links=3))
    given = {
        "instance": "w1",
        "started_ms": NOW - 600_000,
        "at_ms": NOW - 1_000,
        "is_ready": True,
        "partitions": 4,
        "fenced": (0, 1, 2, 3),
        "connections": (sides,),
        **facts,
    }
    return WorkerStatus.model_validate(given)


def now(*statuses: WorkerStatus, parked: int = 0) -> OverviewNow:
    """The deployment of these workers."""
    groups = (ParkedGroup("acme", "deliver", "refused", parked, NOW, NOW, "no"),) if parked else ()
    found = overview(statuses, NOW, partitions=4, connections=("acme",))
    return OverviewNow(found, {}, None, ParkedGroups(groups, parked), IndexState(True, 3, 0, True, NOW))


def paused(kind: str, because: str) -> WorkerStatus:
    """A worker whose budget for writing pauses."""
    budget = BudgetStatus(dispatcher="write", budget="loc", connections=("acme",), paused=kind, because=because)
    return status(budgets=(budget,))


def test_a_healthy_deployment_is_running() -> None:
    state, because, ways = verdict(now(status(totals={"live": 200, "live_within_60s": 199})))
    assert (state.level, state.words) == ("ok", "Running, and up to date")
    assert because == ("99.5 % of 200 live changes were in GHL within a minute.",)
    assert ways == ()


def enlarged(state: str, *, minutes: int) -> OverviewNow:
    """A deployment that moves to more partitions, in this state for so long."""
    since_ms = NOW - minutes * 60_000
    facts = {"from_prefix": "", "from_partitions": 4, "to_prefix": "grown-8.", "to_partitions": 8, "began_ms": 1}
    growth = Growth.model_validate({**facts, "state": state, "holder": "h", "at_ms": since_ms, "since_ms": since_ms})
    found = now(*([status()] if state == "copying" else []))
    return replace(found, deployment=replace(found.deployment, move=Move(growth=growth)))


def test_a_sync_engine_that_is_made_larger_says_so_and_what_becomes_of_changes() -> None:
    """Not that it does not run; and without the words of an engineer."""
    state, because, _ = verdict(enlarged("closing", minutes=2))
    assert (state.level, state.words) == ("busy", "The sync engine is paused while it is made larger")
    assert "nothing is lost" in because[0]
    state, because, _ = verdict(enlarged("switching", minutes=16))
    assert state.level == "bad"
    assert "longer than expected" in because[0]
    state, because, _ = verdict(enlarged("copying", minutes=10))
    assert (state.level, state.words) == ("ok", "Running, and up to date")
    assert because[-1] == "The sync engine is being made larger. Changes are synced as usual meanwhile."
    state, _, _ = verdict(enlarged("copying", minutes=61))
    assert (state.level, state.words) == ("warn", "Running; making the sync engine larger does not go on")


def test_almost_all_is_never_rounded_to_all() -> None:
    _, because, _ = verdict(now(status(totals={"live": 100_000, "live_within_60s": 99_999})))
    assert because[0].startswith("99.9 %")


def test_without_a_connection_it_says_how_to_begin_and_shows_no_figures() -> None:
    """Not that it is up to date: there is nothing yet that could be. Whoever is limited sees the usual page."""
    idle = status(connections=())
    found = replace(now(idle), deployment=overview((idle,), NOW, partitions=4, connections=()))
    state, _, ways = verdict(found)
    assert (state.level, state.words, [one.words for one in ways]) == (
        "idle",
        "No connection works yet",
        ["See connections"],
    )
    assert overview_view(found, History(30_000, ())).is_empty
    limited = replace(found, is_limited=True)
    assert (verdict(limited)[0].level, overview_view(limited, History(30_000, ())).is_empty) == ("ok", False)


def test_without_a_worker_it_says_that_nothing_is_lost() -> None:
    state, because, _ = verdict(now())
    assert (state.level, state.words) == ("bad", "The sync engine is not running")
    assert "are kept, and synced once" in because[0]


def figures(found: OverviewNow) -> dict[str, str]:
    """The figures beneath the sentence."""
    return {one.name: f"{one.value} {one.words}" for one in overview_view(found, History(30_000, ())).numbers}


def test_without_a_worker_no_figure_says_that_all_is_in_ghl() -> None:
    """What is not measured is not known, and never zero."""
    shown = overview_view(now(), History(30_000, ()))
    for name in ("In GHL", "On the way", "Longest wait"):
        assert figures(now())[name] == "not known the sync engine is not running"
    assert shown.no_oldest.startswith("Not known")


def test_while_a_part_has_no_worker_a_figure_is_the_least() -> None:
    found = figures(now(status(fenced=(0, 1))))
    assert found["On the way"].startswith("0 or more")
    assert found["Longest wait"].startswith("not known")
    assert figures(now(status()))["Longest wait"] == "none all is in GHL or needs attention"


def test_a_plot_never_thins_a_gap_out_and_shows_no_zero_for_what_was_not_measured() -> None:
    measured = [Point(NOW + at * 30_000, 1, {"writes": 1.0}, 0, 0, 5, 0, None) for at in range(400)]
    points = [*measured[:201], TimeSeries.gap(NOW + 201 * 30_000), *measured[205:], Point(NOW, 1, {}, 0, 0, 5, 0, None)]
    written, on_the_way, *_ = overview_view(now(status()), History(30_000, tuple(points))).plots
    assert [value for _, value in on_the_way.points].count(None) == 1
    assert written.points[-1][1] is None, "a worker that has just started has no rate yet"


def test_partitions_without_an_owner_are_told_and_a_start_is_no_alarm() -> None:
    assert verdict(now(status(fenced=(0, 1))))[0].level == "bad"
    assert verdict(now(status(fenced=(0, 1), is_ready=False)))[0].level == "busy"


def test_lost_access_is_worse_than_a_rate_limit() -> None:
    state, because, ways = verdict(now(paused("no access", "not authorized: revoked")))
    assert (state.level, state.words) == ("bad", "No access to GHL for acme")
    assert because == ("Not authorized: revoked.",)
    assert ways[0].href == "/console/connections"
    assert verdict(now(paused("rate limit", "rate limit: 429")))[0].level == "warn"


def test_checks_that_cannot_be_made_in_time_are_said_with_what_helps() -> None:
    """In the words of the form that changes it; and nothing of it where they can."""
    day = 24 * 3_600_000
    budget = BudgetStatus(
        dispatcher="read", budget="our-app", connections=("acme",), window_limit=500, window_seconds=60
    )

    def of(leads: int) -> OverviewNow:
        sweep = SweepStatus(total=leads, full_interval_ms=day, look_interval_ms=day)
        one = ConnectionStatus(connection="acme", reading=SideStatus(sweep=sweep), writing=SideStatus(links=3))
        return now(status(budgets=(budget,), connections=(one,)))

    state, because, ways = verdict(of(400_000))
    assert (state.level, state.words) == ("warn", "The full checks of 1 connection take longer than their time")
    assert "400\u202f000 leads" in because[0]
    assert (
        "What helps: checking notes and tasks of quiet leads every 7 days or checking all leads every 30 hours."
        in because[0]
    )
    assert [one.words for one in ways] == ["See connections"]
    assert verdict(of(100_000))[0].level == "ok"


def test_what_is_parked_is_said_whatever_else_is_true() -> None:
    _, because, ways = verdict(now(parked=1))
    assert because[-1] == "1 problem needs attention."
    assert ways[-1].href == "/console/parked"


def test_a_change_that_waits_too_long_is_late() -> None:
    side = SideStatus(undelivered={"deliver": 1}, oldest_accepted_ms=NOW - 20 * 60_000)
    sides = ConnectionStatus(connection="acme", reading=SideStatus(), writing=side)
    state, because, _ = verdict(now(status(connections=(sides,))))
    assert (state.level, because[0]) == ("warn", "The oldest has waited for 20 min.")


def test_what_waits_for_its_contact_does_not_wait_for_its_turn() -> None:
    """A note of a contact that is parked."""
    side = SideStatus(undelivered={"deliver": 1}, oldest_accepted_ms=NOW - 80_000)
    sides = ConnectionStatus(connection="acme", reading=SideStatus(), writing=side)
    budget = BudgetStatus(dispatcher="write", budget="loc", connections=("acme",), blocked=1)
    found = now(status(connections=(sides,), budgets=(budget,)))
    shown = overview_view(replace(found, oldest_accepted_ms=NOW - 80_000), History(30_000, ()))
    assert shown.oldest is not None
    assert shown.oldest.waits_for == "its contact, which is not in GHL yet"


def test_of_two_thousand_limits_those_that_need_somebody_are_listed() -> None:
    """The page is as short as with ten connections: the pauses first, then what is used most; the rest is counted."""
    names = [f"c{number:04d}" for number in range(1000)]
    budgets = tuple(
        BudgetStatus(
            dispatcher=side,  # type: ignore[arg-type]  # one of the two
            budget=f"{side} {name}",
            connections=(name,),
            window_used=90 if name == "c0500" else 1,
            window_limit=100,
            paused="throttled" if (side, name) == ("write", "c0999") else "",
        )
        for side in ("read", "write")
        for name in names
    )
    view = overview_view(now(status(budgets=budgets)), History(30_000, ()))

    assert [one.name for one in view.limits[:3]] == ["c0999", "c0500", "c0500"]
    assert len(view.limits) == 24
    assert view.more_limits == "1\u202f976 limits more: none of them is paused, and they are used less."


def test_a_limit_that_many_share_names_some_of_them() -> None:
    """And so does a stage that pauses for many."""
    shared = BudgetStatus(
        dispatcher="read", budget="our-app", connections=tuple(f"c{n}" for n in range(1000)), paused="throttled"
    )
    view = overview_view(now(status(budgets=(shared,))), History(30_000, ()))

    assert [one.name for one in view.limits] == ["c0, c1, c2 and 997 more"]
    assert [one.note for one in view.stages if one.note] == ["c0, c1, c2 and 997 more"]
    assert view.more_limits == ""
