"""One running system for the healthy and, after them, the faulty: to start it twice would cost a minute."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.compose.faults import FACTORS
from tests.compose.stage import FACTOR, Stage, stage
from tests.compose.system import why_unavailable
from tests.kafka.jars import why_unavailable as why_no_kafka


@pytest.fixture(scope="package")
def running() -> Iterator[Stage]:
    """The demo of docker-compose.yml, once the leads with which it begins are in GHL."""
    if (missing := why_unavailable() or why_no_kafka()) is not None:
        pytest.skip(missing)
    with stage(FACTOR, FACTORS) as on:
        on.until(on.has_settled, 60, "the first leads are in GHL")
        yield on
