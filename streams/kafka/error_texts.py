"""Explains Kafka's refusals: what it said, which setting or right is the cause, and how to fix it.

aiokafka raises most of them as one error, "unable to bootstrap", and only logs the reason.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)

from streams.settings import Kafka

HOSTNAME_MISMATCH = 62
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH; 64 is that of an IP address."""


class KafkaMisconfigured(Exception):
    """The configuration cannot be used to connect to any Kafka."""


class KafkaRefused(KafkaError):  # type: ignore[misc]  # aiokafka has no types
    """Kafka, or what listens in its place, refused us. The text says why, and how to fix it."""

    def __str__(self) -> str:
        return " ".join(str(one) for one in self.args)


class TopicsRefused(KafkaError):  # type: ignore[misc]  # the same
    """Topics that Kafka did not create. `refused` has its reason by topic, `created` the topics that it created."""

    def __init__(self, refused: dict[str, str], created: list[str]) -> None:
        self.refused = refused
        self.created = created
        super().__init__("; ".join(f"{name}: {words}" for name, words in refused.items()))


def tls_context(kafka: Kafka) -> ssl.SSLContext:
    """The TLS settings of our clients. Raises `KafkaMisconfigured` for an unusable file of authorities."""
    try:
        return ssl.create_default_context(cafile=kafka.ssl_cafile)
    except ssl.SSLError as error:
        why = f"it holds no certificate in PEM ({error.reason or error})"
    except OSError as error:
        why = error.strerror or type(error).__name__
    raise KafkaMisconfigured(
        f"kafka.ssl_cafile {kafka.ssl_cafile!r} cannot be used: {why}. "
        "Expected: a file with the certificates of the authorities that signed the brokers' certificates"
    ) from None


def connection_trouble(error: BaseException, kafka: Kafka, server: str) -> str:
    """Why a broker at `server` cannot be used."""
    is_tls, protocol = kafka.security_protocol.endswith("SSL"), kafka.security_protocol
    match error:
        case ssl.SSLCertVerificationError() if error.verify_code in (HOSTNAME_MISMATCH, 64):
            return (
                f"{server}: the broker's certificate is for another name ({error.verify_message}). "
                "Use a name of its certificate in kafka.bootstrap_servers, as in advertised.listeners"
            )
        case ssl.SSLCertVerificationError():
            return (
                f"{server}: the broker's certificate is not trusted ({error.verify_message}). "
                "kafka.ssl_cafile must hold the authority that signed it"
                + ("" if kafka.ssl_cafile else "; it is not set, so the system's authorities are used")
            )
        case ssl.SSLError() | ConnectionResetError() | EOFError() if is_tls:
            return (
                f"{server}: the TLS handshake failed ({_reason(error)}): this listener speaks no TLS, or requires a "
                f"client certificate. kafka.security_protocol is {protocol}; a listener without TLS needs "
                f"{protocol.replace('SASL_SSL', 'SASL_PLAINTEXT') if protocol == 'SASL_SSL' else 'PLAINTEXT'}"
            )
        case UnsupportedSaslMechanismError():
            return (
                f"{server}: the broker does not support kafka.sasl_mechanism {kafka.sasl_mechanism} ({_reason(error)}). "
                "Its sasl.enabled.mechanisms lists those that it supports"
            )
        case IllegalSaslStateError():
            return (
                f"{server}: this listener does not use SASL (ILLEGAL_SASL_STATE), but kafka.sasl_mechanism {kafka.sasl_mechanism} is "
                "set. Remove it, or choose a listener with SASL"
            )
        case SaslAuthenticationFailed():
            return (
                f"{server}: the broker rejected the user {kafka.sasl_username!r} with its password ({_reason(error)}). "
                "Check kafka.sasl_username and LOFTY_GHL_KAFKA_PASSWORD"
            )
        case socket.gaierror():
            return f"{server}: the host name cannot be resolved ({error.strerror}). Check kafka.bootstrap_servers"
        case ConnectionRefusedError():
            return f"{server}: connection refused. Is Kafka running, and is kafka.bootstrap_servers right?"
        case TimeoutError():
            return (
                f"{server}: no answer in time. Is a firewall in between, or kafka.security_protocol ({protocol}) wrong?"
            )
        case KafkaConnectionError() | ConnectionError() | EOFError():
            takes = (
                "SASL or TLS"
                if protocol == "PLAINTEXT"
                else "TLS"
                if protocol == "SASL_PLAINTEXT"
                else "something else"
            )
            return (
                f"{server}: the broker closed the connection without an answer. A listener that requires {takes} does so: "
                f"kafka.security_protocol is {protocol}"
            )
        case _:
            return f"{server}: {_reason(error)}"


def missing_right(kafka: Kafka, right: str, topics: Sequence[str]) -> str:
    """The text for a missing right on some topics."""
    more = f" and {len(topics) - 1} more" if len(topics) > 1 else ""
    return f"Kafka gives {_us(kafka)} no right {right} on the topic {topics[0]}{more} (deploy/kafka-acls.md)"


def _us(kafka: Kafka) -> str:
    return f"User:{kafka.sasl_username}" if kafka.sasl_username else "our principal"


def rights_trouble(error: KafkaError, kafka: Kafka, about: str) -> str:
    """Which right is missing, where Kafka says so; otherwise its own words. `about` is the group or topic."""
    who = _us(kafka)
    match error:
        case GroupAuthorizationFailedError():
            return f"Kafka gives {who} no right Read on the group {about} (deploy/kafka-acls.md)"
        case TopicAuthorizationFailedError():
            return f"Kafka gives {who} no right on {about}: it needs Read, Write and Describe (deploy/kafka-acls.md)"
        case ClusterAuthorizationFailedError():
            return f"Kafka gives {who} no right on the cluster for {about}: it needs IdempotentWrite or Create (deploy/kafka-acls.md)"
        case _:
            return _reason(error)


def topic_trouble(code_error: type[KafkaError], said: str | None, kafka: Kafka) -> str:
    """Why Kafka did not create a topic."""
    name = getattr(code_error, "message", code_error.__name__)
    words = f"{name}: {said}" if said else str(name)
    who = _us(kafka)
    match name:
        case "TOPIC_AUTHORIZATION_FAILED" | "CLUSTER_AUTHORIZATION_FAILED":
            return f"{words}. {who} needs the right Create on it, or on the cluster (deploy/kafka-acls.md)"
        case "INVALID_REPLICATION_FACTOR":
            return f"{words}. kafka.replication_factor is {kafka.replication_factor}: there must be as many brokers"
        case "INVALID_PARTITIONS" | "POLICY_VIOLATION":
            return (
                f"{words}. kafka.partitions is {kafka.partitions}, kafka.replication_factor {kafka.replication_factor}"
            )
        case _:
            return words


def _reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason
    said = " ".join(one for one in error.args if isinstance(one, str))  # aiokafka puts connections among them, too
    return said or str(getattr(error, "message", "") or type(error).__name__)
