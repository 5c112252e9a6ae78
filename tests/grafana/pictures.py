"""`python -m tests.grafana.pictures`: makes `grafana/pictures/*.png` from a system at work.

The demo's stage is set as `lofty-ghl demo` does it: the real gateway and worker, an embedded broker, a sandbox of each vendor.
Both agencies work for some minutes, and GHL misbehaves now and then.
A real Prometheus with the configuration and rules of `grafana/` scrapes both each second; the pictures are drawn from it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from connectors.lofty.sandbox.people import make_leads
from streams.demo.run import FAULTS
from streams.demo.stage import Stage, set_stage
from streams.demo.town import AGENCIES, POISON_PING, Edit, morning
from tests.grafana.prometheus import running_prometheus
from tests.grafana.render.__main__ import GRAFANA, draw_all
from tests.grafana.render.ask import Prometheus, Span

SCRAPE_SECONDS = 1.0
FACTOR = 10.0
"""A minute of the rules is six seconds here."""

LEADS = 150


async def work(stage: Stage, minutes: float) -> None:
    """The agencies' leads arrive, then their agents edit them, in waves, until the time is up."""
    end = time.monotonic() + 60 * minutes
    seeded = []
    for number, agency in enumerate(AGENCIES):
        body = {"leads": make_leads(LEADS, seed=number + 1), "tells": True}
        seeded.append((await stage.post(f"{stage.lofty}/_sandbox/seed", body, team=str(agency.team)))["leads"])
    await asyncio.sleep(20)
    random = Random(7)
    days = [_edits(leads, number) for number, leads in enumerate(seeded)]
    for turn in itertools.count():
        if turn % 60 == 10:
            await stage.post(f"{stage.ghl}/_sandbox/faults", {"faults": FAULTS})
        for agency, edits in zip(AGENCIES, days, strict=True):
            await stage.post(f"{stage.lofty}/_sandbox/edits", {"edits": next(edits)}, team=str(agency.team))
        if turn == 30:
            url = f"{stage.gateway}/lofty/{AGENCIES[0].webhook_secret}"
            async with stage.http.post(url, data=POISON_PING) as answer:
                answer.raise_for_status()
        if time.monotonic() > end:
            return
        await asyncio.sleep(random.uniform(0.5, 2.5))


def _edits(leads: list[dict[str, Any]], seed: int) -> Iterator[list[Edit]]:
    """One morning after the other. What the first deleted stays deleted: later ones leave it alone."""
    gone: set[int] = set()
    for day in itertools.count():
        for edits in morning(leads, seed=seed + 11 + day):
            kept = [one for one in edits if not {one.get("id"), one.get("leadId")} & gone]
            deletes = {one["id"] for one in kept if one["edit"] == "delete"}
            if day and deletes:
                continue
            gone |= deletes
            if deletes:
                gone |= _children(leads, deletes)
            if kept:
                yield kept


def _children(leads: list[dict[str, Any]], deleted: set[int]) -> set[int]:
    dead = [one for one in leads if one["leadId"] in deleted]
    return {child for one in dead for kind in ("notes", "tasks") for child in one.get(kind, ())}


async def main(minutes: float, out: Path, data: Path | None) -> int:
    """Work, then draw. 1 when a panel has no data. What Prometheus gathered stays in `data`, if given."""
    with tempfile.TemporaryDirectory(prefix="lofty-ghl-pictures-") as name:
        folder = data or Path(name)
        async with set_stage(folder) as stage:
            targets = {"worker": [_address(stage.worker)], "gateway": [_address(stage.gateway)]}
            with running_prometheus(folder, targets, scrape_seconds=SCRAPE_SECONDS, factor=FACTOR) as url:
                began = time.time()
                await work(stage, minutes)
                span = Span(began, time.time(), SCRAPE_SECONDS, {"datasource": "lofty-ghl", "connection": "harbor"})
                print(f"from {span.start:.0f} to {span.end:.0f}")
                empty = await asyncio.to_thread(draw_all, Prometheus(url), span, out)
    for dashboard, titles in empty.items():
        print(f"{dashboard}: {'no data in ' + ', '.join(titles) if titles else 'every panel has data'}")
    return 1 if any(empty.values()) else 0


def _address(url: str) -> str:
    return url.removeprefix("http://")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--out", type=Path, default=GRAFANA / "pictures")
    parser.add_argument(
        "--data", type=Path, help="keep logs and Prometheus' data in this folder, to draw again from it"
    )
    given = parser.parse_args()
    sys.exit(asyncio.run(main(given.minutes, given.out, given.data)))
