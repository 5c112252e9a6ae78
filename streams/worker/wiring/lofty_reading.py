"""Puts together what reads Lofty, one pending read at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from streams.core.listed_states import ListedStates
from streams.core.scheduling.retry import Retry
from streams.messages import Change
from streams.messages.topics import SNAPSHOTS
from streams.worker.dispatch.gathered_children import GatheredChildren
from streams.worker.dispatch.lofty_reader import LoftyReader
from streams.worker.dispatch.lofty_team import LoftyTeam
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.members import Members
from streams.worker.dispatch.read_records import ReadRecords
from streams.worker.dispatch.settling_reads import SettlingReads
from streams.worker.parts import WorkerParts


def new_lofty_reader(
    parts: WorkerParts,
    loop: DispatchLoop,
    teams: Mapping[str, LoftyTeam],
    settling: SettlingReads,
    listed: ListedStates,
    members: Members,
    announce: Callable[[list[Change]], Awaitable[None]],
    touched: Callable[[str], None],
) -> LoftyReader:
    """The handler of reads in the reading dispatcher `loop`. `announce` writes changes to `lofty.changes`.

    `touched` is called with the lane of a lead of which a webhook makes us read something.
    """
    fetches, count, now_ms = parts.tables.fetches, parts.deps.metrics.read, parts.output.now_ms
    return LoftyReader(
        teams=teams,
        fetches=fetches,
        listed=listed,
        settle=settling.wait_or_begin,
        read_burst=GatheredChildren(settling.take_gathered, fetches, listed, now_ms, count).read,
        records=ReadRecords(parts.names.of(SNAPSHOTS), parts.output, members.agent),
        now_ms=now_ms,
        failures=loop.failures,
        retry=Retry(parts.deps.now_ms, parts.deps.jitter),
        count=count,
        announce=announce,
        touched=touched,
    )
