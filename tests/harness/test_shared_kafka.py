"""Two processes of a run share one real Kafka, which nobody starts who does not ask."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from confluent_kafka.admin import AdminClient

from tests.deadlines import within
from tests.kafka.jars import why_unavailable
from tests.kafka.shared import ask, shared_kafka

ASK = "import sys; from tests.kafka.shared import ask; print(ask(sys.argv[1]).bootstrap)"


def test_where_none_can_be_had_each_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a test that starts its own is."""
    from tests.kafka import real, shared

    monkeypatch.setattr(real, "engine_answers", lambda: False)
    monkeypatch.setattr(real, "why_unavailable", lambda: "there is no Java")
    with shared_kafka({}) as path:
        for _ in range(2):
            with pytest.raises(shared.NoKafkaError, match="there is no Java"):
                ask(path)


def test_one_that_is_given_is_handed_on() -> None:
    """Nothing is started then."""
    with shared_kafka({"KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9092"}) as path:
        assert [ask(path).bootstrap for _ in range(2)] == ["kafka.example:9092"] * 2


def test_one_that_does_not_start_fails_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """And does not let it wait."""
    from tests.kafka import real

    monkeypatch.setattr(real, "engine_answers", lambda: 1 / 0)
    with shared_kafka({}) as path, pytest.raises(RuntimeError, match="ZeroDivisionError"):
        ask(path)


@pytest.mark.thorough
@pytest.mark.skipif(why_unavailable() is not None, reason=f"no Kafka with Java: {why_unavailable()}")
def test_processes_share_one_and_it_ends_with_the_run() -> None:
    """Both are told the same address; after the block nobody answers there."""
    with shared_kafka(os.environ) as path:
        asking = [
            subprocess.Popen([sys.executable, "-c", ASK, path], stdout=subprocess.PIPE, text=True) for _ in range(2)
        ]
        told = {one.communicate(timeout=within(120))[0].strip() for one in asking}
        assert len(told) == 1
        (bootstrap,) = told
        assert AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=within(10)).brokers
    if "KAFKA_BOOTSTRAP_SERVERS" not in os.environ:
        with pytest.raises(Exception, match=r"_TRANSPORT|_TIMED_OUT"):
            AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=1)
