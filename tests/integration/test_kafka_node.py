"""The node that simulates a machine with Kafka: what it keeps when it is killed, and that it leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from tests.deadlines import within
from tests.kafka.broker import real_broker
from tests.kafka.jars import why_unavailable
from tests.kafka.node import KafkaNode

pytestmark = pytest.mark.thorough

DEADLINE_SECONDS = within(60)

ORPHAN = """\
import os
from tests.kafka.node import KafkaNode
node = KafkaNode()
node.start()
print(node.port, node.directory, flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def node() -> Iterator[KafkaNode]:
    """A node of this test's own."""
    missing = why_unavailable()
    if missing is not None:
        pytest.skip(missing)
    with KafkaNode() as running:
        yield running


async def test_a_killed_node_comes_back_with_its_port_and_data(node: KafkaNode) -> None:
    """What was acknowledged before SIGKILL is there after the next start, for clients of the same address."""
    real_broker(node.bootstrap, "a node").create_topic("kept", 1, {})
    async with AIOKafkaProducer(bootstrap_servers=node.bootstrap, acks="all") as producer:
        await producer.send_and_wait("kept", b"before", partition=0)
    node.kill()
    node.start()
    async with AIOKafkaProducer(bootstrap_servers=node.bootstrap, acks="all") as producer:
        await producer.send_and_wait("kept", b"after", partition=0)
    async with AIOKafkaConsumer(bootstrap_servers=node.bootstrap) as consumer:
        place = TopicPartition("kept", 0)
        ends = await consumer.end_offsets([place])
    assert ends == {place: 2}


def test_a_node_goes_when_its_process_is_killed() -> None:
    """No JVM and no directory stay behind, not even after SIGKILL of whoever started them."""
    missing = why_unavailable()
    if missing is not None:
        pytest.skip(missing)
    done = subprocess.run(
        [sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True, timeout=within(60), check=False
    )
    directory = Path(done.stdout.split()[1])
    deadline = time.monotonic() + DEADLINE_SECONDS
    while directory.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert done.returncode == -9
    assert not directory.exists()
