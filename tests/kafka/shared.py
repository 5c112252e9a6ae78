"""One real Kafka for all processes of a run: whoever asks first has it started, and it ends with the run.

The process that hands out the tests owns it, and listens on a socket whose path its workers are given. Each started a Java
of its own before, which cost as much processor time as a third of their tests.
"""

from __future__ import annotations

import json
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.kafka.broker import Broker, real_broker
from tests.kafka.real import NoKafkaError, real_kafka


@contextmanager
def shared_kafka(environ: Mapping[str, str]) -> Iterator[str]:
    """Offer a real Kafka, as long as the block lasts; yields the path that `ask` takes. Nothing is started before."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="shared-kafka-"))
        path = str(Path(folder) / "socket")
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(path)
        listener.listen()
        serving = threading.Thread(target=_serve, args=(listener, stack, environ), name="shared Kafka", daemon=True)
        serving.start()
        try:
            yield path
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            serving.join()


def ask(path: str) -> Broker:
    """The real Kafka that is offered there. Raises `NoKafkaError` when none can be had, RuntimeError when it did not start."""
    with socket.socket(socket.AF_UNIX) as asking, asking.makefile("rb") as answer:
        asking.connect(path)
        told = json.loads(answer.read() or b'{"failed": "whoever offered it has ended"}')
    if missing := told.get("missing"):
        raise NoKafkaError(missing)
    if failed := told.get("failed"):
        raise RuntimeError(f"the shared Kafka did not start: {failed}")
    return real_broker(told["bootstrap"], told["origin"])


def _serve(listener: socket.socket, stack: ExitStack, environ: Mapping[str, str]) -> None:
    told: dict[str, str] = {}
    while True:
        try:
            asking, _ = listener.accept()
        except OSError:  # it is over
            return
        with asking:
            if not told:
                try:
                    found = stack.enter_context(real_kafka(environ))
                    told = {"bootstrap": found.bootstrap, "origin": found.origin}
                except NoKafkaError as error:
                    told = {"missing": str(error)}
                except Exception as error:
                    told = {"failed": repr(error)}
            asking.sendall(json.dumps(told).encode())
