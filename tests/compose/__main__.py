"""`python -m tests.compose`: docker-compose.yml's demo on this machine, without Docker; Ctrl-C ends it.

python -m tests.compose                         free ports, told at the start
python -m tests.compose --prometheus-port 9090  Prometheus where Grafana's datasource may look for it
python -m tests.compose --minutes 10            ends by itself
python -m tests.compose --faster 30             Prometheus' time runs 30 times faster, as in the tests
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
from pathlib import Path

from tests.compose.rewriting import rewriting
from tests.compose.system import DidNotStart, system, until_healthy, why_unavailable


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.compose", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--profile", default="demo")
    parser.add_argument("--prometheus-port", type=int)
    parser.add_argument("--minutes", type=float, help="how long; without it until Ctrl-C")
    parser.add_argument("--faster", type=float, default=1.0)
    parser.add_argument("--keep", action="store_true", help="the default; for the habit")
    given = parser.parse_args()
    if (missing := why_unavailable()) is not None:
        print(missing, file=sys.stderr)
        return 2
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    ports = {"prometheus": given.prometheus_port} if given.prometheus_port else {}
    with tempfile.TemporaryDirectory(prefix="lofty-ghl-compose-") as folder:
        try:
            with system(Path(folder), given.profile, rewriting(given.faster), ports) as running:
                until_healthy(running)
                for name, one in running.running.items():
                    at = ", ".join(f"http://127.0.0.1:{port}" for port in one.service.ports)
                    print(f"{name:<16} {at}")
                print(f"{'kafka':<16} {running.kafka.bootstrap}\nlogs and folders  {folder}", flush=True)
                stop.wait(given.minutes * 60 if given.minutes else None)
        except DidNotStart as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
