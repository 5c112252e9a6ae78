"""TLS to Kafka: files that change are taken by the next connection, and a file that cannot be used is named."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest

from streams.kafka.refusals import KafkaMisconfigured
from streams.kafka.tls import tls_context
from streams.settings.model import Kafka, KafkaSecrets
from tests.kafka.guarded import Authority

AUTHORITY = Authority("the tests")
SECRETS = KafkaSecrets.model_validate({"key_password": "of-the-key"})


@pytest.fixture
def kafka(tmp_path: Path) -> Kafka:
    (tmp_path / "ca.pem").write_text(AUTHORITY.pem)
    (tmp_path / "app.pem").write_text(AUTHORITY.sign("app", password="of-the-key"))
    own = str(tmp_path / "app.pem")
    return Kafka(security_protocol="SSL", ssl_cafile=str(tmp_path / "ca.pem"), ssl_certfile=own, ssl_keyfile=own)


def whom_the_broker_sees(context: ssl.SSLContext, folder: Path) -> str:
    """The serial number of the certificate that a new connection shows."""
    (folder / "broker.pem").write_text(AUTHORITY.sign("127.0.0.1"))
    wanted = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.pem"))
    wanted.verify_mode = ssl.CERT_REQUIRED
    wanted.load_cert_chain(folder / "broker.pem")
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(down, up, server_hostname="127.0.0.1")
    server = wanted.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    shown = server.getpeercert()
    assert shown is not None
    return str(shown["serialNumber"])


def replaced(file: Path, text: str) -> None:
    """Another file in its place, as who renews certificates does."""
    made = file.with_suffix(".new")
    made.write_text(text)
    os.replace(made, file)


def test_a_renewed_certificate_is_shown_by_the_next_connection(kafka: Kafka, tmp_path: Path) -> None:
    """The clients go on with the context that they have."""
    context = tls_context(kafka, SECRETS)
    first = whom_the_broker_sees(context, tmp_path)
    assert whom_the_broker_sees(context, tmp_path) == first
    replaced(tmp_path / "app.pem", AUTHORITY.sign("app", password="of-the-key"))
    assert whom_the_broker_sees(context, tmp_path) != first


def test_a_half_written_renewal_leaves_what_was_there(
    kafka: Kafka, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is reported once, and what comes after it is taken."""
    context = tls_context(kafka, SECRETS)
    first = whom_the_broker_sees(context, tmp_path)
    replaced(tmp_path / "app.pem", "-----BEGIN")
    assert [whom_the_broker_sees(context, tmp_path) for _ in range(2)] == [first, first]
    assert [one.levelname for one in caplog.records] == ["WARNING"]
    assert "kafka.ssl_certfile" in caplog.text
    replaced(tmp_path / "app.pem", AUTHORITY.sign("app", password="of-the-key"))
    assert whom_the_broker_sees(context, tmp_path) != first


@pytest.mark.parametrize(
    ("content", "password", "setting", "words"),
    [
        (None, "", "kafka.ssl_certfile", "No such file"),
        ("nothing", "", "kafka.ssl_certfile", "no certificate in PEM"),
        (AUTHORITY.pem, "", "kafka.ssl_keyfile", "no private key in PEM"),
        (AUTHORITY.sign("app", password="x"), "", "kafka.ssl_keyfile", "Set LOFTY_GHL_KAFKA_KEY_PASSWORD"),
        (
            AUTHORITY.sign("app", password="x"),
            "y",
            "kafka.ssl_keyfile",
            "LOFTY_GHL_KAFKA_KEY_PASSWORD does not open it",
        ),
    ],
)
def test_a_certificate_that_cannot_be_used_is_named(
    tmp_path: Path, content: str | None, password: str, setting: str, words: str
) -> None:
    """With its setting, and why."""
    file = tmp_path / "app.pem"
    if content is not None:
        file.write_text(content)
    kafka = Kafka(security_protocol="SSL", ssl_certfile=str(file), ssl_keyfile=str(file))
    secrets = KafkaSecrets.model_validate({"key_password": password or None})
    with pytest.raises(KafkaMisconfigured, match=words) as caught:
        tls_context(kafka, secrets)
    assert caught.value.setting == setting
    assert setting in str(caught.value)


def test_a_key_of_another_certificate_is_named(tmp_path: Path) -> None:
    """Both can be read, and do not belong together."""
    for name in ("one", "two"):
        (tmp_path / name).write_text(AUTHORITY.sign("app"))
    kafka = Kafka(security_protocol="SSL", ssl_certfile=str(tmp_path / "one"), ssl_keyfile=str(tmp_path / "two"))
    with pytest.raises(KafkaMisconfigured, match="not the key of the certificate"):
        tls_context(kafka, KafkaSecrets())
