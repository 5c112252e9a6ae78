"""TLS to Kafka: whom we trust, and our own certificate. The files are read again when they change.

A connection keeps what it was opened with: Kafka does not end one whose certificate expires. Each new one takes what is in the
files now, so a certificate is renewed while everything runs.
"""

from __future__ import annotations

import logging
import os
import ssl
from typing import Any, Self

from streams.kafka.certificates import why_unusable
from streams.kafka.refusals import KafkaMisconfigured
from streams.settings import Kafka
from streams.settings.model import KafkaSecrets

log = logging.getLogger("lofty_ghl.kafka")

Stamp = tuple[tuple[int, int, int] | None, ...]


class RenewedContext(ssl.SSLContext):
    """A context that hands each new connection to one that is made of the files as they are now.

    While the files cannot be used (a renewal may be half written), connections are made with what was in them before.
    """

    def __new__(cls, kafka: Kafka, key_password: str | None) -> Self:
        """Raises `KafkaMisconfigured`."""
        made = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        made._kafka, made._key_password = kafka, key_password
        made._stamp = made._refused = made._look()
        made._made = make_context(kafka, key_password)
        return made

    def __init__(self, *_: Any) -> None:
        self._kafka: Kafka
        self._key_password: str | None
        self._stamp: Stamp
        self._refused: Stamp
        self._made: ssl.SSLContext

    def wrap_bio(self, *places: Any, **options: Any) -> ssl.SSLObject:
        """What asyncio asks for a new connection."""
        return self._newest().wrap_bio(*places, **options)

    def _newest(self) -> ssl.SSLContext:
        stamp = self._look()
        if stamp != self._stamp:
            try:
                self._made = make_context(self._kafka, self._key_password)
                self._stamp = stamp
                log.info("the files of Kafka's TLS have changed, and are read again")
            except KafkaMisconfigured as error:
                if stamp != self._refused:
                    self._refused = stamp
                    log.warning("what was read before is used on: %s", error)
        return self._made

    def _look(self) -> Stamp:
        kafka = self._kafka
        return tuple(_stamp(file) for file in (kafka.ssl_cafile, kafka.ssl_certfile, kafka.ssl_keyfile) if file)


def _stamp(file: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def tls_context(kafka: Kafka, secrets: KafkaSecrets) -> ssl.SSLContext:
    """The TLS settings of our clients. Raises `KafkaMisconfigured` for a file that cannot be used."""
    return RenewedContext(kafka, secrets.key_password.get_secret_value() if secrets.key_password else None)


def make_context(kafka: Kafka, key_password: str | None) -> ssl.SSLContext:
    """One made of the files as they are. Raises `KafkaMisconfigured`."""
    context = context_trusting("ssl_cafile", kafka.ssl_cafile, "the brokers' certificates")
    if kafka.ssl_certfile is not None and kafka.ssl_keyfile is not None:
        try:
            # A text in any case: without one OpenSSL would ask at the terminal for the password of a key that has one.
            context.load_cert_chain(kafka.ssl_certfile, kafka.ssl_keyfile, password=key_password or "")
        except (OSError, ValueError):
            setting, why = why_unusable(kafka.ssl_certfile, kafka.ssl_keyfile, key_password)
            raise KafkaMisconfigured(
                f"kafka.{setting} {getattr(kafka, setting)!r} cannot be used: {why}", f"kafka.{setting}"
            ) from None
    return context


def context_trusting(setting: str, file: str | None, what: str) -> ssl.SSLContext:
    """One that trusts the authorities of a file; the system's without one. Raises `KafkaMisconfigured`."""
    try:
        return ssl.create_default_context(cafile=file)
    except ssl.SSLError as error:
        why = f"it holds no certificate in PEM ({error.reason or error})"
    except OSError as error:
        why = error.strerror or type(error).__name__
    raise KafkaMisconfigured(
        f"kafka.{setting} {file!r} cannot be used: {why}. Expected: a file with the certificates of the authorities that signed {what}",
        f"kafka.{setting}",
    )
