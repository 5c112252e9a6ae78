"""`lofty-ghl worker` without metrics, logs and status reports, to measure what these cost."""

from __future__ import annotations

import logging
from functools import partial

import streams.worker.dependencies
from streams.cli import main
from streams.telemetry.metrics import Metrics
from streams.worker.dependencies import Dependencies

if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    # The command is the real one, down to its signals: only what it gives its worker is another.
    streams.worker.dependencies.Dependencies = partial(Dependencies, metrics=Metrics(is_on=False))  # type: ignore[misc,assignment]  # a class is replaced by what makes it
    main()
