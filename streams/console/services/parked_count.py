"""Counts, now and then, the parked records that no worker counts: deliveries, and what could not be read."""

from __future__ import annotations

import asyncio
import logging

from streams.console.background import BackgroundTask
from streams.operations.parked.waiting import count_parked
from streams.operations.status.overview import ParkedOpen
from streams.settings import Settings

log = logging.getLogger("lofty_ghl.console")

PARKED_SECONDS = 300.0
"""How often: it reads the end of a topic."""


class ParkedCount(BackgroundTask):
    """`now` is the last count."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.now: tuple[ParkedOpen, ...] = ()

    async def _run(self) -> None:
        while True:
            try:
                self.now = await count_parked(self._settings)
            except Exception as error:  # whatever it is: counted again later
                log.debug("parked records could not be counted: %r", error)
            await asyncio.sleep(PARKED_SECONDS)
