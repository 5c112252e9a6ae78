"""Which real Kafka the tests get, where a Docker engine answers and has nothing to give."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.kafka.container import kafka_image, why_no_container, why_not_had
from tests.kafka.jars import why_unavailable
from tests.kafka.real import NoKafkaError, real_kafka

NO_REGISTRY = "Get https://registry-1.docker.io/v2/: dial tcp: lookup registry-1.docker.io: no such host"


class _EngineWithoutImages(BaseHTTPRequestHandler):
    """What Docker's API answers on a machine without images and without a registry; seen on 20.10."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.endswith("/_ping"):
            self._answer(200, "OK")
        elif path.endswith("/version"):
            self._answer(200, {"ApiVersion": "1.41", "Version": "20.10.24"})
        else:
            self._answer(404, {"message": "No such image"})

    def do_POST(self) -> None:
        self._answer(500, {"message": NO_REGISTRY})

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: object) -> None:
        return

    def _answer(self, status: int, content: object) -> None:
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def engine_without_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An engine that answers, at the address that `DOCKER_HOST` names."""
    path = str(tmp_path / "docker.sock")
    with socketserver.ThreadingUnixStreamServer(path, _EngineWithoutImages) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        yield
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("engine_without_images")
def test_an_engine_that_cannot_fetch_the_image_says_why() -> None:
    """In the registry's words; for the cleaner of testcontainers, too."""
    for image in (kafka_image(), "testcontainers/ryuk:0.8.1"):
        why = why_not_had(image)
        assert why is not None
        assert f"cannot fetch {image}" in why
        assert "no such host" in why
    assert why_no_container() is not None


@pytest.mark.usefixtures("engine_without_images")
def test_java_is_taken_where_the_engine_has_no_image() -> None:
    """An engine that answers is not enough."""
    if (missing := why_unavailable()) is not None:
        pytest.skip(missing)
    with real_kafka({}) as broker:
        assert broker.origin.endswith("with Java")


@pytest.mark.usefixtures("engine_without_images")
def test_without_java_either_every_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would give one."""
    monkeypatch.setenv("PATH", "/nowhere")
    with (
        pytest.raises(NoKafkaError, match=r"KAFKA_BOOTSTRAP_SERVERS is not set, .* cannot fetch .* no `java`"),
        real_kafka({}),
    ):
        pass
