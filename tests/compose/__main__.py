"""`python -m tests.compose`: docker-compose.yml's demo on this machine, without Docker; Ctrl-C or SIGTERM ends it.

python -m tests.compose                         free ports, printed at the start
python -m tests.compose --prometheus-port 9090  Prometheus where Grafana's datasource may look for it
python -m tests.compose --minutes 10            ends by itself
python -m tests.compose --faster 30             Prometheus' time runs 30 times faster, as in the tests

Exit code 0: it ran, and somebody or `--minutes` ended it. 1: a service did not start. 2: something is missing here. 129, 130,
143: SIGHUP, Ctrl-C or SIGTERM ended it before all services were there. Nothing is left running.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from streams.demo.environment import PASSWORD, USER
from tests.compose.rewriting import rewriting
from tests.compose.system import CutOff, System, system, until_healthy, why_unavailable


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
    stop, signals = threading.Event(), list[int]()

    def ask(number: int, _: object) -> None:
        signals.append(number)
        stop.set()

    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, ask)
    print("starting Kafka, then the services of docker-compose.yml: about a minute …", flush=True)
    ports = {"prometheus": given.prometheus_port} if given.prometheus_port else {}
    with tempfile.TemporaryDirectory(prefix="lofty-ghl-compose-") as folder:
        try:
            with system(Path(folder), given.profile, rewriting(given.faster), ports, stop) as running:
                until_healthy(running)
                for line in summary(running):
                    print(line, flush=True)
                stop.wait(given.minutes * 60 if given.minutes else None)
                print("ending …", flush=True)
        except CutOff:
            print("cut off before all services were there", file=sys.stderr)
            return 128 + signals[0]
        except RuntimeError as error:  # a service, or Kafka, did not start
            print(error, file=sys.stderr)
            return 1
    return 0


def summary(running: System) -> Iterator[str]:
    """What runs and where: first what one looks at, then every service."""
    for name, one in running.running.items():
        if name.endswith("gateway"):
            yield f"console           http://127.0.0.1:{one.service.ports[0]}/console  user {USER}, password {PASSWORD}"
        if name == "prometheus":
            yield f"Prometheus        http://127.0.0.1:{one.service.ports[0]}"
    yield "Grafana           does not run here; its dashboards ask Prometheus (`docker compose --profile demo up` shows them)"
    yield ""
    for name, one in running.running.items():
        yield f"{name:<17} {', '.join(f'http://127.0.0.1:{port}' for port in one.service.ports)}".rstrip()
    yield f"{'kafka':<17} {running.kafka.bootstrap}"
    yield f"logs and folders  {running.folder}"
    yield "until Ctrl-C"


if __name__ == "__main__":
    sys.exit(main())
