"""Kafka's own words: each refusal is reported as it is, with the setting or the right that is behind it. On a real broker."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AclOperation, ResourceType
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from streams.kafka.refusals import KafkaMisconfigured
from streams.kafka.tls import tls_context
from streams.settings.model import Kafka, KafkaSecrets
from tests.deadlines import within
from tests.integration.stage import ENVIRON
from tests.kafka.guarded import PASSWORD, Guarded, guarded_kafka
from tests.kafka.jars import why_unavailable

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(why_unavailable() is not None, reason=f"no real Kafka: {why_unavailable()}"),
]

CONFIG = """
[kafka]
partitions = 2
topic_prefix = "{prefix}"
{kafka}
[worker]
store = "memory"
port = 0
[connections.acme]
[connections.acme.lofty]
team_id = "1"
[connections.acme.ghl]
location_id = "L"
"""
SASL = 'security_protocol = "SASL_PLAINTEXT"\nsasl_mechanism = "{mechanism}"\nsasl_username = "app"\n'


@pytest.fixture(scope="module")
def kafka() -> Iterator[Guarded]:
    with guarded_kafka() as running:
        yield running


async def run(tmp_path: Path, kafka: str, *command: str, password: str = PASSWORD, prefix: str = "") -> tuple[int, str]:
    """A command under some settings of Kafka; its exit code and all that it says."""
    file = tmp_path / "lofty-ghl.toml"
    file.write_text(CONFIG.format(kafka=kafka, prefix=prefix))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.cli", *command, "--config", str(file)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**ENVIRON, **({"LOFTY_GHL_KAFKA_PASSWORD": password} if password else {}), "COLUMNS": "400"},
    )
    try:
        async with asyncio.timeout(within(120)):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    assert b"Traceback" not in said
    return process.returncode, said.decode()


@pytest.mark.parametrize(
    ("where", "settings", "password", "words"),
    [
        ("tls", 'security_protocol = "SSL"\nssl_cafile = "{stranger}"', "", ["not trusted", "kafka.ssl_cafile"]),
        ("tls", 'security_protocol = "SSL"', "", ["not trusted", "it is not set"]),
        ("other", 'security_protocol = "SSL"\nssl_cafile = "{authority}"', "", ["another name", "bootstrap_servers"]),
        ("plain", 'security_protocol = "SSL"\nssl_cafile = "{authority}"', "", ["speaks no TLS", "PLAINTEXT"]),
        ("tls", "", "", ["without an answer", "SASL or TLS", "security_protocol is PLAINTEXT"]),
        ("sasl", "", "", ["security_protocol"]),
        ("sasl", SASL.format(mechanism="SCRAM-SHA-256"), PASSWORD, ["kafka.sasl_mechanism SCRAM-SHA-256"]),
        ("expired", 'security_protocol = "SSL"\nssl_cafile = "{authority}"', "", ["not trusted", "expired"]),
        ("sasl", 'security_protocol = "SSL"\nssl_cafile = "{authority}"', "", ["speaks no TLS", "PLAINTEXT"]),
        ("tls", SASL.format(mechanism="PLAIN"), PASSWORD, ["security_protocol is SASL_PLAINTEXT"]),
        ("plain", SASL.format(mechanism="PLAIN"), PASSWORD, ["kafka.sasl_mechanism PLAIN"]),
        (
            "plain",
            SASL.format(mechanism="PLAIN").replace("SASL_PLAINTEXT", "SASL_SSL") + 'ssl_cafile = "{authority}"',
            PASSWORD,
            ["speaks no TLS", "SASL_PLAINTEXT"],
        ),
        ("sasl", SASL.format(mechanism="PLAIN"), "wrong", ["'app'", "LOFTY_GHL_KAFKA_PASSWORD"]),
    ],
)
async def test_each_failure_of_tls_and_sasl_is_told_as_it_is(
    kafka: Guarded, tmp_path: Path, where: str, settings: str, password: str, words: list[str]
) -> None:
    """In one sentence, with the setting; exit code 3."""
    files = settings.replace("{stranger}", str(kafka.stranger)).replace("{authority}", str(kafka.authority))
    server = f'bootstrap_servers = "{getattr(kafka, where)}"\n'
    code, said = await run(tmp_path, server + files, "topics", "show", password=password)
    assert code == 3, said
    assert all(one in said for one in words), said


async def test_a_file_of_authorities_that_is_none_is_a_wrong_configuration(kafka: Guarded, tmp_path: Path) -> None:
    """Missing, a folder, without a certificate, a key in its place, cut off or of other bytes: exit code 2."""
    key = rsa.generate_private_key(65537, 2048)
    closed = serialization.BestAvailableEncryption(b"a password")
    pem = kafka.authority.read_text()
    forms = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    contents = {
        "open-key.pem": key.private_bytes(*forms, serialization.NoEncryption()),
        "closed-key.pem": key.private_bytes(*forms, closed),
        "cut.pem": pem[: len(pem) // 2].encode(),
        "other.pem": pem.replace("M", "!").encode(),
        "der.pem": bytes(range(256)) * 8,
        "nothing.pem": b"",
        "empty.pem": b"nothing",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    for file in (tmp_path / "missing.pem", tmp_path, *(tmp_path / name for name in contents)):
        server = f'bootstrap_servers = "{kafka.tls}"\nsecurity_protocol = "SSL"\nssl_cafile = "{file}"'
        with pytest.raises(KafkaMisconfigured, match=r"kafka\.ssl_cafile"):
            tls_context(Kafka(ssl_cafile=str(file)), KafkaSecrets())
    code, said = await run(tmp_path, server, "topics", "show")
    assert (code, "kafka.ssl_cafile" in said, "empty.pem" in said) == (2, True, True), said
    # `doctor` goes on to the vendors, and ends with 3 where a machine reaches none.
    for command, expected in (("gateway", {2}), ("worker", {2}), ("status", {2}), ("doctor", {1, 3})):
        code, said = await run(tmp_path, server, command)
        assert (code in expected, "kafka.ssl_cafile" in said) == (True, True), (command, code, said)


async def test_topics_that_kafka_does_not_make_are_told_each(kafka: Guarded, tmp_path: Path) -> None:
    """Nothing says created that is not: three copies on one broker, and no right."""
    plain = f'bootstrap_servers = "{kafka.plain}"\n'
    code, said = await run(tmp_path, plain + "replication_factor = 3", "topics", "create", prefix="three.")
    assert (code, "INVALID_REPLICATION_FACTOR" in said, "kafka.replication_factor is 3" in said) == (3, True, True), (
        said
    )
    assert "created" not in said
    # For Kafka's metrics a dot and an underscore are the same.
    assert (await run(tmp_path, plain, "topics", "create", prefix="same."))[0] == 0
    code, said = await run(tmp_path, plain, "topics", "create", prefix="same_")
    assert (code, "created" in said, "same_parked: INVALID_TOPIC" in said, "collides" in said) == (3, False, True, True)
    sasl = f'bootstrap_servers = "{kafka.sasl}"\n' + SASL.format(mechanism="PLAIN")
    code, said = await run(tmp_path, sasl, "topics", "create", prefix="noright.")
    assert (code, "User:app no right Describe" in said, "noright." in said) == (3, True, True), said
    kafka.allow(ResourceType.TOPIC, "noright.", AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS, is_prefix=True)
    code, said = await run(tmp_path, sasl, "topics", "create", prefix="noright.")
    assert (code, "User:app needs the right Create" in said, "noright.lofty.changes" in said) == (3, True, True), said
    assert "created" not in said


async def test_topics_that_were_refused_are_made_by_the_same_command_later(kafka: Guarded, tmp_path: Path) -> None:
    """What Kafka accepts is created and reported beside what it refuses; then the rest."""
    prefix = "part."
    sasl = f'bootstrap_servers = "{kafka.sasl}"\n' + SASL.format(mechanism="PLAIN")
    kafka.allow(ResourceType.TOPIC, prefix, AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS, is_prefix=True)
    kafka.allow(ResourceType.TOPIC, prefix + "lofty", AclOperation.CREATE, is_prefix=True)
    code, said = await run(tmp_path, sasl, "topics", "create", prefix=prefix)
    assert (code, "created part.lofty.changes" in said, "created part.parked" in said) == (3, True, False), said
    assert "part.parked: " in said
    assert "User:app needs the right Create" in said
    kafka.allow(ResourceType.TOPIC, prefix, AclOperation.CREATE, is_prefix=True)
    code, said = await run(tmp_path, sasl, "topics", "create", prefix=prefix)
    assert (code, "created part.lofty.changes" in said, "created part.parked" in said) == (0, False, True), said
    code, said = await run(tmp_path, sasl, "topics", "create", prefix=prefix)
    assert (code, "nothing to do" in said) == (0, True), said


async def test_a_missing_right_on_the_group_is_one_line_and_an_end(kafka: Guarded, tmp_path: Path) -> None:
    """And with the rights of deploy/kafka-acls.md the worker starts, and ends when it is asked to."""
    prefix = "acl."
    sasl = f'bootstrap_servers = "{kafka.sasl}"\n' + SASL.format(mechanism="PLAIN")
    assert (await run(tmp_path, f'bootstrap_servers = "{kafka.plain}"', "topics", "create", prefix=prefix))[0] == 0
    rights = (AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE)
    kafka.allow(ResourceType.TOPIC, prefix, *rights, is_prefix=True)
    code, said = await run(tmp_path, sasl, "worker", prefix=prefix)
    assert (code, "on the group acl." in said, "right Read" in said) == (3, True, True), said
    kafka.allow(ResourceType.GROUP, prefix, AclOperation.READ, is_prefix=True)
    code, said = await run(tmp_path, sasl, "topics", "show", prefix=prefix)
    assert code == 0, said
