"""The contract says what is so: every topic, every field, and documents that other programs can read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from openapi_schema_validator import OAS31Validator
from pydantic import BaseModel
from typer.testing import CliRunner

from streams.cli.root import app
from streams.contract.asyncapi import document
from streams.contract.changelogs import ROWS
from streams.contract.contracts import BY_TOPIC, CONTRACTS
from streams.contract.fields import examples, is_empty, meanings, models_in, unit_of
from streams.contract.form import TopicContract, listed
from streams.contract.markdown import page
from streams.contract.schemas import key_schema, record_schema, value_schema
from streams.messages import topics
from streams.messages.growth import growth_topic
from streams.messages.topics import TABLES, TOPICS, TopicNames

ROOT = Path(__file__).resolve().parents[3]
META = json.loads((Path(__file__).parent / "asyncapi-3.0.0.json").read_text(encoding="utf-8"))
PROMISED = tuple(one for one in CONTRACTS if one.promise != "changelog")
MODELS: tuple[type[BaseModel], ...] = tuple(
    {model: None for one in PROMISED for form in one.forms for model in models_in(form.model)}
)
SHOWN = examples(sample for one in PROMISED for form in one.forms for _, sample in form.samples)


def test_each_topic_has_a_contract_and_there_is_no_other() -> None:
    """Those that must exist, and the one that a move to more partitions makes."""
    assert set(BY_TOPIC) == {*TopicNames().specs(), growth_topic("")}
    assert len(BY_TOPIC) == len(CONTRACTS)


def test_the_list_of_topics_says_the_key_and_contents_of_each() -> None:
    """The table at the top of `streams/messages/topics.py` is the one place."""
    assert set(listed()) == {spec.name for spec in TOPICS}


def test_each_table_has_the_row_that_workers_keep() -> None:
    """As `streams/worker/tables.py` makes them."""
    source = (ROOT / "streams" / "worker" / "tables.py").read_text(encoding="utf-8")
    made = re.findall(r"table\(topics\.(\w+_TABLE), (\w+)\)", source)
    assert {getattr(topics, name): row for name, row in made} == {name: row.__name__ for name, row in ROWS.items()}
    assert len(made) == len(TABLES) == len(ROWS)


def test_no_two_models_have_one_name() -> None:
    """Schemas refer to each other by them."""
    models = {model for one in CONTRACTS for form in one.forms for model in models_in(form.model)}
    assert len({model.__name__ for model in models}) == len(models)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_each_field_has_a_meaning_and_an_example(model: type[BaseModel]) -> None:
    """A sentence of the model's docstring with its name in backticks, and a record in `streams/contract/` that has it."""
    assert [name for name in model.model_fields if name not in meanings(model)] == []
    shown = SHOWN.get(model, {})
    assert [name for name in model.model_fields if is_empty(shown.get(name))] == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_each_time_and_size_has_a_unit(model: type[BaseModel]) -> None:
    """By its name: a bare number of the clock has none."""
    ends = ("ms", "seconds", "bytes", "size")
    assert [name for name in model.model_fields if name.split("_")[-1] in ends and not unit_of(name)] == []


@pytest.mark.parametrize("contract", PROMISED, ids=lambda one: one.topic)
def test_the_key_of_an_example_is_the_one_that_its_message_gives(contract: TopicContract) -> None:
    """Where a message says its own key."""
    for form in contract.forms:
        for key, sample in form.samples:
            assert re.match(form.key.pattern, key)
            entity = getattr(sample, "entity", None)
            own = {getattr(sample, "lane", None), getattr(entity, "key", None), getattr(entity, "lane", None)} - {None}
            assert key in own or not own


def test_the_page_is_current() -> None:
    """If not: `lofty-ghl schemas --markdown > docs/topics.md`."""
    assert (ROOT / "docs" / "topics.md").read_text(encoding="utf-8") == page(CONTRACTS)


