"""Verify finds what somebody spoiled in GHL, mends it through the pipeline, and then finds nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from streams.verify.asker import Patience
from streams.verify.report import Report
from streams.verify.run import verify
from tests.integration.stage import Stage, stage
from tests.kafka.broker import Broker

QUICK = Patience(again=2.0, silence=20.0, confirm=0.7, mended=30.0)
"""Longer than the stage's search lag, shorter than a test's patience."""


async def verified(on: Stage, **options: Any) -> Report:
    """One run of verify against the stage."""
    return await verify(on.settings, patience=QUICK, **options)


async def test_what_is_right_is_found_right(broker: Broker, tmp_path: Path) -> None:
    """Contacts, notes and tasks are each compared with their snapshots."""
    async with stage(broker, tmp_path) as on:
        lead = on.new_lead()
        on.edit("create", "note", leadId=lead, fields={"content": "likes gardens"})
        on.edit("create", "task", leadId=lead, fields={"content": "call her"})
        on.new_lead()
        await on.until_quiet()

        report = await verified(on)

        assert report.exit_code == 0, report.as_dict()
        assert report.counts == {"ok": 4}
        assert report.connections[0].requests == 7  # one search, and three for each lead
