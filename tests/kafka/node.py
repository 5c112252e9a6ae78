"""One real Apache Kafka node (KRaft, broker and controller in one JVM) on this machine's loopback.

    with KafkaNode() as node:
        node.bootstrap          # "127.0.0.1:21733"
        node.kill()             # SIGKILL, as a machine that loses power
        node.start()            # the same port, the same data

A node is a fresh directory: its topics die with it. It dies with the process that made it, however that ends: a watcher
holds the read end of a pipe whose write end only this process has, and acts when the pipe closes.
"""

from __future__ import annotations

import base64
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.deadlines import within
from tests.kafka.jars import kafka_jars

JVM = (
    "java",
    "-Xmx768m",
    "-XX:+UseSerialGC",  # one small heap, two cores: the least memory and the quickest start
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dlog4j2.statusLoggerLevel=OFF",
)
START_SECONDS = within(120)
STOP_SECONDS = within(20)
PORTS = range(19_000, 32_000)
"""Below the range that the system hands out by itself, so that nobody takes the port of a node that is down."""

WATCHER = 'cat >/dev/null; kill -9 "$1" 2>/dev/null; rm -rf "$2"'


class KafkaNode:
    """A Kafka that can be started, stopped, killed and started again on the same port with the same data.

    `session_ms` is how long it may keep silent before it counts as dead: short for who kills it, long for who keeps it busy.
    `extra` gives more properties, for the folder in which files of theirs may lie. A node of several (`cluster.py`) is given its
    `ports` (broker, controller), and the id of their cluster. `jvm` are more options of Java.
    """

    def __init__(
        self,
        session_ms: int = 2500,
        extra: Callable[[Path], str] | None = None,
        *,
        ports: tuple[int, int] | None = None,
        cluster_id: str | None = None,
        jvm: tuple[str, ...] = (),
    ) -> None:
        self.port, controller = ports if ports is not None else free_ports(2)
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.start_seconds = START_SECONDS
        self.directory = Path(tempfile.mkdtemp(prefix="kafka-node-"))
        self.log = self.directory / "kafka.log"
        self._jars = kafka_jars()
        self._jvm = (*JVM, *jvm)
        self._properties = self.directory / "server.properties"
        properties = _properties(self.port, controller, self.directory / "log", session_ms)
        self._properties.write_text(properties + (extra(self.directory) if extra is not None else ""))
        self._java: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._format(cluster_id if cluster_id is not None else new_cluster_id())

    @property
    def pid(self) -> int:
        """Of the running JVM. Raises RuntimeError when the node is down."""
        if self._java is None:
            raise RuntimeError("the node is not running")
        return self._java.pid

    def start(self) -> None:
        """Return once the node answers a metadata request and every partition has its leader."""
        if self._java is not None:
            raise RuntimeError("the node is running already")
        with self.log.open("ab") as log:
            self._java = subprocess.Popen(
                [*self._jvm, "-cp", f"{self._jars}/*", "kafka.Kafka", str(self._properties)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests; they stop the node
            )
        self._watcher = subprocess.Popen(
            ["sh", "-c", WATCHER, "kafka-watcher", str(self._java.pid), str(self.directory)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        wait_until_ready(self.bootstrap, self.start_seconds, self._check)

    def stop(self) -> None:
        """Shut down in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End without any order, as a machine that loses power (what the system has not yet flushed is kept)."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Shut down in good order, and come back with the same port and data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End for good and remove the data."""
        if self._java is not None:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _end(self, how: signal.Signals) -> None:
        java, watcher = self._java, self._watcher
        if java is None:
            return
        if watcher is not None:  # first of all: later it could kill a stranger that was given the same process id
            watcher.kill()
            watcher.wait()
            assert watcher.stdin is not None
            watcher.stdin.close()
        java.send_signal(how)
        try:
            java.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            java.kill()
            java.wait()
        self._java = self._watcher = None

    def _format(self, cluster: str) -> None:
        tool = ("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._properties))
        done = subprocess.run(
            [*JVM, "-cp", f"{self._jars}/*", *tool], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        if done.returncode != 0:
            self.close()
            raise RuntimeError(f"Kafka could not format its storage:\n{done.stdout.decode()[-2000:]}")

    def _check(self) -> None:
        assert self._java is not None
        code = self._java.poll()
        if code is not None:
            raise RuntimeError(f"Kafka ended with {code} while starting:\n{self.log.read_text()[-2000:]}")


def new_cluster_id() -> str:
    """The id of a cluster that there was not before."""
    # A first byte of zero makes it begin with an A: one that begins with a dash is taken for an option.
    return base64.urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")


def wait_until_ready(bootstrap: str, within_seconds: float, check: Callable[[], None] = lambda: None) -> None:
    """Return once a metadata request is answered and every partition has its leader. `check` raises to give up early."""
    host, port = bootstrap.rsplit(":", 1)
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        check()
        if _answers(host, int(port)) and _is_ready(bootstrap):
            return
        time.sleep(0.05)
    raise RuntimeError(f"Kafka at {bootstrap} is not ready after {within_seconds:.0f} s")


def _is_ready(bootstrap: str) -> bool:
    """Whether the broker is one of its own cluster's brokers, and all partitions are led."""
    try:
        metadata = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=within(5))
    except KafkaException:
        return False
    led = all(p.leader >= 0 for topic in metadata.topics.values() for p in topic.partitions.values())
    return bool(metadata.brokers) and led


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=within(1)).close()
    except OSError:
        return False
    return True


def free_ports(number: int) -> list[int]:
    """Ports of the loopback that nobody listens on."""
    found: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == number:
            return found
    raise RuntimeError(f"no free port from {PORTS.start} to {PORTS.stop - 1}")


def _properties(port: int, controller: int, logs: Path, session_ms: int) -> str:
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={logs}
# One node: nothing is replicated. Few internal partitions: a quicker start.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# After a kill the node cannot register again until its old session has ended; its own controller fences a node that is
# too busy to report for so long.
broker.session.timeout.ms={session_ms}
broker.heartbeat.interval.ms=500
# A test's consumer is given its partitions at once.
group.initial.rebalance.delay.ms=0
# The chaos suite kills many: short sessions save its time.
group.min.session.timeout.ms=1000
# As in production: whoever forgets a topic hears of it.
auto.create.topics.enable=false
"""
