"""A real Kafka that asks who we are: listeners with TLS and SASL, and an authorizer that gives nobody a right by itself.

The plain listener's clients are `User:ANONYMOUS`, who may do everything, as the tests that give rights must.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.deadlines import within
from tests.kafka.node import KafkaNode, free_ports

PASSWORD, ADMIN_PASSWORD = "secret-of-the-app", "secret-of-the-admin"


@dataclass(frozen=True, slots=True)
class Granting:
    """A broker that gives rights. At `plain` everybody may do everything."""

    node: KafkaNode
    plain: str

    def allow(
        self, kind: ResourceType, name: str, *operations: AclOperation, is_prefix: bool = False, user: str = "app"
    ) -> None:
        """Give a user rights; returns once the broker knows of them."""
        client = AdminClient({"bootstrap.servers": self.plain})  # its futures end with it
        rights = [_right(AclBinding, kind, name, one, is_prefix, user) for one in operations]
        for future in client.create_acls(rights).values():
            future.result(within(30))
        self._until(client, lambda known: set(rights) <= known)

    def take(self, kind: ResourceType, name: str, operation: AclOperation, *, is_prefix: bool, user: str) -> None:
        """Take one right away; returns once the broker knows of it."""
        client = AdminClient({"bootstrap.servers": self.plain})
        wanted = _right(AclBindingFilter, kind, name, operation, is_prefix, user)
        for future in client.delete_acls([wanted]).values():
            assert len(future.result(within(30))) == 1
        self._until(client, lambda known: _right(AclBinding, kind, name, operation, is_prefix, user) not in known)

    def _until(self, client: AdminClient, claim: Callable[[set[AclBinding]], bool]) -> None:
        """The controller decides about rights, and the broker hears of it a little later."""
        everything = AclBindingFilter(
            *(ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY)
        )
        deadline = time.monotonic() + within(30)
        while not claim(set(client.describe_acls(everything).result(within(30)))):
            assert time.monotonic() < deadline, "the broker does not hear of the rights"
            time.sleep(0.02)


@dataclass(frozen=True, slots=True)
class Guarded(Granting):
    """Where it listens: `sasl` with SASL (PLAIN) and no TLS, `tls` with TLS, for the name 127.0.0.1, `other` with another's,
    `expired` with one whose time is over.

    `authority` is the file of the authority that signed its certificates, `stranger` one of another.
    """

    sasl: str
    tls: str
    other: str
    expired: str
    authority: Path
    stranger: Path


def _right(make: Any, kind: ResourceType, name: str, operation: AclOperation, is_prefix: bool, user: str) -> Any:
    pattern = ResourcePatternType.PREFIXED if is_prefix else ResourcePatternType.LITERAL
    return make(kind, name, pattern, f"User:{user}", "*", operation, AclPermissionType.ALLOW)


@contextmanager
def guarded_kafka() -> Iterator[Guarded]:
    """Run one."""
    sasl, tls, other, expired = free_ports(4)
    node = KafkaNode(60_000, lambda folder: _properties(folder))
    listeners = {
        "SASL": (sasl, "SASL_PLAINTEXT"),
        "TLS": (tls, "SSL"),
        "OTHER": (other, "SSL"),
        "EXPIRED": (expired, "SSL"),
    }
    with listening(node, listeners):
        folder = node.directory
        places = (f"127.0.0.1:{port}" for port in (node.port, sasl, tls, other, expired))
        yield Guarded(node, *places, folder / "ca.pem", folder / "stranger.pem")


@contextmanager
def listening(node: KafkaNode, more: dict[str, tuple[int, str]]) -> Iterator[None]:
    """Run a node with more listeners: the port and the protocol of each, by its name."""
    node.start_seconds = 180.0
    text = node._properties.read_text()
    advertised = ",".join(
        [f"PLAINTEXT://127.0.0.1:{node.port}", *(f"{name}://127.0.0.1:{port}" for name, (port, _) in more.items())]
    )
    protocols = "".join(f",{name}:{protocol}" for name, (_, protocol) in more.items())
    lines = [
        f"listeners={advertised},{_controller(text)}"
        if line.startswith("listeners=")
        else f"advertised.listeners={advertised}"
        if line.startswith("advertised.listeners=")
        else line + protocols
        if line.startswith("listener.security.protocol.map=")
        else line
        for line in text.splitlines()
    ]
    node._properties.write_text("\n".join(lines) + "\n")
    with node:
        yield


def _controller(text: str) -> str:
    line = next(one for one in text.splitlines() if one.startswith("listeners="))
    return line.rpartition(",")[2]


def _properties(folder: Path) -> str:
    authority = Authority("the tests")
    (folder / "ca.pem").write_text(authority.pem)
    (folder / "stranger.pem").write_text(Authority("somebody else").pem)
    for name, host in (("tls", "127.0.0.1"), ("other", "10.9.8.7"), ("expired", "127.0.0.1")):
        (folder / f"{name}.pem").write_text(authority.sign(host, is_over=name == "expired"))
    users = f'user_admin="{ADMIN_PASSWORD}" user_app="{PASSWORD}"'
    login = "org.apache.kafka.common.security.plain.PlainLoginModule"
    return f"""
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
listener.name.sasl.sasl.enabled.mechanisms=PLAIN
listener.name.sasl.plain.sasl.jaas.config={login} required {users};
listener.name.tls.ssl.keystore.type=PEM
listener.name.tls.ssl.keystore.location={folder}/tls.pem
listener.name.other.ssl.keystore.type=PEM
listener.name.other.ssl.keystore.location={folder}/other.pem
listener.name.expired.ssl.keystore.type=PEM
listener.name.expired.ssl.keystore.location={folder}/expired.pem
"""


class Authority:
    """Signs certificates. `pem` is its own."""

    def __init__(self, name: str) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        made = _certificate(self._name, self._name, self._key.public_key())
        made = made.add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True)
        self.pem = made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def sign(self, host: str, *, is_over: bool = False, password: str = "") -> str:
        """A private key and a certificate for a host, or for a client's name."""
        key = rsa.generate_private_key(65537, 2048)
        made = _certificate(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]), self._name, key.public_key())
        if is_over:
            made._not_valid_before -= datetime.timedelta(days=30)  # type: ignore[operator]  # it is set
            made._not_valid_after -= datetime.timedelta(days=30)  # type: ignore[operator]  # the same
        if host[0].isdigit():
            made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), False)
        lock = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
        certificate = made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        return (secret + certificate).decode() + self.pem


def _certificate(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
    )
