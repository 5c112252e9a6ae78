"""`lofty-ghl doctor` against planted faults: each gives one line that says what is wrong, and how to fix it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from aiokafka.admin import AIOKafkaAdminClient
from pydantic import SecretStr

from connectors.sandbox.shared.faults import parse_fault
from streams.kafka.connection_options import client_options
from streams.messages.mapping_edit import MappingEdit
from streams.messages.partitioning import partition_of
from streams.messages.topics import GHL_CHANGES, MAPPINGS
from streams.operations.doctor.check_result import CheckResult
from streams.operations.doctor.run import Examination, examine
from streams.settings import Settings
from streams.settings.notifications import Notifications, Recipient
from tests.integration.command import command, config_of
from tests.integration.stage import Stage, stage
from tests.kafka.broker import Broker


def said(found: Examination, check: str, level: str = "wrong") -> CheckResult:
    """The one line of a check that is of this level."""
    lines = [one for one in found.verdicts if (one.check, one.level) == (check, level)]
    assert len(lines) == 1, found.verdicts
    assert lines[0].mend
    return lines[0]


def with_secrets(settings: Settings, **secrets: Any) -> Settings:
    """The settings with other credentials of the connection."""
    one = settings.connections["acme"]
    changed = one.model_copy(update={"secrets": one.secrets.model_copy(update=secrets)})
    return settings.model_copy(update={"connections": {"acme": changed}})


def with_kafka(settings: Settings, **facts: Any) -> Settings:
    """The settings with another Kafka."""
    return settings.model_copy(update={"kafka": settings.kafka.model_copy(update=facts)})


async def test_a_deployment_that_is_well_has_no_line_but_ok(real_kafka: Broker, tmp_path: Path) -> None:
    """On a real Kafka, and as the command says it; each vendor is asked four requests at most, and nothing is written."""
    async with stage(real_kafka, tmp_path) as on:
        on.new_lead()
        await on.until_quiet()
        asked = {vendor: len(on.requests(vendor)) for vendor in ("ghl", "lofty")}
        config = config_of(on, tmp_path)
        config.write_text(config.read_text().replace("https://hooks.example.com", on.gateway.url))
        code, out, _ = await command("doctor", config, "--json")
        made = {vendor: on.requests(vendor)[number:] for vendor, number in asked.items()}

    document = orjson.loads(out)
    odd = [one for one in document["verdicts"] if one["level"] != "ok"]
    # The sandbox's location has no users, so this one finding is right.
    assert [(one["check"], one["subject"]) for one in odd] == [("fields", "acme users")], odd
    assert code == document["exit_code"] == 1
    assert len(made["ghl"]) <= 4, made
    assert len(made["lofty"]) <= 4
    assert {one.method for one in made["lofty"]} == {"GET"}
    assert not [one for one in made["ghl"] if one.operation not in READS]


READS = ("search-contacts-advanced", "get-custom-fields", "get-user-by-location", "get-custom-values")


async def test_each_fault_at_a_vendor_gives_its_line(embedded_kafka: Broker, tmp_path: Path) -> None:
    """A wrong key, a wrong token, a missing scope, a vendor that fails, no subscription, another secret, a clock that is off."""
    async with stage(embedded_kafka, tmp_path) as on:
        wrong = SecretStr("nobody")
        by_key = said(await vendors(on.settings, lofty_api_key=wrong), "access")
        by_token = said(await vendors(on.settings, ghl_token=wrong), "access")
        moved = said(await vendors(on.settings, webhook_secret=SecretStr("another-secret-of-16")), "webhooks")
        ahead = [
            one for one in (await vendors(on.settings, now=lambda: time.time() + 5)).verdicts if one.check == "clock"
        ]
        behind = [
            one for one in (await vendors(on.settings, now=lambda: time.time() - 5)).verdicts if one.check == "clock"
        ]
        whole = on.ghl._by_token["pit-stage"]
        on.ghl._by_token["pit-stage"] = replace(whole, scopes=("contacts.readonly", "contacts.write"))
        lacking = said(await vendors(on.settings), "scopes")
        reading = ("contacts.readonly", "locations/customFields.readonly", "users.readonly")
        on.ghl._by_token["pit-stage"] = replace(whole, scopes=reading)
        unmarked = said(await vendors(on.settings), "scopes", "warning")
        on.ghl._by_token["pit-stage"] = whole
        on.ghl.faults.add(
            parse_fault({"kind": "status", "operation": "search-contacts-advanced", "status": 503, "times": 9})
        )
        failing = await vendors(on.settings)

    assert (by_key.subject, "LOFTY_GHL_ACME_LOFTY_API_KEY" in by_key.mend) == ("Lofty of acme", True)
    assert (by_token.subject, "LOFTY_GHL_ACME_GHL_TOKEN" in by_token.mend) == ("GHL of acme", True)
    assert moved.mend == "lofty-ghl subscriptions apply --connection acme"
    assert [("ahead" in one.says, one.level) for one in ahead] == [(True, "wrong")] * 2
    assert [("behind" in one.says, one.level) for one in behind] == [(True, "wrong")] * 2
    assert "locations/customFields.readonly users.readonly" in lacking.says
    assert (unmarked.level, "locations/customValues.readonly" in unmarked.says) == ("warning", True)
    assert ("503" in said(failing, "access", "away").says, failing.exit_code) == (True, 3)


async def vendors(settings: Settings, now: Callable[[], float] = time.time, **secrets: Any) -> Examination:
    """One examination, with some credentials otherwise."""
    return await examine(with_secrets(settings, **secrets), now=now)


async def test_a_key_that_several_connections_have_is_asked_once(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Each has its lines all the same, and what the vendors' limits make it last is foretold."""
    async with stage(embedded_kafka, tmp_path) as on:
        one = on.settings.connections["acme"]
        three = {name: one.model_copy(update={"name": name}) for name in ("acme", "best", "cole")}
        foretold: list[float] = []
        before = len(on.requests("lofty"))
        found = await examine(on.settings.model_copy(update={"connections": three}), foretell=foretold.append)
        made = on.requests("lofty")[before:]
    accepted = [line.connection for line in found.verdicts if line.says.startswith("the key is accepted")]
    assert accepted == ["acme", "best", "cole"]
    assert len(made) == 2, made
    assert len(foretold) == 1
    assert foretold[0] > 0


