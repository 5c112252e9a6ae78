"""Endpoints of replays."""

from __future__ import annotations

from pydantic import Field

from streams.console.api.endpoint import Endpoint, Input
from streams.console.services.dry_run import DryRunState
from streams.console.services.replay import ReplayState
from streams.messages import Selection


class Chosen(Input):
    """Which records are applied again; what is left out does not restrict. Times are those of the records, in epoch milliseconds."""

    topic: str = Field(
        max_length=60, description="lofty.snapshots, lofty.changes, lofty.fetches, ghl.changes or parked"
    )
    connection: str = Field("", max_length=63)
    contact: str = Field("", max_length=100, description="a lead's id; for ghl.changes a GHL contact's id")
    since_ms: int | None = Field(None, ge=0)
    until_ms: int | None = Field(None, ge=0)
    partition: int | None = Field(None, ge=0)
    from_offset: int | None = Field(None, ge=0)
    to_offset: int | None = Field(None, ge=0)
    stage: str = Field("", max_length=40)
    reason: str = Field("", max_length=200)

    def selection(self) -> Selection:
        """The same, as the service takes it."""
        return Selection(**{name: value for name, value in self.model_dump().items() if name in Selection.model_fields})


class Ordered(Chosen):
    """The same, with how many records a second are handed over at most."""

    rate: float = Field(200.0, ge=0.1, le=5000)


class Paced(Input):
    """How many records a second are handed over at most."""

    rate: float = Field(200.0, ge=0.1, le=5000)


ENDPOINTS = (
    Endpoint(
        *(
            "GET",
            "/replays",
            "get-replays",
            "replays",
            "Every run that applies mappings to existing contacts, and how far it is.",
            "viewer",
        ),
        *(tuple[ReplayState, ...], lambda call: call.services.replay.all()),
        concerns="filtered",
    ),
    Endpoint(
        *("POST", "/replays/dry-run", "dry-run-replay", "replays"),
        *("What such a run would do; no vendor is asked, nothing is written.", "operator", DryRunState),
        lambda call: call.services.replay.dry_run(call.body.selection()),
        body=Chosen,
        errors=(404, 429),
        concerns="filtered",
    ),
    Endpoint(
        *(
            "POST",
            "/replays",
            "start-replay",
            "replays",
            "Apply mappings to existing contacts.",
            "operator",
            ReplayState,
        ),
        lambda call: call.services.replay.start_replay(call.by, call.body.selection(), call.body.rate),
        body=Ordered,
        errors=(404, 409, 429),
        concerns="filtered",
    ),
    Endpoint(
        *("POST", "/replays/{run}/resume", "resume-replay", "replays", "Carry such a run on.", "operator", ReplayState),
        lambda call: call.services.replay.resume_replay(call.by, call.path["run"], call.body.rate),
        body=Paced,
        errors=(404, 409, 429),
        concerns="filtered",
    ),
    Endpoint(
        *("POST", "/replays/{run}/stop", "stop-replay", "replays", "Stop such a run.", "operator", ReplayState),
        lambda call: call.services.replay.stop_replay(call.by, call.path["run"]),
        errors=(404, 409),
        concerns="filtered",
    ),
)
