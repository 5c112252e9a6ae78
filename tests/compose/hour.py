"""`make demo-hour`: the compose file's demo runs for an hour (`--minutes N`), and no connection may pause, fall silent or alert.

A demo that works for ten minutes proves nothing of what ends later: tokens that are not renewed, quotas, what grows.
Prometheus runs in real time and is asked at the end; each minute prints what was written. Exit code 1 when something stopped.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.compose.stage import Stage, stage

WINDOW = "5m"
"""Within each such window every connection must have been read from Lofty and written to GHL."""

WRITES = "sum by (connection) (lofty_ghl_writes_total)"
SILENT = f"sum by (connection) (increase(lofty_ghl_{{what}}_total[{WINDOW}])) == 0"
PAUSES = 'max by (budget, cause) (max_over_time(lofty_ghl_paused_by{cause=~"no access|uninstalled"}[SPANs])) == 1'
REFRESHES = 'sum(increase(lofty_ghl_refreshes_total{result="failed"}[SPANs])) > 0'


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.compose.hour", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    seconds = 60 * parser.parse_args().minutes
    print("starting Kafka, then the services of docker-compose.yml: about a minute …", flush=True)
    with stage(factor=1.0) as on:
        on.until(on.has_settled, 180, "the leads with which the agencies began are in GHL")
        troubles = _run(on, seconds)
    for one in troubles:
        print(one)
    print("It does not hold." if troubles else f"{seconds / 60:.0f} minutes without a pause, a silence or an alert.")
    return 1 if troubles else 0


def _run(on: Stage, seconds: float) -> list[str]:
    """Let it run; returns what went wrong."""
    began, troubles = time.time(), list[str]()
    while (passed := time.time() - began) < seconds:
        time.sleep(min(60.0, seconds - passed))
        written = {one.labels["connection"]: round(one.value) for one in on.prometheus.query(WRITES)}
        print(f"{(time.time() - began) / 60:5.1f} min  written: {written}", flush=True)
        if time.time() - began < 360:
            continue  # a window has not passed yet
        for what in ("writes", "reads"):
            silent = sorted(one.labels["connection"] for one in on.prometheus.query(SILENT.format(what=what)))
            troubles += [f"{(time.time() - began) / 60:.0f} min: no {what} in {WINDOW} for {one}" for one in silent]
    span = str(max(1, int(time.time() - began)))
    for words, query in (("paused", PAUSES), ("a token was not renewed", REFRESHES)):
        troubles += [f"{words}: {one.labels}" for one in on.prometheus.query(query.replace("SPAN", span))]
    return [*troubles, *(f"the alert {one} fired" for one in sorted(on.fired(began)))]


if __name__ == "__main__":
    sys.exit(main())
