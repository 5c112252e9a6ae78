"""The pairs of stages against a location's pipelines: each that is not there, with the nearest name that is. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from connectors.ghl.wire import Pipeline
from streams.core.to_ghl.directory import Directory, named_pipelines
from streams.mapping import StagePair, did_you_mean
from streams.operations.doctor.check_result import CheckResult
from streams.settings import Connection


def stage_results(connection: Connection, pipelines: Collection[Pipeline]) -> Iterator[CheckResult]:
    """A line for each pair whose pipeline or stage the location lacks; one line where it has all of them."""
    lacking = [(pair, says) for pair in connection.stages if (says := _lacks(pair, pipelines))]
    for pair, says in lacking:
        mend = "make it in GHL, or correct the pair; then `lofty-ghl parked retry --reason 'no such stage'`"
        yield CheckResult("stages", f"{connection.name} {pair.lofty}", "wrong", says, mend)
    if not lacking:
        yield CheckResult("stages", connection.name, "ok", "the location has each pipeline and stage of the pairs")


def _lacks(pair: StagePair, pipelines: Collection[Pipeline]) -> str:
    pipeline_id, stage_id = Directory({}, {}, pipelines=named_pipelines(pipelines)).stage_ids(pair.pipeline, pair.stage)
    if pipeline_id is None:
        return _words(f"the location has no pipeline {pair.pipeline!r}", pair.pipeline, [one.name for one in pipelines])
    if stage_id is not None:
        return ""
    stages = [stage.name for one in pipelines if one.id == pipeline_id for stage in one.stages]
    return _words(f"the pipeline {pair.pipeline!r} has no stage {pair.stage!r}", pair.stage, stages)


def _words(says: str, name: str, known: Collection[str]) -> str:
    hint = did_you_mean(name, known) or (f"it has {', '.join(map(repr, known))}" if known else "it has none")
    return f"{says}: {hint}"
