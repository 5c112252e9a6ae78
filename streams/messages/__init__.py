"""The messages of the pipeline: the values on its topics, and their keys.

Every value on a topic is a `Message`: JSON with a version number.
Unknown fields are ignored, so that an old worker reads what a new one wrote.
Ids travel as strings: Lofty's are 64-bit numbers that some JSON readers round.
"""

from streams.messages.backfill_order import BackfillOrder
from streams.messages.change import Change, Operation, Origin
from streams.messages.entity import Entity, Kind
from streams.messages.fence import FENCE_KEY, Fence
from streams.messages.gateway_status import GatewayStatus
from streams.messages.ghl_event import GhlEvent
from streams.messages.inspection import Cure, Inspection, Observation, Remedy, Standing
from streams.messages.message import InvalidMessage, Message, NewerMessage
from streams.messages.parked import Parked, Stage
from streams.messages.parked_decision import ParkedDecision
from streams.messages.receipt import Conflict, IdentityDecision, Outcome, Receipt
from streams.messages.replay import Redelivery, Replay, Selection
from streams.messages.snapshot import Snapshot
from streams.messages.worker_status import StatusPart, WorkerStatus

__all__ = [
    "FENCE_KEY",
    "BackfillOrder",
    "Change",
    "Conflict",
    "Cure",
    "Entity",
    "Fence",
    "GatewayStatus",
    "GhlEvent",
    "IdentityDecision",
    "Inspection",
    "InvalidMessage",
    "Kind",
    "Message",
    "NewerMessage",
    "Observation",
    "Operation",
    "Origin",
    "Outcome",
    "Parked",
    "ParkedDecision",
    "Receipt",
    "Redelivery",
    "Remedy",
    "Replay",
    "Selection",
    "Snapshot",
    "Stage",
    "Standing",
    "StatusPart",
    "WorkerStatus",
]
