"""Kafka is opened once for a run, for the first who asks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from tests.kafka import shared
from tests.kafka.broker import Broker, real_broker
from tests.kafka.real import NoKafkaError


def worker(lends: shared.LendsKafka) -> Any:
    """What a worker of xdist knows."""
    node = SimpleNamespace(workerinput={})
    lends.pytest_configure_node(node)
    return node


def test_all_workers_get_the_same_which_ends_with_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is opened before somebody asks."""
    events: list[str] = []

    @contextmanager
    def opened(environ: Mapping[str, str]) -> Iterator[Broker]:
        events.append("opened")
        yield real_broker("127.0.0.1:1", "a test")
        events.append("ended")

    monkeypatch.setattr(shared, "real_kafka", opened)
    lends = shared.LendsKafka()
    one, two = worker(lends), worker(lends)
    assert events == []
    for node in (one, two, one):
        with shared.borrowed_kafka(node) as found:
            assert (found.bootstrap, found.origin, found.is_real) == ("127.0.0.1:1", "a test", True)
    assert events == ["opened"]
    lends.pytest_unconfigure()
    assert events == ["opened", "ended"]
    assert not os.path.exists(one.workerinput[shared.ADDRESS])


@pytest.mark.parametrize(
    ("error", "expected", "words"),
    [
        (NoKafkaError("no java"), NoKafkaError, "no java"),
        (RuntimeError("not ready after 60 s"), RuntimeError, "RuntimeError: not ready after 60 s"),
    ],
)
def test_why_there_is_none_is_told(
    monkeypatch: pytest.MonkeyPatch, error: Exception, expected: type[Exception], words: str
) -> None:
    """A skip says its reason, a failure its error."""

    def fails(environ: Mapping[str, str]) -> Any:
        raise error

    monkeypatch.setattr(shared, "real_kafka", fails)
    lends = shared.LendsKafka()
    with pytest.raises(expected, match=words), shared.borrowed_kafka(worker(lends)):
        pass
    lends.pytest_unconfigure()