async def test_a_vendor_that_is_not_there_is_away(embedded_kafka: Broker, tmp_path: Path) -> None:
    """With its address."""
    async with stage(embedded_kafka, tmp_path) as on:
        one = on.settings.connections["acme"]
        moved = one.model_copy(update={"ghl": one.ghl.model_copy(update={"base_url": "http://127.0.0.1:1"})})
        found = await examine(on.settings.model_copy(update={"connections": {"acme": moved}}))
    assert "http://127.0.0.1:1 does not answer" in said(found, "access", "away").says
    assert found.exit_code == 3


async def test_each_fault_of_kafka_gives_its_line(real_kafka: Broker, tmp_path: Path) -> None:
    """A topic that is missing, other partitions than the configuration says, no worker, a mapping that is broken."""
    async with stage(real_kafka, tmp_path) as on:
        await on.until_quiet()
        await break_mapping(on)
        broken = await examine(on.settings)
        other = await examine(with_kafka(on.settings, partitions=8))
        await on.worker.__aexit__(None, None, None)
        alone = await examine(on.settings)
        admin = AIOKafkaAdminClient(**client_options(on.settings))
        await admin.start()
        await admin.delete_topics([on.names.of(GHL_CHANGES)])
        await admin.close()

        async def is_missed() -> bool:
            return any(one.check == "topics" and one.level == "wrong" for one in (await examine(on.settings)).verdicts)

        await on.until(is_missed)
        missing = await examine(on.settings)

    mapping = said(broken, "mapping")
    assert ("version 1 does not compile" in mapping.says, "mapping revert 0" in mapping.mend) == (True, True)
    partitions = [one for one in other.verdicts if one.check == "topics"]
    assert {(one.level, one.mend) for one in partitions} == {
        ("wrong", "set kafka.partitions = 4, the number that the topics have")
    }
    workers = said(alone, "workers")
    assert (workers.says, workers.mend) == ("none is alive: nothing is synced", "lofty-ghl worker")
    topic = said(missing, "topics")
    assert (topic.subject.endswith("ghl.changes"), topic.mend) == (True, "lofty-ghl topics create")


