"""The history of runs: which were cut off, and which are forgotten."""

from __future__ import annotations

from typing import Any

from streams.core.run_history import DAY_MS, KEPT, KEPT_DAYS, SILENT_MS, RunHistory, is_cut_off
from streams.messages.run import Run

NOW = 1_000 * DAY_MS


def run(name: str, began_ms: int = NOW, **facts: Any) -> Run:
    """A run that has ended at once."""
    known = {"kind": "verification", "connections": ("acme",), "moved_ms": began_ms, "ended_ms": began_ms, **facts}
    return Run(id=name, began_ms=began_ms, **known)


def history_of(*runs: Run) -> RunHistory:
    """The history with these."""
    found = RunHistory()
    for one in runs:
        found.take(one.id, one)
    return found


def test_who_stops_writing_before_the_end_was_cut_off() -> None:
    """Not one that ended, however long ago, nor one that has just written."""
    assert is_cut_off(run("r", ended_ms=0, moved_ms=NOW - SILENT_MS - 1), NOW)
    assert not is_cut_off(run("r", ended_ms=0, moved_ms=NOW - SILENT_MS), NOW)
    assert not is_cut_off(run("r", moved_ms=0), NOW)
    assert is_cut_off(run("r", was_cut_off=True), NOW)


def test_the_newest_record_of_a_run_counts_and_one_without_a_value_takes_it_away() -> None:
    """The newest run comes first."""
    found = history_of(run("a", 1), run("b", 2), run("a", 1, words="done"))
    assert [(one.id, one.words) for one in found.newest_first()] == [("b", ""), ("a", "done")]
    found.take("b", None)
    found.take("unknown", None)
    assert [one.id for one in found.newest_first()] == ["a"]


def test_the_newest_of_each_connection_and_kind_are_kept() -> None:
    """Single leads do not displace comparisons of all; what is under way is never forgotten, what was cut off is."""
    runs = [run(f"all-{number:02}", NOW + number) for number in range(KEPT + 2)]
    runs += [run(f"lead-{number:02}", NOW + number, lead="1") for number in range(KEPT)]
    runs += [run("other", NOW, connections=("beta",)), run("rehearsal", NOW, kind="rehearsal")]
    runs += [run("under-way", NOW - 1, ended_ms=0, moved_ms=NOW)]
    runs += [run("cut-off", NOW - 1, ended_ms=0, moved_ms=NOW - SILENT_MS - 1)]
    assert set(history_of(*runs).surplus(NOW)) == {"all-00", "all-01", "cut-off"}


def test_runs_of_removed_connections_are_forgotten() -> None:
    """But for acts that were on others, too, and for checks of everything."""
    runs = (
        run("removed"),
        run("other", connections=("beta",)),
        run("act", connections=("acme", "beta")),
        run("both", connections=("acme", "gone")),
        run("check", connections=()),
    )
    assert set(history_of(*runs).surplus(NOW, {"acme", "gone"})) == {"removed", "both"}


def test_what_is_too_old_is_forgotten() -> None:
    """So nothing is kept for ever."""
    old = run("old", NOW - KEPT_DAYS * DAY_MS - 1, connections=("removed",))
    assert history_of(old, run("young", NOW - KEPT_DAYS * DAY_MS)).surplus(NOW) == ("old",)
