"""A history as a JSON file: a failed judgement is repeated, and looked into, without a run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from connectors.sandbox.shared.ledger import Entry
from streams.messages import Entity, Parked, Receipt
from streams.messages.fence import Fence
from tests.chaos.history.history import Deed, Edit, Event, Fenced, History, Listed, Received, Silence, Stray


def save(history: History, path: Path) -> None:
    """Write a history. Configurations are saved as they are: they never contain credentials."""
    path.write_bytes(orjson.dumps(to_json(history)))


def load(path: Path) -> History:
    """Read a history. Raises `KeyError`, `TypeError` or `ValueError` for a file that is none."""
    return from_json(orjson.loads(path.read_bytes()))


def to_json(history: History) -> dict[str, Any]:
    """A history as JSON values."""
    return {
        "configs": list(history.configs),
        "ghl": [asdict(one) for one in history.ghl],
        "lofty": [asdict(one) for one in history.lofty],
        "limits": {name: list(limit) for name, limit in history.limits.items()},
        "leads": {name: list(rows) for name, rows in history.leads.items()},
        "contacts": dict(history.contacts),
        "receipts": [
            {"partition": one.partition, "offset": one.offset, "receipt": one.receipt.model_dump(mode="json")}
            for one in history.receipts
        ],
        "fences": [
            {"partition": one.partition, "offset": one.offset, "fence": one.fence.model_dump(mode="json"), "of": one.of}
            for one in history.fences
        ],
        "parked": [one.model_dump(mode="json") for one in history.parked],
        "nemesis": [asdict(one) for one in history.nemesis],
        "edits": [{"at": one.at, "entity": one.entity.key, "version": one.version} for one in history.edits],
        "planned": list(history.planned),
        "deeds": [{**asdict(one), "seen": dict(one.seen)} for one in history.deeds],
        "strays": [asdict(one) for one in history.strays],
        "silences": [asdict(one) for one in history.silences],
        "grows_to": history.grows_to,
        "partitions": history.partitions,
        "before": {name: list(ids) for name, ids in history.before.items()},
        "listed": [asdict(one) for one in history.listed],
    }


def from_json(found: dict[str, Any]) -> History:
    """The history that `to_json` wrote."""
    return History(
        configs=tuple(found["configs"]),
        ghl=[Entry(**one) for one in found["ghl"]],
        lofty=[Entry(**one) for one in found["lofty"]],
        limits={name: (int(limit), float(seconds)) for name, (limit, seconds) in found["limits"].items()},
        leads=found["leads"],
        contacts=found["contacts"],
        receipts=[
            Received(one["partition"], one["offset"], Receipt.model_validate(one["receipt"]))
            for one in found["receipts"]
        ],
        fences=[
            Fenced(one["partition"], one["offset"], Fence.model_validate(one["fence"]), one.get("of", 0))
            for one in found["fences"]
        ],
        parked=[Parked.model_validate(one) for one in found["parked"]],
        nemesis=[Event(**one) for one in found["nemesis"]],
        edits=[Edit(one["at"], Entity.from_key(one["entity"]), one["version"]) for one in found.get("edits", ())],
        planned=list(found.get("planned", ())),
        deeds=[Deed(**one) for one in found.get("deeds", ())],
        strays=[Stray(**one) for one in found.get("strays", ())],
        silences=[Silence(**{**one, "left": tuple(one["left"])}) for one in found.get("silences", ())],
        grows_to=found.get("grows_to", 0),
        partitions=found.get("partitions", 0),
        before=found.get("before", {}),
        listed=[Listed(**one) for one in found.get("listed", ())],
    )
