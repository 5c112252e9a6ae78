"""The history of runs: one of each kind and state, and none."""

from __future__ import annotations

from streams.console.pages.views.runs_view import runs_view
from streams.console.services.run_list import RunPage, RunSeen

NOW = 1_764_042_000_000
MINUTE = 60_000


def _run(kind: str, state: str, minutes: float, lasted: float = 0.0, **facts: object) -> RunSeen:
    began_ms = NOW - round(minutes * MINUTE)
    ended_ms = began_ms + round(lasted * MINUTE) if lasted else 0
    known = {
        "id": f"{kind}-{minutes}",
        "connections": ("acme",),
        "lead": "",
        "by": "ann",
        "words": "",
        "problem": "",
        "began_ms": began_ms,
        "moved_ms": ended_ms or NOW,
        "ended_ms": ended_ms,
        **facts,
    }
    return RunSeen(kind=kind, state=state, **known)  # type: ignore[arg-type]  # as a page of the service has them


RUNS = (
    _run("import", "running", 3, read=2_410, by="ben"),
    _run("comparison", "findings", 9, 2, read=691, written=0, unchanged=688, refused=1, words="2 wrong, 0 repaired"),
    _run("comparison", "done", 14, 0.2, lead="600123", read=1, written=1, unchanged=0, words="0 wrong, 1 repaired"),
    _run(
        "act",
        "findings",
        31,
        4,
        connections=("acme", "harbor", "lakeside", "summit", "valley"),
        words="4 done, 1 failed",
    ),
    _run("check", "done", 55, 0.6, connections=(), words="0 wrong, 0 warnings, 0 not checked"),
    _run("rehearsal", "cut off", 80, 1, connections=("harbor",)),
    _run("comparison", "failed", 95, 1, connections=("harbor",), problem="No worker answers for harbor."),
    _run("replay", "stopped", 200, 3, read=4_000, written=812, unchanged=1_030, refused=2),
    _run("full check", "done", 700, 41, by="", read=12_345, words="3 changes found"),
)
CONNECTIONS = ("acme", "harbor", "lakeside", "summit", "valley")
SAMPLES = (
    ("runs", "runs.html", runs_view(RunPage(RUNS, 12), CONNECTIONS, "", "")),
    ("runs-empty", "runs.html", runs_view(RunPage((), 0), CONNECTIONS, "harbor", "import")),
)
