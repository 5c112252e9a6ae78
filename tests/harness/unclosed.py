"""A test that leaves a Kafka consumer open fails by name, and says where it was made.

Else Python complains when it is collected, which is in another test: that one fails, seldom, and knows nothing of it.
"""

from __future__ import annotations

import traceback
import weakref
from collections.abc import Generator
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

FRAMES = 12

_open: dict[int, tuple[weakref.ref[Any], str]] = {}
_init = AIOKafkaConsumer.__init__


def noted_init(consumer: Any, *given: Any, **more: Any) -> None:
    """Make a consumer, and keep where."""
    _init(consumer, *given, **more)
    frames = traceback.format_stack(limit=FRAMES)[:-1]
    _open[id(consumer)] = weakref.ref(consumer), "".join(frames)


def pytest_configure() -> None:
    """From now on."""
    AIOKafkaConsumer.__init__ = noted_init


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Generator[None]:
    """After all fixtures of the test have ended, and its loop."""
    yield
    left = []
    for key, (made, where) in list(_open.items()):
        consumer = made()
        if consumer is None or consumer._closed:
            del _open[key]
        elif consumer._loop.is_closed():
            consumer._closed = True  # reported once; and not when it is collected, in another test
            del _open[key]
            left.append(where)
    if left:
        raise AssertionError(f"{len(left)} Kafka consumers were left open; one of them was made here:\n{left[0]}")
