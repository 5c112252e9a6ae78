"""What a worker reports: every few seconds its status on the topic `status`, and its gauges at `/metrics`.

`reporter.py` counts what happens and publishes, `open_rows.py` counts what is in progress, `status.py` puts the status together.
"""

from streams.worker.reporting.reporter import WATCHED_TOPICS, Reporter
from streams.worker.reporting.status import StatusSources

__all__ = ["WATCHED_TOPICS", "Reporter", "StatusSources"]
