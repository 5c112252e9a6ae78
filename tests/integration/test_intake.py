"""The gateway's intake: what is accepted, what is refused, and that nothing is answered 200 before Kafka has it."""

from __future__ import annotations

import base64
import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.ghl.signature import HEADER
from connectors.sandbox.ghl.mailer import signing_key
from streams.gateway.server import GatewayServer
from streams.messages import Change, Parked
from streams.messages.topics import CHANGES, PARKED
from tests.contract.lofty.test_webhook_samples import EXPECTED
from tests.contract.openapi import specs_folder
from tests.integration.stage import LOCATION, SECRET, Stage, stage
from tests.kafka.broker import Broker


async def post(on: Stage, body: bytes, secret: str = SECRET) -> int:
    """One delivery; returns the status."""
    async with on.http.post(f"{on.gateway.url}/lofty/{secret}", data=io.BytesIO(body)) as answer:
        return answer.status


async def test_all_twelve_samples_become_the_right_changes(broker: Broker, tmp_path: Path) -> None:
    """Lofty's own samples, with this stage's team: 200, and the changes are on `lofty.changes`."""
    samples = json.loads((specs_folder("lofty") / "webhook_payloads.json").read_text())
    named = {name: body for name, body in samples.items() if not name.startswith("_")}
    async with stage(broker, tmp_path, lofty={"latency_seconds": 0.0}) as on:
        statuses = [await post(on, json.dumps(body).encode()) for body in named.values()]
        changes = [Change.from_bytes(raw) for raw in await on.records(CHANGES)]

    assert statuses == [200] * 12
    found = sorted((one.kind, one.id, one.lead, one.operation) for one in changes)
    assert found == sorted(row for rows in EXPECTED.values() for row in rows)


async def test_what_is_no_delivery_is_refused_or_parked(
    broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """413, 400 and 404 with a line in the log; a shape that nobody knows is kept and answered 200."""
    unknown = b'{"listId": 2, "teamId": 123456, "events": [{"eventType": "LEAD_UPDATED"}]}'
    with caplog.at_level(logging.WARNING, logger="lofty_ghl.gateway"):
        async with stage(broker, tmp_path) as on:
            too_large = await post(on, b"[" + b" " * 1_048_576 + b"]")
            not_json = await post(on, b"leadId=1")
            wrong_secret = await post(on, b"{}", secret="another-secret-entirely")
            unknown_shape = await post(on, unknown)
            other_team = await post(on, json.dumps({"teamId": 9, "listId": 2, "updatedLead": []}).encode())
            parked = [Parked.from_bytes(raw) for raw in await on.records(PARKED)]
            changes = await on.records(CHANGES)

    assert (too_large, not_json, wrong_secret) == (413, 400, 404)
    assert (unknown_shape, other_team) == (200, 200)
    assert {one.reason: one.original_bytes() for one in parked}["unknown shape"] == unknown
    assert changes == []
    lines = [one.getMessage() for one in caplog.records if one.name == "lofty_ghl.gateway"]
    assert len(lines) == 5
    assert SECRET not in " ".join(lines)


class DeadProducer:
    """A producer whose Kafka is gone."""

    max_record_bytes = 1_000_000
    trouble = None

    async def start(self) -> None:
        """Pretend to connect."""

    async def stop(self) -> None:
        """Nothing to stop."""

    def create_batch(self) -> Any:
        """No batch without a broker."""
        raise ConnectionError("no broker")


async def test_a_delivery_that_kafka_does_not_take_is_answered_503(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Lofty must retry: nothing was accepted."""
    async with stage(embedded_kafka, tmp_path) as on:
        ping = json.dumps({"teamId": 123456, "listId": 2, "updatedLead": [{"leadId": 1, "updateTime": 1}]}).encode()
        dead = GatewayServer(on.settings, producer=lambda _: DeadProducer())  # type: ignore[arg-type, return-value]  # a stand-in
        async with dead, on.http.post(f"{dead.url}/lofty/{SECRET}", data=ping) as answer:
            status = answer.status

    assert status == 503


async def test_a_webhook_of_ghl_that_kafka_does_not_take_is_answered_429(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """GHL repeats nothing else under each policy that it has published."""
    async with stage(embedded_kafka, tmp_path) as on:
        event = {
            "type": "NoteCreate",
            "locationId": LOCATION,
            "webhookId": "w1",
            "id": "n1",
            "contactId": "c1",
            "body": "x",
        }
        body = json.dumps(event).encode()
        signed = {HEADER: base64.b64encode(signing_key(on.ghl.settings).sign(body)).decode()}
        dead = GatewayServer(on.settings, producer=lambda _: DeadProducer())  # type: ignore[arg-type, return-value]  # a stand-in
        async with dead, on.http.post(f"{dead.url}/ghl/webhooks", data=body, headers=signed) as answer:
            status = answer.status

    assert status == 429


async def test_while_a_secret_is_changed_the_earlier_one_opens_the_same_door(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """Lofty calls the old address until the subscriptions are replaced; a third secret opens nothing."""
    async with stage(embedded_kafka, tmp_path) as on:
        acme = on.settings.connections["acme"]
        secrets = acme.secrets.model_copy(update={"webhook_secret_before": SecretStr("an-earlier-secret-1234")})
        connections = {"acme": acme.model_copy(update={"secrets": secrets})}
        ping = json.dumps({"teamId": 123456, "listId": 2, "updatedLead": [{"leadId": 1, "updateTime": 1}]}).encode()
        found = {}
        async with GatewayServer(on.settings.model_copy(update={"connections": connections})) as gateway:
            for secret in (SECRET, "an-earlier-secret-1234", "another-secret-123456"):
                async with on.http.post(f"{gateway.url}/lofty/{secret}", data=ping) as answer:
                    found[secret] = answer.status

    assert list(found.values()) == [200, 200, 404]
