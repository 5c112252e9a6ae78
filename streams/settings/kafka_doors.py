"""Whether the settings of `[kafka]` and its secrets fit together: one of Kafka's doors, and all that it needs. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streams.settings.model import Kafka, KafkaSecrets
from streams.settings.secrets import KAFKA_CLIENT_SECRET, KAFKA_KEY_PASSWORD, KAFKA_PASSWORD

OAUTH_KEYS = ("oauth_endpoint", "oauth_client_id", "oauth_scope", "oauth_cafile", "oauth_file", "oauth_extensions")
OF_ENDPOINT = ("oauth_client_id", "oauth_scope", "oauth_cafile")


@dataclass(frozen=True, slots=True)
class Misfit:
    """A setting (a key of `[kafka]`) or a variable of the environment that is missing, or that has no use here."""

    where: str
    is_setting: bool
    expected: str
    got: str = "nothing"
    hint: str = ""


def misfits(kafka: Kafka, secrets: KafkaSecrets) -> Iterator[Misfit]:
    """What does not fit, or is missing."""
    yield from _of_certificate(kafka, secrets)
    is_sasl, mechanism = kafka.security_protocol.startswith("SASL"), kafka.sasl_mechanism
    if mechanism is not None and not is_sasl:
        expected = f"SASL_SSL or SASL_PLAINTEXT, as sasl_mechanism is {mechanism}"
        yield Misfit("security_protocol", True, expected, kafka.security_protocol)
        return
    if mechanism == "OAUTHBEARER":
        yield from _of_oauth(kafka, secrets)
        return
    for key in OAUTH_KEYS:
        if getattr(kafka, key):
            hint = "it has no use otherwise"
            yield Misfit("sasl_mechanism", True, f"OAUTHBEARER, as {key} is set", mechanism or "nothing", hint)
            break
    if is_sasl:
        for key in ("sasl_mechanism", "sasl_username"):
            if getattr(kafka, key) is None:
                yield Misfit(key, True, f"a value, as security_protocol is {kafka.security_protocol}")
        if secrets.password is None:
            yield Misfit(KAFKA_PASSWORD, False, f"a password, as security_protocol is {kafka.security_protocol}")


def _of_certificate(kafka: Kafka, secrets: KafkaSecrets) -> Iterator[Misfit]:
    if kafka.ssl_certfile is None:
        if kafka.ssl_keyfile is not None:
            yield Misfit("ssl_certfile", True, "the certificate's file, as ssl_keyfile is set")
        elif secrets.key_password is not None:
            yield Misfit("ssl_keyfile", True, f"the key's file, as {KAFKA_KEY_PASSWORD} is set")
        return
    if kafka.ssl_keyfile is None:
        hint = "it may be the same file, if that holds both"
        yield Misfit("ssl_keyfile", True, "the file of the private key, as ssl_certfile is set", hint=hint)
    if not kafka.security_protocol.endswith("SSL"):
        yield Misfit("security_protocol", True, "SSL or SASL_SSL, as ssl_certfile is set", kafka.security_protocol)


def _of_oauth(kafka: Kafka, secrets: KafkaSecrets) -> Iterator[Misfit]:
    if kafka.sasl_username is not None:
        expected = "no user, as sasl_mechanism is OAUTHBEARER"
        yield Misfit("sasl_username", True, expected, "a user", "the token says who we are")
    if kafka.oauth_file is not None:
        if kafka.oauth_endpoint is not None:
            yield Misfit("oauth_file", True, "either oauth_endpoint or oauth_file", "both")
        for key in OF_ENDPOINT:
            if kafka.oauth_endpoint is None and getattr(kafka, key) is not None:
                yield Misfit(key, True, "nothing, as the token comes from oauth_file", "a value")
        return
    if kafka.oauth_endpoint is None:
        expected = "the address of a token endpoint, or oauth_file, as sasl_mechanism is OAUTHBEARER"
        yield Misfit("oauth_endpoint", True, expected)
        return
    if kafka.oauth_client_id is None:
        yield Misfit("oauth_client_id", True, "the client's id, as oauth_endpoint is set")
    if secrets.client_secret is None:
        yield Misfit(KAFKA_CLIENT_SECRET, False, "the client's secret, as kafka.oauth_endpoint is set")
