"""Keeps what the present release writes: `python -m tests.contract.topics.keep`, once for each release and each new form of record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from streams.contract.contracts import CONTRACTS
from streams.contract.schemas import record_schema

FOLDER = Path(__file__).resolve().parent
PROMISED = tuple(one for one in CONTRACTS if one.promise != "changelog")
WORDS = frozenset({"description", "examples", "x-unit", "x-values"})


def releases() -> list[str]:
    """The releases that are kept."""
    return sorted(path.parent.name for path in FOLDER.glob("*/records.jsonl"))


def present() -> str:
    """The release of the working tree."""
    return version("lofty-ghl")


def kept_records(release: str) -> list[dict[str, Any]]:
    """The records of a release: topic, name of the message, key and value."""
    path = FOLDER / release / "records.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def kept_schemas(release: str) -> dict[str, Any]:
    """The schemas of a release, by topic."""
    path = FOLDER / release / "schemas.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def written() -> Iterator[dict[str, Any]]:
    """The records that the working tree writes."""
    for contract in PROMISED:
        for form in contract.forms:
            for key, sample in form.samples:
                value = json.loads(sample.to_bytes())
                yield {"topic": contract.topic, "message": form.model.__name__, "key": key, "value": value}


def without_words(schema: Any, *, are_names: bool = False) -> Any:
    """A schema without what only people read."""
    if isinstance(schema, list):
        return [without_words(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: without_words(one, are_names=not are_names and name in ("properties", "$defs"))
        for name, one in schema.items()
        if are_names or name not in WORDS
    }


def keep() -> None:
    """Add what lacks to the present release."""
    folder = FOLDER / present()
    folder.mkdir(exist_ok=True)
    records, schemas = kept_records(present()), kept_schemas(present())
    known = {(one["topic"], one["message"]) for one in records}
    records += [one for one in written() if (one["topic"], one["message"]) not in known]
    schemas = {one.topic: without_words(record_schema(one)) for one in PROMISED} | schemas
    lines = [json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in records]
    (folder / "records.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(one, separators=(',', ':'))}" for name, one in schemas.items())
    (folder / "schemas.json").write_text(f"{{\n{text}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    keep()
