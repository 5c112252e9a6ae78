"""What a worker reports: every few seconds its status on the topic `status`, and its gauges at `/metrics`.

`reporter.py` counts what happens, `open_rows.py` what is in progress; `status.py` builds the status, `publisher.py` publishes it.
"""

from streams.worker.reporting.publisher import WATCHED_TOPICS, StatusPublisher
from streams.worker.reporting.reporter import Reporter
from streams.worker.reporting.sources import StatusSources

__all__ = ["WATCHED_TOPICS", "Reporter", "StatusPublisher", "StatusSources"]
