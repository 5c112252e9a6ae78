"""`[[connections.NAME.stages]]`: which stage of Lofty is which stage of a pipeline in GHL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator

from streams.mapping import StagePair, StageTable
from streams.mapping.opportunity import Status
from streams.settings.model import Present, SettingsTable, wrong


class StagePairTable(SettingsTable):
    """One pair. All four are named as people see them; `status` is what the opportunity's becomes there."""

    lofty: Present
    pipeline: Present
    stage: Present
    status: Status = "open"

    @property
    def pair(self) -> StagePair:
        """The same, as the mapping takes it."""
        return StagePair(self.lofty, self.pipeline, self.stage, self.status)


def _each_once(value: list[StagePairTable]) -> list[StagePairTable]:
    if repeated := StageTable(one.pair for one in value).repeated():
        raise wrong("each stage of Lofty once", f"{repeated[0]!r} has several pairs")
    return value


StagePairs = Annotated[list[StagePairTable], AfterValidator(_each_once)]


def words_of(pairs: Iterable[StagePair]) -> str:
    """The pairs as one text, by which two tables are compared."""
    return "; ".join(f"{one.lofty} = {one.pipeline} / {one.stage} ({one.status})" for one in pairs)
