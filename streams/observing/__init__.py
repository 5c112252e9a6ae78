"""Observing: what happens is counted, and every few seconds a worker says how it is.

`observer.py` is told what happens and says how the worker is, `open_rows.py` counts what is on its way, `vitals.py` puts the
status together, `process.py` is what every process shows.
"""

from streams.observing.observer import WATCHED_TOPICS, Observing
from streams.observing.process import (
    append_topics,
    counting_appends,
    failing_seconds,
    process_readings,
    watch_appends,
    watch_loop,
)
from streams.observing.vitals import Observed

__all__ = [
    "WATCHED_TOPICS",
    "Observed",
    "Observing",
    "append_topics",
    "counting_appends",
    "failing_seconds",
    "process_readings",
    "watch_appends",
    "watch_loop",
]
