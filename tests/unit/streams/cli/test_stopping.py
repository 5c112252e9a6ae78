"""A process that is asked to stop ends, also when it never began."""

from __future__ import annotations

import signal
import subprocess
import sys

from tests.deadlines import within

CODE = """
import asyncio, sys
import streams.cli.kafka_checks as checks
import streams.cli.shared as running
async def look(*_, **__): pass
checks.check_kafka = look
running.STOP_SECONDS = float(sys.argv[1])
async def serve(stop):
    print("serving", flush=True)
    await asyncio.Event().wait()
running.run_until_stopped(serve, None)
"""


def ended(stop_seconds: float, signals: int) -> int:
    with subprocess.Popen([sys.executable, "-c", CODE, str(stop_seconds)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"serving\n"
        try:
            process.send_signal(signal.SIGTERM)
            for _ in range(signals - 1):
                process.send_signal(signal.SIGINT)
            return process.wait(within(60))
        finally:
            process.kill()


def test_what_does_not_end_in_order_is_cut_off() -> None:
    """After its time, or when it is asked again; the exit code distinguishes it from an orderly end."""
    assert ended(0.1, 1) == 1
    assert ended(1000.0, 2) == 1