async def break_mapping(on: Stage) -> None:
    """An edit that another release would understand."""
    text = '[mappings.acme]\n[mappings.acme.fields]\nfirstNam = "firstName"\n'
    edit = MappingEdit(id="x", based_on=0, kind="text", name="acme", text=text, at_ms=0, by="newer")
    await on.produce(MAPPINGS, b"x", edit.to_bytes(), at=partition_of(MAPPINGS, on.settings.kafka.partitions))


async def test_without_kafka_all_else_is_looked_at(embedded_kafka: Broker, tmp_path: Path) -> None:
    """One line says that Kafka is away; what needs it is not looked at; the vendors are."""
    async with stage(embedded_kafka, tmp_path) as on:
        config = config_of(on, tmp_path)
        config.write_text(config.read_text().replace(embedded_kafka.bootstrap, "127.0.0.1:1"))
        code, out, _ = await command("doctor", config)
    assert code == 3
    assert "away          Kafka         127.0.0.1:1:" in out
    assert "is kafka.bootstrap_servers right?" in out
    assert "ok            access        Lofty of acme: the key is accepted" in out
    assert "not looked at topics" in out
    assert "Traceback" not in out


async def test_a_full_disk_is_told(embedded_kafka: Broker, tmp_path: Path) -> None:
    """With the folder."""
    async with stage(embedded_kafka, tmp_path, store="rocksdb") as on:
        found = await examine(on.settings, space=lambda folder: 2**20)
    assert "the disk is full" in said(found, "disk").says


async def test_a_wrong_configuration_is_told_line_by_line(tmp_path: Path) -> None:
    """With code 2."""
    config = tmp_path / "lofty-ghl.toml"
    config.write_text("[kafka]\npartitions = 0\n[connections.acme]\n")
    code, out, _ = await command("doctor", config, "--json")
    document = orjson.loads(out)
    assert (code, {one["check"] for one in document["verdicts"]}) == (2, {"configuration"})
    assert any("line 2, kafka.partitions" in one["says"] for one in document["verdicts"])


async def test_a_check_that_takes_too_long_is_not_looked_at(embedded_kafka: Broker, tmp_path: Path) -> None:
    """The others are, and the command ends in time."""
    async with stage(embedded_kafka, tmp_path) as on:
        on.lofty.faults.add(parse_fault({"kind": "delay", "operation": "*", "seconds": 5, "times": 9}))
        found = await examine(on.settings, check_seconds=2.0)
    slow = [one for one in found.verdicts if one.level == "not looked at"]
    assert [one.subject for one in slow if one.check.startswith("Lofty")] == ["Lofty of acme"]


async def test_a_recipient_of_notifications_that_names_no_connection_is_told(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """Also where connections may be edited, once those are read; while they cannot be, nobody knows."""
    named = Recipient(name="agency", webhook=True, connections=["acne"])
    keys = {"LOFTY_GHL_TOKEN_KEYS": "202601:" + "A" * 43 + "="}
    async with stage(embedded_kafka, tmp_path, environ=keys) as on:
        settings = on.settings.model_copy(update={"notifications": Notifications(recipients=[named])})
        found = await examine(settings)
        away = await examine(with_kafka(settings, bootstrap_servers="127.0.0.1:1"), check_seconds=2.0)
    line = said(found, "notifications")
    assert (line.subject, line.says) == ("agency", "there is no connection 'acne'")
    assert "did you mean 'acme'?" in line.mend
    assert said(away, "notifications", "not looked at").subject == "agency"
