"""One real Kafka for a whole run: xdist's workers are processes of their own, and a JVM for each is memory and warm-up for nothing.

The controller opens it for the first worker that asks, and keeps it until the run ends, so that a worker that dies takes no
Kafka along. A test without xdist opens its own.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.deadlines import within
from tests.kafka.broker import Broker, real_broker
from tests.kafka.container import START_SECONDS
from tests.kafka.real import NoKafkaError, real_kafka

ADDRESS = "lofty-ghl-kafka"
"""The controller's socket, in what xdist passes to its workers."""


class Lender:
    """In the controller: answers each who asks on a socket with where Kafka is, or why there is none."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="lofty-ghl-kafka-"))
        self.address = str(Path(folder) / "socket")
        self._socket = self._stack.enter_context(socket.socket(socket.AF_UNIX))
        self._socket.bind(self.address)
        self._socket.listen()
        self._answer: dict[str, str] | None = None
        self._thread = threading.Thread(target=self._serve, name="lends Kafka", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """No test needs it any longer: end Kafka."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._stack.close()

    def _serve(self) -> None:
        while True:
            try:
                asked, _ = self._socket.accept()
            except OSError:  # closed
                return
            with asked:
                self._answer = self._answer or self._open()
                asked.sendall(json.dumps(self._answer).encode())

    def _open(self) -> dict[str, str]:
        try:
            found = self._stack.enter_context(real_kafka(os.environ))
        except NoKafkaError as error:
            return {"missing": str(error)}
        except Exception as error:
            return {"failed": f"{type(error).__name__}: {error}"}
        return {"bootstrap": found.bootstrap, "origin": found.origin}


@contextmanager
def borrowed_kafka(config: pytest.Config) -> Iterator[Broker]:
    """The run's Kafka, or one of this process. Raises `NoKafkaError` when none can be had."""
    address = getattr(config, "workerinput", {}).get(ADDRESS)
    if address is None:
        with real_kafka(os.environ) as found:
            yield found
        return
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(within(60) + START_SECONDS)
        asking.connect(address)
        answer = json.loads(b"".join(iter(lambda: asking.recv(65536), b"")))
    if "missing" in answer:
        raise NoKafkaError(answer["missing"])
    if "failed" in answer:
        raise RuntimeError(answer["failed"])
    yield real_broker(answer["bootstrap"], answer["origin"])


class LendsKafka:
    """The hooks of xdist's controller."""

    def __init__(self) -> None:
        self._lender = Lender()

    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker whom to ask."""
        node.workerinput[ADDRESS] = self._lender.address

    def pytest_unconfigure(self) -> None:
        """The run is over."""
        self._lender.close()
