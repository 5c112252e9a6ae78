"""`python -m tests.compose` as a user runs it: what it names, and that a signal ends it with all of its processes."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import aiohttp
import pytest

from tests.compose.system import why_unavailable
from tests.integration.marked import marked, needs_proc
from tests.kafka.jars import why_unavailable as why_no_kafka

UP_SECONDS = 200.0


@pytest.fixture(autouse=True)
def _what_it_needs() -> None:
    if (missing := why_unavailable() or why_no_kafka()) is not None:
        pytest.skip(missing)


@needs_proc
@pytest.mark.slow
async def test_it_names_what_one_looks_at_and_ends_clean(tmp_path: Path) -> None:
    """The console with its user, Prometheus, and that Grafana does not run."""
    async with marked(tmp_path, "tests.compose") as on:
        await on.until_said("until Ctrl-C", UP_SECONDS)
        console = re.search(r"console +(http://\S+/console)  user demo, password demo-demo", on.said)
        prometheus = re.search(r"Prometheus +(http://\S+)", on.said)
        assert console, on.said
        assert prometheus, on.said
        assert "Grafana           does not run here" in on.said
        async with aiohttp.ClientSession() as http:
            for url in (console[1], f"{prometheus[1]}/-/ready"):
                async with http.get(url) as page:
                    assert page.status == 200
        assert await on.end(signal.SIGTERM) == 0, on.said
        assert on.processes() == {}
        assert "Traceback" not in on.said


@needs_proc
@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
async def test_a_signal_cuts_its_start_off(how: signal.Signals, code: int, tmp_path: Path) -> None:
    """With Kafka, and whatever was started beside it."""
    async with marked(tmp_path, "tests.compose") as on:
        await on.until_children(4)  # itself, Kafka with its watcher, and the first service
        assert await on.end(how) == code, on.said
        assert on.processes() == {}
        assert "Traceback" not in on.said
