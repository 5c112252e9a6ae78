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

from streams.kafka.certificates import describe_certificate, subject_of
from streams.kafka.refusals import NoToken
from streams.kafka.tokens import claims_shown
from streams.settings import Kafka

HOSTNAME_MISMATCH = 62
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH; 64 is that of an IP address."""

CERTIFICATE_REFUSALS = (
    "CERTIFICATE_REQUIRED",
    "CERTIFICATE_UNKNOWN",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_REVOKED",
    "BAD_CERTIFICATE",
    "UNSUPPORTED_CERTIFICATE",
    "UNKNOWN_CA",
)
"""How OpenSSL's reasons end when the other side does not take our certificate, or misses one."""


def connection_trouble(error: BaseException, kafka: Kafka, server: str) -> str:
    """Why a broker at `server` cannot be used."""
    is_tls, protocol = kafka.security_protocol.endswith("SSL"), kafka.security_protocol
    if isinstance(error, KafkaConnectionError) and isinstance(error.__cause__, ssl.SSLError):
        error = error.__cause__  # TLS 1.3 refuses our certificate only at the first request
    if isinstance(error, ssl.SSLError) and (error.reason or "").endswith(CERTIFICATE_REFUSALS):
        return f"{server}: {_certificate_trouble(error, kafka)}"
    match error:
        case NoToken():
            return str(error)
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
        case SaslAuthenticationFailed() if kafka.sasl_mechanism == "OAUTHBEARER":
            return f"{server}: {_token_trouble(error, kafka)}"
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


def _certificate_trouble(error: ssl.SSLError, kafka: Kafka) -> str:
    if kafka.ssl_certfile is None:
        return (
            f"the broker requires a client certificate ({_reason(error)}). Set kafka.ssl_certfile and kafka.ssl_keyfile"
        )
    return (
        f"the broker refused our certificate ({_reason(error)}): kafka.ssl_certfile {kafka.ssl_certfile!r} "
        f"{describe_certificate(kafka.ssl_certfile)}. The broker's truststore must hold who signed it"
    )


def _token_trouble(error: BaseException, kafka: Kafka) -> str:
    claims = claims_shown(kafka)
    held = ", ".join(f"{name} {claims[name]}" for name in ("iss", "aud", "sub", "scope") if name in claims)
    shown = f"of {held}" if held else "which is no JWT"
    source = "kafka.oauth_file" if kafka.oauth_file else f"kafka.oauth_endpoint {kafka.oauth_endpoint}"
    return (
        f"the broker refused our token ({_reason(error)}) from {source}, {shown}. The "
        "listener must expect its issuer, audience and scope, and know the key that signed it"
    )


def missing_right(kafka: Kafka, right: str, topics: Sequence[str]) -> str:
    """The text for a missing right on some topics."""
    more = f" and {len(topics) - 1} more" if len(topics) > 1 else ""
    return f"Kafka gives {_us(kafka)} no right {right} on the topic {topics[0]}{more} (deploy/kafka-acls.md)"


def _us(kafka: Kafka) -> str:
    name = kafka.sasl_username
    if kafka.sasl_mechanism == "OAUTHBEARER":
        name = claims_shown(kafka).get("sub")
    elif not kafka.sasl_mechanism and kafka.security_protocol == "SSL":
        name = subject_of(kafka.ssl_certfile)
    return f"User:{name}" if name else "our principal"


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
