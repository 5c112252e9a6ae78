"""No secret leaves the process: known ones are planted, a run goes right and wrong, and everything that it left is searched."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import structlog
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import generate_latest

from connectors.auth.oauth import converse
from connectors.errors import ConnectorError
from connectors.ghl.oauth import exchange_code
from connectors.http.transport import AiohttpTransport
from connectors.sandbox.shared.faults import parse_fault
from streams.kafka.topic_reader import each_record
from streams.settings.secrets import secret_values
from streams.telemetry.logs import set_up_logs
from streams.telemetry.opentelemetry import OtelTracing
from tests.integration.stage import ENVIRON, LOCATION, Stage
from tests.integration.test_oauth import SECRETS, connect_ghl, connected_stage
from tests.integration.test_way_back import do
from tests.kafka.broker import Broker

BACK = "\n[connections.acme.back]\nnotes = true\n"


@pytest.mark.parametrize("form", ["text", "json"])
async def test_no_secret_is_left_anywhere(
    broker: Broker, tmp_path: Path, form: str, capfd: pytest.CaptureFixture[str]
) -> None:
    before = logging.getLogger().handlers[:]
    exporter = InMemorySpanExporter()
    tracing = OtelTracing(SimpleSpanProcessor(exporter), "test")
    async with connected_stage(broker, tmp_path, given={"tracing": tracing}) as (on, grants):
        set_up_logs("debug", form, secret_values(on.settings))
        try:
            left = [await connect_ghl(on, grants)]
            left += await run_right_and_wrong(on)
            left += [repr(on.settings), str(on.settings), str(on.settings.model_dump()), repr(grants), on.config]
            left += [repr(one) for one in on.worker.dispatchers.tokens._flights.values()]  # type: ignore[union-attr]  # it has OAuth
            left += await refusals(on)
            async with on.http.get(f"{on.gateway.url}/metrics") as answer:
                left.append(await answer.text())
            left.append(generate_latest(on.worker.metrics.registry).decode())
            spans = exporter.get_finished_spans()
            assert {"intake", "dedupe", "read", "write"} <= {span.name for span in spans}
            left += [span.to_json() for span in spans]
            left += await everything_in_kafka(on)
            told = capfd.readouterr()
            left += [told.out, told.err]
            planted = secrets_of(on)
        finally:
            structlog.reset_defaults()
            logging.getLogger().handlers[:] = before
    assert len(planted) >= 9
    found = {name: hits for name, value in planted.items() if (hits := [text[:200] for text in left if value in text])}
    assert found == {}


async def run_right_and_wrong(on: Stage) -> list[str]:
    """Contacts are written, refused and parked; tokens expire and are renewed; doors are tried with wrong keys."""
    lead = on.new_lead()
    await on.until(lambda: lead in on.contacts())
    async with on.http.post(f"{on.ghl_url}/_sandbox/oauth/expire", json={}) as answer:
        assert answer.status == 200
    on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422, "times": 1}))
    on.ghl.faults.add(parse_fault({"kind": "drop_after_apply", "operation": "update-contact", "times": 1}))
    on.lofty.faults.add(parse_fault({"kind": "status", "operation": "get-lead", "status": 500, "times": 1}))
    on.new_lead()
    on.edit("update", "lead", id=int(lead), fields={"firstName": "Eve"})
    do(on, "create-note", {"body": "said"}, contactId=str(on.contacts()[lead]["id"]))
    texts = []
    for path, body in (
        (f"/lofty/{ENVIRON['LOFTY_GHL_ACME_WEBHOOK_SECRET']}", b"{}"),
        ("/ghl/webhooks", b"{}"),
        ("/lofty/x", b"1"),
    ):
        async with on.http.post(f"{on.gateway.url}{path}", data=body) as answer:
            texts.append(await answer.text())
    await on.until(lambda: on.contacts()[lead]["firstName"] == "Eve", 60)
    assert await on.parked() != []
    return texts


async def refusals(on: Stage) -> list[str]:
    """What errors say of requests that carried secrets."""
    grants_client = on.worker.dispatchers.tokens._grants.ghl_client()  # type: ignore[union-attr]  # as above
    async with AiohttpTransport() as transport:
        try:
            await converse(exchange_code(grants_client, "no-such-code", asked_at_ms=0, base_url=on.ghl_url), transport)
        except ConnectorError as error:
            return [str(error), repr(error), repr(grants_client)]
    raise AssertionError("a code that does not exist was exchanged")


async def everything_in_kafka(on: Stage) -> list[str]:
    """Every record of every topic of this deployment, changelogs too."""
    names = [*on.names.specs()]
    texts = []
    for name in names:
        texts += [
            f"{record.key!r} {(record.value or b'').decode(errors='replace')}"
            async for record in each_record(on.settings, name, None)
        ]
    return texts


def secrets_of(on: Stage) -> dict[str, str]:
    """All that was planted or granted."""
    planted = {**{k: v for k, v in ENVIRON.items() if k != "LOFTY_GHL_ACME_GHL_TOKEN"}, **SECRETS}
    planted["the key itself"] = SECRETS["LOFTY_GHL_TOKEN_KEYS"].partition(":")[2]
    flights = on.worker.dispatchers.tokens._flights  # type: ignore[union-attr]  # as above
    for name, flight in flights.items():
        planted[f"{name} access"] = flight._pair.access
        planted[f"{name} refresh"] = str(flight._pair.refresh)
    issued = on.ghl.oauth.issuer
    for number, token in enumerate(sorted({*issued._access, *issued._refresh})):
        planted[f"issued {number}"] = token
    assert LOCATION not in planted.values()
    return planted
