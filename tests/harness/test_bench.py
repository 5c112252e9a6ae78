"""The benchmarks run: they are no part of any other check, and one had long been sending what the product rightly refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deadlines import within
from tests.kafka.broker import Broker

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["intake", "syncs", "dedupe", "requests"])
def test_a_benchmark_runs(name: str, real_kafka: Broker) -> None:
    """In its small size, on the tests' Kafka. Each counts at the far end what it has sent, and fails if something is missing."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.bench", name, "--quick"],
        cwd=PROJECT,
        env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": real_kafka.bootstrap},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=within(120),
    )

    assert ended.returncode == 0, ended.stdout[-4000:]
    assert "_per_" in ended.stdout
