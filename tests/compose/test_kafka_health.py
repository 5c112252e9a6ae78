"""Kafka's health check, as docker-compose.yml has it: it passes when the broker answers, and not before."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml

from tests.compose.system import ROOT
from tests.kafka.broker import Broker

SECONDS = 5
"""The check's own timeout, after which Docker counts it as failed."""


def check(port: int) -> int:
    """Run it against a port of this machine, as Docker would; returns its exit code, 124 when it took too long."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    health = compose["services"]["kafka"]["healthcheck"]
    kind, *argv = health["test"]
    assert (kind, health["timeout"]) == ("CMD", f"{SECONDS}s")
    argv[-1] = argv[-1].replace("$$", "$").replace("/dev/tcp/localhost/9092", f"/dev/tcp/127.0.0.1/{port}")
    return subprocess.run(["timeout", str(SECONDS), *argv], capture_output=True, check=False).returncode


@contextmanager
def listening(answer: bytes | None) -> Iterator[int]:
    """A port that takes connections; it answers with these bytes and hangs up, or with None never."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if answer is None:
            yield port
            return
        script = "import socket, sys; c, _ = socket.socket(fileno=0).accept(); c.recv(64); c.sendall(bytes.fromhex(sys.argv[1]))"
        with subprocess.Popen(["python3", "-c", script, answer.hex()], stdin=server) as process:
            yield port
            process.kill()


def test_a_broker_that_answers_is_healthy(real_kafka: Broker) -> None:
    """Apache Kafka itself."""
    assert check(int(real_kafka.bootstrap.rpartition(":")[2])) == 0


@pytest.mark.parametrize(
    "answer",
    [None, b"", b"\0\0\0\x06\0\0\0\x01\0\x23", b"\0\0\0\x06\0\0\0\x02\0\0", b"HTTP/1.1 400 Bad Request\r\n\r\n"],
    ids=["silent", "hangs up", "an error", "to another question", "no Kafka"],
)
def test_what_only_listens_is_not_healthy(answer: bytes | None) -> None:
    """A port that is open proves nothing."""
    with listening(answer) as port:
        assert check(port) != 0


def test_a_closed_port_is_not_healthy() -> None:
    """Nobody is there."""
    with listening(None) as port:
        pass
    assert check(port) != 0


def test_the_check_starts_no_java() -> None:
    """A JVM every few seconds would cost a tenth of a processor."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert re.findall(r"kafka-[a-z-]+\.sh", text) == []
