"""`lofty-ghl worker --processes` where the machine refuses something."""

from __future__ import annotations

import socket

import pytest
import typer

from streams.cli.worker_processes import run_processes
from streams.settings import parse_settings

CONFIG = """
[kafka]
bootstrap_servers = "localhost:9092"
[worker]
port = {}
"""


def test_a_port_that_is_taken_is_reported_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """With the exit code of a single worker, and before any process is started."""
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        settings = parse_settings(CONFIG.format(taken.getsockname()[1]), {}, read_file=lambda path: "", source="test")
        with pytest.raises(typer.Exit) as ended:
            run_processes(settings, 2, [], module=("this.does.not.exist",))
    said = capsys.readouterr().err
    assert ended.value.exit_code == 2
    assert "Another process uses this port" in said
    assert said.count("\n") == 1
