"""A run on the topic `runs`: a comparison, a rehearsal, an act on many connections, an import. One record for each, by its id.

Whoever runs it writes the record at the begin, every few seconds, and at the end. So a run that is under way and about which
nothing was written for a while was cut off: the process that ran it is gone (`core/run_history.py`).
"""

from __future__ import annotations

from pydantic import Field

from streams.messages.message import Message


class Run(Message):
    """One run, under way until `ended_ms`. `connections` are those that it is about, none for the deployment; `lead` the only lead, empty for all.

    `by` is who asked for it, `holder` the process that runs it. `moved_ms` is when this was written. Times are epoch milliseconds.
    `done` of `of` are done of what it is `doing`; `of` is 0 while it is not known. `failure` says why it ended without a result.
    `was_cut_off`: its process was stopped before it had ended.
    `words` say what came of it, `has_findings` that a person should look. `counts` are records: `read`, `written`, `unchanged`, `refused`.
    `detail` is the JSON of what only its kind has. Whoever writes it keeps it small.
    `id` is the run's, `kind` what it is (`verify`, `rehearse`, `import`, ...), `began_ms` when it began.
    """

    id: str
    kind: str
    connections: tuple[str, ...]
    lead: str = ""
    by: str = ""
    holder: str = ""
    began_ms: int
    moved_ms: int
    ended_ms: int = 0
    doing: str = ""
    done: int = 0
    of: int = 0
    failure: str = ""
    was_cut_off: bool = False
    words: str = ""
    has_findings: bool = False
    counts: dict[str, int] = Field(default_factory=dict)
    detail: str = ""
