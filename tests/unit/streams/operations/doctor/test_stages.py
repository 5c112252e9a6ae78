"""Each pair of stages that the location lacks is a line, with the name that was perhaps meant."""

from __future__ import annotations

from connectors.ghl.wire import Pipeline
from streams.operations.doctor.stages import stage_results
from streams.settings import Connection, parse_settings
from tests.unit.streams.settings.test_stages import CONNECTION, pair

PIPELINES = [
    Pipeline.model_validate(one)
    for one in (
        {"id": "1", "name": "Buyers", "stages": [{"id": "a", "name": "New"}, {"id": "b", "name": "Talking"}]},
        {"id": "2", "name": "Buyers", "stages": [{"id": "c", "name": "Of the second one"}]},
    )
]


def connection(*pairs: str) -> Connection:
    """A connection with these pairs."""
    return parse_settings(CONNECTION + "".join(pairs)).connections["acme"]


def test_a_location_that_has_all_is_one_line() -> None:
    """However the names are written."""
    [found] = stage_results(connection(pair("Hot", " buyers ", "TALKING"), pair("New", "Buyers", "New")), PIPELINES)
    assert (found.check, found.level, found.subject) == ("stages", "ok", "acme")


def test_what_is_lacking_is_named_with_the_nearest_name() -> None:
    """Of a stage and of a pipeline; where nothing is near, what there is."""
    pairs = (pair("Hot", "Buyer", "New"), pair("Warm", "Buyers", "Talkin"), pair("Cold", "Buyers", "Xyzzy"))
    found = list(stage_results(connection(*pairs, pair("New", "Buyers", "New")), PIPELINES))
    assert [(one.level, one.subject, one.says) for one in found] == [
        ("wrong", "acme Hot", "the location has no pipeline 'Buyer': did you mean 'Buyers'?"),
        ("wrong", "acme Warm", "the pipeline 'Buyers' has no stage 'Talkin': did you mean 'Talking'?"),
        ("wrong", "acme Cold", "the pipeline 'Buyers' has no stage 'Xyzzy': it has 'New', 'Talking'"),
    ]
    assert all("parked retry" in one.mend for one in found)


def test_a_location_without_pipelines_says_so() -> None:
    """There is no name to be near."""
    [found] = stage_results(connection(pair()), [])
    assert found.says == "the location has no pipeline 'Buyers': it has none"
