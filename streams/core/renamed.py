"""A connection that was renamed in the file: its rows are under the old name, so the new one would begin without memory.

Each connection's row in `sweeps` names its team and location. A connection without a row of its own that has those of a row
whose connection is no longer configured was most likely renamed. A person says which: `id` in its table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streams.core.rows import SweepRow
from streams.core.sweep import pair_of
from streams.settings import Connection


class ConnectionRenamed(RuntimeError):
    """A connection has the team and location of one that is no longer configured, and does not say whether it is that one."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new
        super().__init__(
            f"Connection {new!r} has the Lofty team and GHL location of {old!r}, which is no longer in the configuration. "
            f'If it was renamed, run `lofty-ghl connections rename {old} {new}`, which writes id = "{old}" into '
            f"[connections.{new}]: it then goes on with what it knows. If {new!r} is to begin without that, write "
            f'id = "{new}" there; what is in GHL is then looked for by its markers'
        )


def find_renamed(rows: Mapping[str, SweepRow], connections: Iterable[Connection]) -> tuple[str, str] | None:
    """The old id and the new name of a connection that was renamed without saying so; None when there is none."""
    configured = {one.name: one for one in connections}
    by_pair = {tuple(pair_of(one).values()): one for one in configured.values() if not one.has_id}
    for old, row in sorted(rows.items()):
        now = by_pair.get((row.team_id, row.location_id))
        if now is not None and old not in configured:
            return old, now.label
    return None
