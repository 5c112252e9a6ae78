"""Follows a move to more partitions, so that status, console and metrics show it: a gateway runs in every state of it, workers do not."""

from __future__ import annotations

import asyncio
import logging

from aiokafka.errors import KafkaError

from streams.kafka.growth import read_move
from streams.messages import InvalidMessage
from streams.messages.growth import Move
from streams.settings import Settings

log = logging.getLogger("lofty_ghl.gateway")

LOOK_SECONDS = 20.0


class MoveWatch:
    """`run` until cancelled; `move` is the move that is under way, as far as it is known, and None where there is none."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.move: Move | None = None

    async def run(self) -> None:
        """Look, again and again."""
        while True:
            try:
                await self.look()
            except Exception:  # whatever it is: a watch that ended would call every later move none
                log.exception("a move to more partitions could not be looked for")
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Look once. What cannot be read stays as it was known."""
        try:
            found = await read_move(self._settings)
            self.move = found if found is not None and found.growth.is_open else None
        except (KafkaError, OSError, InvalidMessage) as error:
            log.debug("how far a move to more partitions is could not be read: %r", error)
