"""`lofty-ghl schemas`: what is on each topic, as AsyncAPI 3 and JSON Schema."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.shared import JsonOption, print_findings

if TYPE_CHECKING:
    from streams.contract.form import TopicContract


class FormatChoice(StrEnum):
    """How schemas are written."""

    ASYNCAPI = "asyncapi"
    JSON_SCHEMA = "jsonschema"


def schemas(
    topic: Annotated[str | None, typer.Option("--topic", help="Only this topic, without the prefix.")] = None,
    form: Annotated[
        FormatChoice | None, typer.Option("--format", help="Print one document: asyncapi, or jsonschema of one topic.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the documents into this folder.")] = None,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/topics.md.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the topics with their keys and values, or print or write their schemas.

    `public` topics are promised to other programs, `internal` ones and `changelog`s are shown only. docs/topics.md has each field.
    With `--out`, TOPIC.json describes a record as an object of key and value; TOPIC.key.json and TOPIC.value.json only that part.

    Example: lofty-ghl schemas --out schemas --format jsonschema
    """
    from streams.contract.contracts import BY_TOPIC, CONTRACTS

    if as_markdown:
        from streams.contract.markdown import page

        typer.echo(page(CONTRACTS), nl=False)
        return
    if topic is not None and topic not in BY_TOPIC:
        raise typer.BadParameter(f"expected one of {', '.join(BY_TOPIC)}; got {topic!r}", param_hint="--topic")
    found = CONTRACTS if topic is None else (BY_TOPIC[topic],)
    if out is not None:
        _write(out, _documents(found, form))
    elif form is not None:
        _print(found, form)
    elif topic is not None:
        _print(found, FormatChoice.JSON_SCHEMA)
    else:
        print_findings([_listed(one) for one in found], [_line(one) for one in found], as_json=as_json)


def _documents(found: tuple[TopicContract, ...], form: FormatChoice | None) -> dict[str, Any]:
    """Each document by the name of its file."""
    from importlib.metadata import version

    from streams.contract.asyncapi import document
    from streams.contract.schemas import key_schema, record_schema, value_schema

    documents: dict[str, Any] = {}
    if form in (None, FormatChoice.ASYNCAPI):
        documents["asyncapi.json"] = document(found, version("lofty-ghl"))
    if form in (None, FormatChoice.JSON_SCHEMA):
        for one in found:
            documents[f"{one.topic}.json"] = record_schema(one)
            documents[f"{one.topic}.key.json"] = key_schema(one)
            documents[f"{one.topic}.value.json"] = value_schema(one)
    return documents


def _write(out: Path, documents: dict[str, Any]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, one in documents.items():
        (out / name).write_text(_text(one), encoding="utf-8")
    typer.echo(f"{len(documents)} documents written to {out}")


def _print(found: tuple[TopicContract, ...], form: FormatChoice) -> None:
    if form == FormatChoice.JSON_SCHEMA and len(found) > 1:
        raise typer.BadParameter("one document is one topic: expected --topic, or --out for all", param_hint="--format")
    typer.echo(_text(next(iter(_documents(found, form).values()))), nl=False)


def _text(value: Any) -> str:
    import json

    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _listed(one: TopicContract) -> dict[str, Any]:
    return {
        "topic": one.topic,
        "promise": one.promise,
        "contents": one.contents,
        "keys": list(dict.fromkeys(form.key.words for form in one.forms)),
        "values": list(dict.fromkeys(form.model.__name__ for form in one.forms)),
    }


def _line(one: TopicContract) -> str:
    return f"{one.promise:<9}  {one.topic:<29}  {', '.join(dict.fromkeys(form.model.__name__ for form in one.forms))}"
