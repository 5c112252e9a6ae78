"""The agents of what people and commands ask for: replays, backfills, inspections, and access that was given."""

from __future__ import annotations

from collections.abc import Iterator

from streams.messages import Inspection, Observation
from streams.messages.inspection import OF_LOFTY
from streams.messages.topics import INSPECTIONS, OBSERVATIONS, REPLAYS, SNAPSHOTS, SWEEPS, TOKENS
from streams.worker.agents.backfill_orders import backfill_orders
from streams.worker.agents.batches import Process
from streams.worker.agents.desired_states import DesiredStates
from streams.worker.agents.inspect import inspect
from streams.worker.agents.replay import replay
from streams.worker.agents.tokens import tokens
from streams.worker.parts import WorkerParts
from streams.worker.wiring.dispatchers import Dispatchers


def request_agents(
    parts: WorkerParts, dispatchers: Dispatchers, desired: DesiredStates
) -> Iterator[tuple[str, str, Process]]:
    """Each as its name, its topic and what it does with a batch."""
    snapshots, output = parts.deps.metrics.snapshots, parts.output
    yield (
        "replay",
        REPLAYS,
        replay(
            desired=desired,
            output=output,
            snapshots_topic=parts.names.of(SNAPSHOTS),
            count=lambda decision: snapshots.labels(f"replayed: {decision}").inc(),
        ),
    )
    sweeper = dispatchers.lofty.sweeper
    yield "sweep", SWEEPS, backfill_orders(sweeps=parts.tables.sweeps, output=output, offer=sweeper.offer_sweep)
    topic = parts.names.of(OBSERVATIONS)

    def take(inspection: Inspection) -> Observation | None:
        if inspection.question != "read":
            return dispatchers.ghl.inspector.take_question(inspection)
        side = dispatchers.lofty if inspection.subject in OF_LOFTY else dispatchers.ghl
        return side.reads.take_question(inspection)

    yield "inspect", INSPECTIONS, inspect(take_question=take, output=output, observations_topic=topic)
    if dispatchers.tokens is not None:
        process = tokens(table=parts.tables.tokens, output=output, adopt=dispatchers.tokens.adopt)
        yield "tokens", TOKENS, process
