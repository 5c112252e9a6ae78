"""One change is one trace, from the webhook to GHL's answer."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from connectors.sandbox.shared.faults import parse_fault
from streams.kafka.topic_reader import read_topic
from streams.messages import FENCE_KEY, Change
from streams.messages.topics import CHANGES, FETCHES, RECEIPTS, SNAPSHOTS
from streams.telemetry.logs import set_up_logs
from streams.telemetry.opentelemetry import OtelTracing
from streams.telemetry.tracing import HEADER, trace_id
from tests.integration.stage import Stage, stage
from tests.kafka.broker import Broker


def recording() -> tuple[OtelTracing, InMemorySpanExporter]:
    """Tracing whose spans stay in memory."""
    exporter = InMemorySpanExporter()
    return OtelTracing(SimpleSpanProcessor(exporter), "test"), exporter


def of_lead(spans: list[ReadableSpan], lead: str) -> list[ReadableSpan]:
    """The spans of the trace in which a lead was written to GHL: also of the turn that found fields to be created first."""
    [trace_id] = {
        one.context.trace_id
        for one in spans
        if one.name == "write" and f":{lead}:contact" in str((one.attributes or {})["entity"])
    }
    return [one for one in spans if one.context.trace_id == trace_id]


async def one_new_lead(on: Stage) -> str:
    """A lead that has gone all the way."""
    lead = on.new_lead()
    await on.until(lambda: lead in on.contacts())
    await on.until_quiet()
    return lead


async def test_one_change_is_one_trace(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Intake, dedupe, read and write, and both vendors' calls, joined; the intake's span is the parent of all."""
    tracing, exporter = recording()
    async with stage(embedded_kafka, tmp_path, given={"tracing": tracing}) as on:
        lead = await one_new_lead(on)
        spans = of_lead(list(exporter.get_finished_spans()), lead)
        assert {one.name for one in spans} >= {
            "intake",
            "dedupe",
            "read",
            "write",
            "lofty get-lead",
            "ghl create-contact",
        }
        [intake] = [one for one in spans if one.name == "intake"]
        assert intake.parent is None
        assert {one.parent.span_id for one in spans if one is not intake and one.parent} == {intake.context.span_id}
        at = {one.name: one.start_time for one in spans}
        assert at["intake"] <= at["dedupe"] <= at["read"] <= at["write"]


async def test_a_trace_outlives_waiting_in_a_table(embedded_kafka: Broker, tmp_path: Path) -> None:
    """GHL answers 500 first: the entity waits in the outbox, and its second try belongs to the same trace."""
    tracing, exporter = recording()
    async with stage(embedded_kafka, tmp_path, given={"tracing": tracing}) as on:
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 500, "times": 1}))
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts())
        await on.until_quiet()
        tries = [one for one in exporter.get_finished_spans() if one.name == "ghl create-contact"]
        statuses = [(one.attributes or {})["http.response.status_code"] for one in tries]
        assert (statuses[0], statuses[-1]) == (500, 201)
        assert len({one.context.trace_id for one in tries}) == 1


async def test_without_tracing_a_trace_id_travels_all_the_same(embedded_kafka: Broker, tmp_path: Path) -> None:
    """In words and in Kafka's headers, from the webhook to the receipt, and in the log's lines between."""
    before, lines = logging.getLogger().handlers[:], io.StringIO()
    async with stage(embedded_kafka, tmp_path) as on:
        set_up_logs("info", "json", stream=lines)
        try:
            on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 500, "times": 1}))
            await one_new_lead(on)
        finally:
            logging.getLogger().handlers[:] = before
        [trace] = {Change.from_bytes(raw).trace for raw in await on.records(CHANGES)}
        for topic in (CHANGES, FETCHES, SNAPSHOTS, RECEIPTS):
            records = [one for one in await read_topic(on.settings, on.names.of(topic)) if one.key != FENCE_KEY]
            assert {dict(one.headers)[HEADER].decode() for one in records} == {trace}, topic
        assert {one.trace for one in await on.receipts()} == {trace}
        waits = [line for line in lines.getvalue().splitlines() if "after attempt" in line]
        assert waits
        assert all(f'"trace": "{trace_id(trace)}"' in line for line in waits)


async def test_a_producer_of_its_own_brings_its_trace_in_the_header(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Anything may produce to the first topic; a trace from there continues here."""
    theirs = f"00-{'ab' * 16}-{'cd' * 8}-01"
    async with stage(embedded_kafka, tmp_path) as on:
        lead = await one_new_lead(on)
        change = Change.from_bytes((await on.records(CHANGES))[0])
        later = change.model_copy(update={"trace": "", "update_time_ms": change.update_time_ms + 60_000})
        await on.produce(CHANGES, change.entity.lane.encode(), later.to_bytes(), headers=((HEADER, theirs.encode()),))

        async def is_read() -> bool:
            return theirs in {Change.from_bytes(raw).trace for raw in await on.records(FETCHES)}

        await on.until(is_read)
        assert lead == change.lead


def test_nothing_of_opentelemetry_is_imported_where_tracing_is_off() -> None:
    """Whoever does not trace pays nothing for it, and need not install it."""
    code = (
        "import sys, streams.cli, streams.telemetry.opentelemetry; streams.telemetry.opentelemetry.tracing_of({}, 'worker'); "
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