# -- documents --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda one: one.topic)
def test_each_schema_is_one(contract: TopicContract) -> None:
    """By JSON Schema's own schema, and every reference leads to something."""
    for schema in (record_schema(contract), key_schema(contract), value_schema(contract)):
        OAS31Validator.check_schema(schema)
        assert [ref for ref in references(schema) if resolved(schema, ref) is None] == []


def test_the_asyncapi_document_is_valid() -> None:
    """By AsyncAPI's own schema, and every reference leads to something."""
    made = document(CONTRACTS, "1.0.0")
    assert [error.message for error in Draft7Validator(META).iter_errors(made)] == []
    assert [ref for ref in references(made) if resolved(made, ref) is None] == []
    assert set(made["channels"]) == set(BY_TOPIC)
    for schema in made["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)


@pytest.mark.parametrize("planted", ["channels", "operations", "messages"])
def test_a_wrong_asyncapi_document_is_refused(planted: str) -> None:
    """So that the test above says something."""
    made = document(CONTRACTS, "1.0.0")
    wrong = {"planted": {"action": "shout", "messages": 3, "payload": {"type": "no type"}}}
    if planted == "messages":
        made["components"]["messages"] |= wrong
    else:
        made[planted] |= wrong
    assert list(Draft7Validator(META).iter_errors(made))


def references(value: Any) -> list[str]:
    """Every `$ref` in a document."""
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for one in value.values() for ref in references(one)]
    return [ref for one in value for ref in references(one)] if isinstance(value, list) else []


def resolved(value: Any, ref: str) -> Any:
    """What a reference into the document leads to; None for nothing."""
    for part in ref.removeprefix("#/").split("/"):
        value = value.get(part) if isinstance(value, dict) else None
    return value


# -- the command --------------------------------------------------------------------------------------------------


def run(*words: str) -> str:
    """What the command prints."""
    done = CliRunner().invoke(app, ["schemas", *words], prog_name="lofty-ghl")
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_command_lists_every_topic_with_what_is_promised() -> None:
    """For people in one line each, and for programs."""
    lines = run().splitlines()
    assert [line.split()[:2] for line in lines] == [[one.promise, one.topic] for one in CONTRACTS]
    assert [one["topic"] for one in json.loads(run("--json"))] == list(BY_TOPIC)


def test_the_command_prints_one_document() -> None:
    """A topic's JSON Schema, or the AsyncAPI document of some topics or all."""
    assert json.loads(run("--topic", "ghl.receipts")) == record_schema(BY_TOPIC["ghl.receipts"])
    one = json.loads(run("--topic", "ghl.receipts", "--format", "asyncapi"))
    assert list(one["channels"]) == ["ghl.receipts"]
    assert set(json.loads(run("--format", "asyncapi"))["channels"]) == set(BY_TOPIC)
    assert run("--markdown") == page(CONTRACTS)


def test_the_command_writes_all_documents(tmp_path: Path) -> None:
    """Into a folder that it makes."""
    out = tmp_path / "new" / "schemas"
    run("--out", str(out))
    names = {"asyncapi.json"} | {f"{topic}{part}.json" for topic in BY_TOPIC for part in ("", ".key", ".value")}
    assert {path.name for path in out.iterdir()} == names
    assert json.loads((out / "parked.value.json").read_text(encoding="utf-8")) == value_schema(BY_TOPIC["parked"])


def test_what_the_command_does_not_know_is_said() -> None:
    """With what it knows."""
    unknown = CliRunner().invoke(app, ["schemas", "--topic", "lofty.nothing"], prog_name="lofty-ghl")
    several = CliRunner().invoke(app, ["schemas", "--format", "jsonschema"], prog_name="lofty-ghl")
    assert (unknown.exit_code, several.exit_code) == (2, 2)
    assert "lofty.changes" in unknown.stderr
    assert "--topic" in several.stderr
