"""A consumer that is left open fails the test that left it, and no other."""

from __future__ import annotations

from pathlib import Path

from tests.harness.planted import run

PLANT = """
from aiokafka import AIOKafkaConsumer

def test_before(): pass

async def test_leaves_one():
    kept.append(AIOKafkaConsumer(bootstrap_servers="127.0.0.1:1"))

async def test_closes_it():
    one = AIOKafkaConsumer(bootstrap_servers="127.0.0.1:1")
    kept.append(one)
    await one.stop()

kept = []
"""


def test_the_test_that_leaves_a_consumer_open_fails_by_name(tmp_path: Path) -> None:
    """It says where the consumer was made."""
    found = run(tmp_path, {"test_plant.py": PLANT})

    assert found.names("ERROR") == {"test_plant.py::test_leaves_one"}, found.text
    assert {"test_plant.py::test_before", "test_plant.py::test_closes_it"} <= found.names("PASSED")
    assert not found.names("FAILED"), found.text
    assert "1 Kafka consumers were left open" in found.text
    assert "kept.append(AIOKafkaConsumer" in found.text
