"""One record of a batch at a time: a defect that one brings out parks that one, and the others go on.

Read again, it would bring out the same: an agent computes, and asks nobody whose answer could be another next time.
When records under several keys fail in a row, it is not about them: the batch ends, its worker ends, and nothing is passed over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from connectors.http.error_texts import printable
from streams.kafka.batching_producer import Record
from streams.messages import InvalidMessage, Stage
from streams.worker.dispatch.loop import is_ours
from streams.worker.output import Output

log = logging.getLogger("lofty_ghl.agents")

MOST_KEYS = 3
"""Records under so many keys are parked for a defect without one between them that goes well."""


class EachRecord:
    """An agent's way through its batches. `parked(result)` is called for each record that is parked."""

    def __init__(self, stage: Stage, output: Output, parked: Callable[[], None] = lambda: None) -> None:
        self._stage: Stage = stage
        self._output = output
        self._parked = parked
        self._failing: set[bytes] = set()

    @contextmanager
    def of(self, message: Any, outputs: list[Record]) -> Iterator[None]:
        """Work with one record. What cannot be read, and what fails, goes to `outputs` as parked.

        Raises what says nothing of the record (Kafka, the disk), what a newer release wrote, and a defect of too many.
        """
        try:
            yield
        except InvalidMessage as error:  # of a newer release: `unreadable` raises it, and says where
            self._park(message, error, outputs)
        except Exception as error:
            key = message.key or b""
            if is_ours(error) or (key not in self._failing and len(self._failing) >= MOST_KEYS):
                raise
            self._failing.add(key)
            log.exception("agent %s: a record fails in a way that nothing covers, and is parked", self._stage)
            words = InvalidMessage(
                "record that can be worked off",
                f"{type(error).__name__}: {printable(str(error), 300)}, by a defect of ours",
            )
            self._park(message, words, outputs)
        else:
            self._failing.clear()

    def _park(self, message: Any, error: InvalidMessage, outputs: list[Record]) -> None:
        outputs.append(self._output.parking.unreadable(self._stage, message, error, self._output.now_ms()))
        self._parked()
