"""A real Kafka with one listener for each door: SCRAM over TLS, certificates of clients (mutual TLS), and tokens (OAUTHBEARER).

Its own validator checks the tokens, with the keys of a token server. Sessions at the doors with SASL last a few seconds, as
`connections.max.reauth.ms` makes them. Nobody has a right by themselves, as at `guarded.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import AdminClient, ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from tests.deadlines import within
from tests.kafka.guarded import PASSWORD, Authority, Granting, listening
from tests.kafka.node import KafkaNode, free_ports
from tests.kafka.token_server import AUDIENCE, ISSUER, TokenServer, token_server

SESSION_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Doors(Granting):
    """Where each door is. `authority` signs the certificates of brokers and clients; its own lies in `authority_file`."""

    scram: str
    mtls: str
    oauth: str
    authority: Authority
    authority_file: Path
    tokens: TokenServer


@contextmanager
def kafka_with_doors() -> Iterator[Doors]:
    """Run one."""
    authority = Authority("the tests")
    scram, mtls, oauth = free_ports(3)
    with token_server() as tokens:
        keys = f"{tokens.url}/keys"
        allowed = f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={keys}"
        node = KafkaNode(60_000, lambda folder: _properties(folder, authority, keys), jvm=(allowed,))
        listeners = {"SCRAM": (scram, "SASL_SSL"), "MTLS": (mtls, "SSL"), "OAUTH": (oauth, "SASL_SSL")}
        with listening(node, listeners):
            _let_in("app", node.bootstrap)
            places = (f"127.0.0.1:{port}" for port in (node.port, scram, mtls, oauth))
            yield Doors(node, *places, authority, node.directory / "ca.pem", tokens)


def _let_in(user: str, bootstrap: str) -> None:
    client = AdminClient({"bootstrap.servers": bootstrap})
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    made = UserScramCredentialUpsertion(user, info, PASSWORD.encode())
    for future in client.alter_user_scram_credentials([made]).values():
        future.result(within(30))


def _properties(folder: Path, authority: Authority, keys: str) -> str:
    (folder / "ca.pem").write_text(authority.pem)
    (folder / "broker.pem").write_text(authority.sign("127.0.0.1"))
    bearer = "listener.name.oauth.oauthbearer"
    packages = "org.apache.kafka.common.security"
    stores = "".join(
        f"listener.name.{name}.ssl.keystore.type=PEM\nlistener.name.{name}.ssl.keystore.location={folder}/broker.pem\n"
        for name in ("scram", "mtls", "oauth")
    )
    return f"""
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
{stores}
listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.scram.scram-sha-512.sasl.jaas.config={packages}.scram.ScramLoginModule required;
listener.name.scram.scram-sha-512.connections.max.reauth.ms={int(SESSION_SECONDS * 1000)}
listener.name.mtls.ssl.client.auth=required
listener.name.mtls.ssl.truststore.type=PEM
listener.name.mtls.ssl.truststore.location={folder}/ca.pem
listener.name.oauth.sasl.enabled.mechanisms=OAUTHBEARER
{bearer}.sasl.jaas.config={packages}.oauthbearer.OAuthBearerLoginModule required;
{bearer}.sasl.server.callback.handler.class={packages}.oauthbearer.OAuthBearerValidatorCallbackHandler
{bearer}.sasl.oauthbearer.jwks.endpoint.url={keys}
{bearer}.sasl.oauthbearer.expected.audience={AUDIENCE}
{bearer}.sasl.oauthbearer.expected.issuer={ISSUER}
{bearer}.connections.max.reauth.ms={int(SESSION_SECONDS * 1000)}
"""
