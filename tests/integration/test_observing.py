"""What a running deployment reports of itself: its metrics are those of the catalogue, and its workers' words make an overview."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from streams.operations.status.reader import StatusReader, read_overview
from streams.telemetry.endpoints import add_health_and_metrics, listen
from streams.telemetry.metrics import CATALOGUE, PREFIX, Spec
from tests.deadlines import within
from tests.integration.stage import Stage, stage
from tests.kafka.broker import Broker

SUFFIXES = ("_bucket", "_count", "_sum", "_total")

Series = tuple[str, tuple[tuple[str, str], ...]]

NOT_WITHOUT = {
    "paused_by": "a budget pauses",
    "sweep_oldest_look_timestamp_seconds": "a full sweep has ended",
    "token_expires_seconds": "a connection has OAuth",
}
"""Gauges that rightly have no series on this stage, and what they need."""


async def scrape(url: str, accept: str = "text/plain") -> str:
    """What Prometheus gets."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}/metrics", headers={"Accept": accept}) as answer:
        assert answer.status == 200
        return await answer.text()


async def scrape_worker(on: Stage, accept: str = "text/plain") -> str:
    """The worker's metrics through the routes that its command serves."""
    app = web.Application()
    add_health_and_metrics(app, on.worker.metrics.registry, is_ready=lambda: True)
    runner, url = await listen(app, "127.0.0.1", 0)
    try:
        return await scrape(url, accept)
    finally:
        await runner.cleanup()


def series(text: str) -> Iterator[tuple[Series, float]]:
    """Every series of a scrape, with its value."""
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield (sample.name, tuple(sorted(sample.labels.items()))), sample.value


def value(text: str, name: str, **labels: str) -> float:
    """One series' value."""
    wanted = (PREFIX + name, tuple(sorted(labels.items())))
    return dict(series(text))[wanted]


def spec_of(name: str) -> Spec | None:
    """The catalogue's entry for a series."""
    by_name = {spec.full_name: spec for spec in CATALOGUE}
    for suffix in ("", *SUFFIXES):
        stem = name.removesuffix(suffix) if suffix else name
        spec = by_name.get(stem)
        if spec is not None and (not suffix or spec.type == "histogram"):
            return spec
    return None


@pytest.mark.parametrize("process", ["worker", "gateway"])
async def test_a_scrape_shows_the_catalogue_and_nothing_else(
    embedded_kafka: Broker, tmp_path: Path, process: str
) -> None:
    """Every metric that a process declares is there after some traffic, with the labels declared; no other is."""
    async with stage(embedded_kafka, tmp_path) as on:
        on.new_lead()
        await on.until(lambda: len(on.contacts()) == 1)
        await on.until_quiet()
        text = await (scrape_worker(on) if process == "worker" else scrape(on.gateway.url))
        shown: dict[str, Spec] = {}
        for (name, labels), _ in series(text):
            if name.startswith("process_"):
                continue
            spec = spec_of(name)
            assert spec is not None, f"{name} is not in the catalogue"
            assert process in spec.by, f"{name} is not a metric of the {process}"
            given = {key: said for key, said in labels if key != "le"}
            assert tuple(sorted(given)) == tuple(sorted(spec.label_names)), name
            for label in spec.labels:
                assert not label.values or given[label.name] in label.values, (name, label.name, given[label.name])
            shown[spec.name] = spec
        wanted = {spec.name for spec in CATALOGUE if process in spec.by} - NOT_WITHOUT.keys()
        assert wanted - shown.keys() == set()
        assert "process_resident_memory_bytes" in text


