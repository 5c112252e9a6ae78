"""The credentials that a command requires and the environment lacks, each with its variable; and what of Kafka's settings does not fit. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from streams.settings.console import ConsoleSecrets
from streams.settings.model import CONNECTION_SECRETS, Kafka, KafkaSecrets, Secrets
from streams.settings.oauth import OAuthSecrets
from streams.settings.problems import Problem
from streams.settings.secrets import (
    CONSOLE_KEY,
    GHL_CLIENT_SECRET,
    KAFKA_CLIENT_SECRET,
    KAFKA_KEY_PASSWORD,
    KAFKA_PASSWORD,
    LOFTY_CLIENT_SECRET,
    SECRETS_DIR,
    TOKEN_KEYS,
    variable,
)

ALL_SECRETS = (*CONNECTION_SECRETS, "console_key")
"""What all processes of a deployment need together. `console_key` is required where the console is enabled."""


@dataclass(frozen=True, slots=True)
class SecretsOwner:
    """A connection's credentials: those that it has, and those that OAuth replaces."""

    secrets: Secrets
    by_oauth: Collection[str]


def missing_secrets(
    asked: Collection[str],
    connections: Mapping[str, SecretsOwner],
    oauth: OAuthSecrets,
    console: ConsoleSecrets | None,
    notifications: Iterable[tuple[str, str]] = (),
) -> Iterator[Problem]:
    """Each credential of `asked` (names of `ALL_SECRETS`) that is missing. `console` is None where it is disabled.

    `notifications` are missing variables of recipients, each with a hint: who needs the console's key sends notifications.
    """
    for name, owner in connections.items():
        for secret in asked:
            if secret != "console_key" and getattr(owner.secrets, secret) is None and secret not in owner.by_oauth:
                yield _problem(variable(name, secret))
    by_oauth = {secret for owner in connections.values() for secret in owner.by_oauth if secret in asked}
    if by_oauth and oauth.token_keys is None:
        yield _problem(TOKEN_KEYS, 'make a key with: echo "$(date +%Y%m):$(openssl rand -base64 32)"')
    if "ghl_token" in by_oauth and oauth.ghl_client_secret is None:
        yield _problem(GHL_CLIENT_SECRET, "it is in GHL's marketplace portal")
    if "lofty_api_key" in by_oauth and oauth.lofty_client_secret is None:
        yield _problem(LOFTY_CLIENT_SECRET, "it is in Lofty's developer portal")
    if "console_key" in asked:
        for name, hint in notifications:
            yield _problem(name, hint)
    if "console_key" in asked and console is not None and not console.keys:
        yield _problem(CONSOLE_KEY, "make one with: openssl rand -base64 32")


def _problem(name: str, hint: str = "") -> Problem:
    where = f"set it, or {name}_FILE to a file that holds it, or put a file with this name into {SECRETS_DIR}"
    return Problem(None, name, "a credential", "nothing", f"{where}; {hint}" if hint else where)


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
