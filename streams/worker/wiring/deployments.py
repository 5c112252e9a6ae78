"""Puts together what marks the locations, and finds the marks of other deployments."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from streams.messages.worker_status import OtherDeployment
from streams.worker.dispatch.deployments import Deployments
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.parts import WorkerParts


def new_deployments(parts: WorkerParts, loop: DispatchLoop, locations: Mapping[str, Location]) -> Deployments:
    """The handler of these checks in the writing dispatcher `loop`."""
    own = OtherDeployment(
        deployment=parts.deployment, topic_prefix=parts.settings.kafka.topic_prefix, host=socket.gethostname()
    )
    marked = locations if parts.deps.marks_locations else {}
    return Deployments(loop, marked, own, parts.deps.now_ms, parts.deps.jitter)