async def test_the_figures_are_those_of_what_happened(embedded_kafka: Broker, tmp_path: Path) -> None:
    """One new lead is one delivery, one read, one create, one link, and it is fresh; nothing is left waiting."""
    async with stage(embedded_kafka, tmp_path) as on:
        on.new_lead()
        await on.until(lambda: len(on.contacts()) == 1)
        await on.until_quiet()
        gateway, worker = await scrape(on.gateway.url), await scrape_worker(on)
        assert value(gateway, "intake_total", vendor="lofty", result="accepted") == 1
        assert value(gateway, "intake_items_total", vendor="lofty", connection="acme") == 1
        assert value(gateway, "intake_seconds_count", vendor="lofty") == 1
        assert value(gateway, "append_records_total", topic="lofty.changes") == 1
        assert value(worker, "changes_total", decision="admitted") == 1
        for name in ("dedupe", "fetch", "deliver"):
            assert value(worker, "stage_records_total", stage=name) == 1, name
        assert value(worker, "reads_total", connection="acme", kind="contact", outcome="read") == 1
        created = {"connection": "acme", "step": "create contact", "outcome": "applied"}
        assert value(worker, "writes_total", **created) == 1
        assert value(worker, "freshness_seconds_count", connection="acme", since="acceptance", held="no") == 1
        created = {"vendor": "ghl", "operation": "create-contact", "attempt": "first", "status": "201"}
        assert value(worker, "vendor_calls_total", **created) == 1
        assert value(worker, "links", connection="acme") == 1
        assert value(worker, "undelivered", connection="acme", stage="deliver") == 0
        assert value(worker, "oldest_undelivered_seconds", connection="acme") == 0
        assert value(worker, "waiting", dispatcher="write", budget="loc-acme", priority="live") == 0
        assert value(worker, "window_limit", dispatcher="write", budget="loc-acme") == 100_000
        assert value(worker, "partitions", state="fenced") == 4
        assert value(worker, "pauses_total", dispatcher="write", budget="loc-acme", cause="rate limit") == 0


async def test_openmetrics_is_given_to_who_asks_for_it(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Prometheus asks for it by name; its exemplars lead from a slow bucket to the trace."""
    async with stage(embedded_kafka, tmp_path) as on:
        on.new_lead()
        await on.until(lambda: len(on.contacts()) == 1)
        await on.until_quiet()
        text = await scrape_worker(on, "application/openmetrics-text; version=1.0.0")
        assert text.endswith("# EOF\n")
        exemplars = [
            line for line in text.splitlines() if line.startswith(f"{PREFIX}freshness") and "trace_id=" in line
        ]
        assert exemplars


async def test_many_contacts_make_no_more_series(embedded_kafka: Broker, tmp_path: Path) -> None:
    """The number of series is bounded by connections, not by what flows: thirty more leads add none."""
    async with stage(embedded_kafka, tmp_path) as on:
        on.new_lead()
        await on.until(lambda: len(on.contacts()) == 1)
        await on.until_quiet()
        before = {name for name, _ in series(await scrape_worker(on))}
        leads = [on.new_lead() for _ in range(30)]
        await on.until(lambda: len(on.contacts()) == 31)
        await on.until_quiet()
        text = await scrape_worker(on)
        assert {name for name, _ in series(text)} - before == set()
        assert not any(lead in text for lead in leads)
        assert "@example.com" not in text


async def test_workers_words_make_an_overview(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Who looks joins no group and sees the worker, its partitions and its connection; after its end, that it stopped."""
    async with stage(embedded_kafka, tmp_path) as on:
        on.new_lead()
        await on.until(lambda: len(on.contacts()) == 1)
        await on.until_quiet()
        async with StatusReader(on.settings) as statuses:

            async def is_told() -> bool:
                seen = await statuses.overview()
                return bool(seen.alive) and not seen.unowned and seen.connections[0].links == 1

            await on.until(is_told)
            seen = await statuses.overview()
            [acme] = seen.connections
            assert (acme.connection, acme.is_owned, acme.oldest_accepted_ms) == ("acme", True, None)
            assert acme.writes is not None
            assert acme.writes.window_limit == 100_000
            assert acme.reading is not None
            assert acme.reading.sweep is not None
            assert acme.reading.sweep.new_interval_ms == 15 * 60_000
            assert seen.totals["writes"] == 1
            await on.worker.status.end()
            assert [one.state for one in (await statuses.overview()).workers] == ["stopping"]
        async with asyncio.timeout(within(60)):
            assert [one.state for one in (await read_overview(on.settings)).workers] == ["stopping"]
