"""The words of the pipeline: what travels on its topics, and the keys it travels under.

Every value on a topic is a `Word`: JSON with a version number.
Unknown fields are ignored, so that an old worker reads what a new one wrote.
Ids travel as strings: Lofty's are 64-bit numbers that some JSON readers round.
"""

from streams.words.change import Change, Operation, Origin
from streams.words.entity import Entity, Kind
from streams.words.fence import FENCE_KEY, Fence
from streams.words.gateway_status import GatewayStatus
from streams.words.ghl_event import GhlEvent
from streams.words.inspection import Cure, Inspection, Observation, Remedy, Standing
from streams.words.parked import Parked, Stage
from streams.words.receipt import Outcome, Receipt
from streams.words.replay import Redelivery, Replay, Selection
from streams.words.resolution import Resolution
from streams.words.snapshot import Snapshot
from streams.words.sweep_order import SweepOrder
from streams.words.word import NewerWord, NotAWord, Word
from streams.words.worker_status import StatusPart, WorkerStatus

__all__ = [
    "FENCE_KEY",
    "Change",
    "Cure",
    "Entity",
    "Fence",
    "GatewayStatus",
    "GhlEvent",
    "Inspection",
    "Kind",
    "NewerWord",
    "NotAWord",
    "Observation",
    "Operation",
    "Origin",
    "Outcome",
    "Parked",
    "Receipt",
    "Redelivery",
    "Remedy",
    "Replay",
    "Resolution",
    "Selection",
    "Snapshot",
    "Stage",
    "Standing",
    "StatusPart",
    "SweepOrder",
    "Word",
    "WorkerStatus",
]
