"""How all our clients reach Kafka: the one translation of the settings, for aiokafka and for Faust."""

from __future__ import annotations

import ssl
from typing import Any

import faust

from streams.kafka import connection  # noqa: F401  # it replaces aiokafka's connections
from streams.kafka.tls import tls_context
from streams.kafka.tokens import token_source
from streams.settings import Kafka, Settings
from streams.settings.model import KafkaSecrets

RETRY_BACKOFF_MS = 250
"""How long aiokafka's loops pause after a failure. With its own 0.1 s a process is busier without a broker than with one."""


def client_options(settings: Settings) -> dict[str, Any]:
    """The connection options of an aiokafka client. Raises `KafkaMisconfigured` for a file that cannot be used."""
    return options_of(settings.kafka, settings.kafka_secrets)


def options_of(kafka: Kafka, secrets: KafkaSecrets) -> dict[str, Any]:
    """The same, from the Kafka settings alone."""
    options: dict[str, Any] = {
        "bootstrap_servers": kafka.bootstrap_servers,
        "security_protocol": kafka.security_protocol,
        "retry_backoff_ms": RETRY_BACKOFF_MS,
    }
    if (context := _context(kafka, secrets)) is not None:
        options["ssl_context"] = context
    if kafka.sasl_mechanism:
        options["sasl_mechanism"] = kafka.sasl_mechanism
        if kafka.sasl_mechanism == "OAUTHBEARER":
            options["sasl_oauth_token_provider"] = token_source(kafka, secrets)
        else:
            options["sasl_plain_username"] = kafka.sasl_username
            options["sasl_plain_password"] = _password(secrets)
    return options


def faust_options(settings: Settings) -> dict[str, Any]:
    """The connection options of a Faust app. Raises `KafkaMisconfigured`."""
    kafka, secrets = settings.kafka, settings.kafka_secrets
    options: dict[str, Any] = {"broker": [f"kafka://{server.strip()}" for server in kafka.bootstrap_servers.split(",")]}
    context = _context(kafka, secrets)
    if kafka.sasl_mechanism == "OAUTHBEARER":
        options["broker_credentials"] = faust.auth.OAuthCredentials(
            oauth_cb=token_source(kafka, secrets), ssl_context=context
        )
    elif kafka.sasl_mechanism:
        options["broker_credentials"] = faust.SASLCredentials(
            username=kafka.sasl_username,
            password=_password(secrets),
            mechanism=faust.types.auth.SASLMechanism(kafka.sasl_mechanism),
            ssl_context=context,
        )
    elif context is not None:
        options["broker_credentials"] = faust.SSLCredentials(context)
    return options


def _context(kafka: Kafka, secrets: KafkaSecrets) -> ssl.SSLContext | None:
    return tls_context(kafka, secrets) if kafka.security_protocol.endswith("SSL") else None


def _password(secrets: KafkaSecrets) -> str | None:
    return secrets.password.get_secret_value() if secrets.password else None
