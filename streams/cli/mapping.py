"""`lofty-ghl mapping`: show, check and preview mappings, and change them while everything runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from streams.cli.shared import (
    AWAY,
    DEFAULT_CONFIG,
    WRONG,
    ConfigOption,
    ConnectionOption,
    JsonOption,
    YesOption,
    connection_or_refuse,
    login_name,
    named_connections,
    print_json,
    refuse,
    say,
    settings_in_force,
    settings_or_refuse,
    with_kafka,
)

if TYPE_CHECKING:
    from streams.mapping_versions.listing import MappingState
    from streams.operations.mapping_preview.editor import MappingEditor
    from streams.operations.mapping_preview.lead_samples import LeadSamples
    from streams.settings import Settings

mapping = typer.Typer(
    name="mapping",
    help="Show, check and preview mappings, and change them while everything runs.",
    no_args_is_help=True,
)
T = TypeVar("T")

NameArgument = Annotated[str, typer.Argument(help="The mapping's name.", show_default=False)]
VersionOption = Annotated[
    int,
    typer.Option(
        "--version", help="The version that your edit is based on; the newest by default.", show_default=False
    ),
]
BySomebody = Annotated[
    str, typer.Option("--by", help="Your name for the history; your login name by default.", show_default=False)
]
FileOption = Annotated[
    Path | None, typer.Option("--file", "-f", help="A file with the mapping's text.", show_default=False)
]


@mapping.command()
def show(
    name: Annotated[str, typer.Argument(help="Only this mapping, with its text.", show_default=False)] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List the mappings, their connections, and the version in use; with a name, print its text.

    Exit code 1 when the newest version does not compile here.

    Example: lofty-ghl mapping show acme > acme.toml
    """
    settings = settings_or_refuse(config)
    state = _with_editor(settings, _state)
    if name:
        found = state.mapping(name) or refuse(f"no mapping {name!r}; there are {_names(state)}")
        print_json(asdict(found)) if as_json else typer.echo(found.text, nl=False)
        return
    if as_json:
        print_json({key: value for key, value in asdict(state).items() if key != "history"})
    else:
        _print_state(state)
    raise typer.Exit(WRONG if state.broken else 0)


@mapping.command()
def edit(
    name: NameArgument,
    config: ConfigOption = DEFAULT_CONFIG,
    file: FileOption = None,
    version: VersionOption = -1,
    by: BySomebody = "",
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Change a mapping, or make a new one; the workers use it within seconds. Without --file it opens in an editor.

    With --version the edit is refused if somebody has saved since that version.

    Example: lofty-ghl mapping edit acme --file acme.toml
    """
    settings = settings_or_refuse(config)
    text, made_on = _read(file) if file is not None else None, version
    if text is None:
        state = _with_editor(settings, _state)
        known = state.mapping(name)
        text, made_on = _in_an_editor(known.text if known is not None else "", name), max(version, state.version)

    async def work(editor: MappingEditor) -> MappingState | None:
        known = editor.state().mapping(name)
        if text is None or (known is not None and text == known.text):
            return None
        editor.candidate(name, text)
        if not (yes or as_json or file is not None):
            say("\n".join(_diff(known.text if known is not None else "", text)))
            typer.confirm("Save it?", abort=True)
        made = made_on if made_on >= 0 else editor.version
        return await editor.save(name, text, expected_version=made, by=by or login_name())

    _print_saved(_with_editor(settings, work), as_json=as_json, name=name)


@mapping.command()
def use(
    connection: Annotated[str, typer.Argument(help="The connection.", show_default=False)],
    name: Annotated[str, typer.Argument(help="The mapping; leave out for the one of the file.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    version: VersionOption = -1,
    by: BySomebody = "",
    as_json: JsonOption = False,
) -> None:
    """Give a connection another mapping.

    Example: lofty-ghl mapping use acme acme-2026
    """
    settings = settings_in_force(config)
    connection_or_refuse(settings, connection)

    async def work(editor: MappingEditor) -> MappingState:
        made_on = version if version >= 0 else editor.version
        return await editor.use(connection, name or None, expected_version=made_on, by=by or login_name())

    _print_saved(_with_editor(settings, work), as_json=as_json)


@mapping.command()
def history(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show who changed what, the newest first, with the lines removed and added.

    Example: lofty-ghl mapping history
    """
    from streams.core.moments import utc

    state = _with_editor(settings_or_refuse(config), _state)
    if as_json:
        print_json([asdict(one) for one in state.history])
        return
    for one in state.history:
        at = utc(one.at_ms).isoformat(timespec="seconds")
        what = {
            "text": f"mapping {one.name}" + (": back to the file's" if one.text is None else ""),
            "use": f"connection {one.name} uses {one.text or 'the mapping of the file'}",
            "revert": f"back to version {one.text}",
        }[one.kind]
        typer.echo(f"{one.version:>4}  {at}  {one.by}  {what}")
        if one.kind == "text":
            for line in _diff(one.before or "", one.text or ""):
                typer.echo(f"        {line}")
    if not state.history:
        typer.echo("no edits: the mappings are those of the file")


@mapping.command()
def revert(
    to_version: Annotated[int, typer.Argument(help="The version to go back to; 0 is the file alone.", min=0)],
    config: ConfigOption = DEFAULT_CONFIG,
    version: VersionOption = -1,
    by: BySomebody = "",
    as_json: JsonOption = False,
) -> None:
    """Restore all mappings of a version. This is an edit, too: the history goes on.

    Example: lofty-ghl mapping revert 3
    """

    async def work(editor: MappingEditor) -> MappingState:
        made_on = version if version >= 0 else editor.version
        return await editor.revert(to_version, expected_version=made_on, by=by or login_name())

    _print_saved(_with_editor(settings_or_refuse(config), work), as_json=as_json)


@mapping.command()
def check(
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    file: FileOption = None,
    name: Annotated[str, typer.Option("--name", help="The mapping whose text is in --file.", show_default=False)] = "",
    as_json: JsonOption = False,
) -> None:
    """Compare mappings with the locations: custom fields and their types, users, tags. Asks the workers.

    Exit code 0: it fits, or will. 1: something does not. 3: no worker answered.

    Example: lofty-ghl mapping check --connection acme
    """
    from streams.operations.mapping_preview.check import check as run_check

    settings = settings_in_force(config)
    named = [one.name for one in named_connections(settings, connection)]

    async def work(editor: MappingEditor) -> tuple[list[dict[str, str]], bool]:
        chosen = _candidate(editor, file, name, named)
        found = await run_check(chosen, [chosen.connections[one] for one in named])
        return [asdict(one) for one in found], any(one.subject == "the location" for one in found)

    rows, is_silent = _with_editor(settings, work)
    if as_json:
        print_json(rows)
    else:
        for row in rows:
            typer.echo(f"{row['verdict']:<15} {row['connection']}  {row['subject']}: {row['says']}")
            if row["mend"]:
                typer.echo(f"{'':<15} → {row['mend']}")
    is_wrong = any(row["verdict"] == "wrong" for row in rows)
    raise typer.Exit(WRONG if is_wrong else AWAY if is_silent else 0)


@mapping.command()
def preview(
    lead: Annotated[
        list[str] | None, typer.Argument(help="Lofty ids of leads; a few of the newest by default.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    file: FileOption = None,
    name: Annotated[str, typer.Option("--name", help="The mapping whose text is in --file.", show_default=False)] = "",
    as_json: JsonOption = False,
) -> None:
    """Show how a lead is mapped, step by step, beside what GHL holds; with --file, what that text would change.

    Example: lofty-ghl mapping preview 600123 --file acme.toml
    """
    from streams.cli.mapping_output import print_preview
    from streams.operations.mapping_preview.lead_samples import latest_leads, read_leads
    from streams.operations.mapping_preview.preview import differences

    settings = settings_in_force(config)
    connections = [one.name for one in named_connections(settings, connection)]

    async def work(editor: MappingEditor) -> tuple[LeadSamples, Settings, Settings]:
        chosen = _candidate(editor, file, name, connections)
        pairs = [(one, number) for number in lead or () for one in connections]
        if not lead:
            pairs = [(s.connection, s.lead) for one in connections for s in await latest_leads(settings, one, 3)]
        return await read_leads(settings, pairs), editor.settings(), chosen

    samples, now, chosen = _with_editor(settings, work)
    missing = [number for number in lead or () if not any(found[1] == number for found in samples.snapshots)]
    if missing or not samples.snapshots:
        whose = f"lead {missing[0]}" if missing else "any lead"
        refuse(f"lofty.snapshots has nothing of {whose}: was it read yet? See `lofty-ghl explain`", WRONG)
    befores, afters = samples.previews(now), samples.previews(chosen)
    changes = [differences(*pair) for pair in zip(befores, afters, strict=True)]
    if as_json:
        rows = [asdict(one) | {"changes": [asdict(c) for c in some]} for one, some in zip(afters, changes, strict=True)]
        print_json({"leads": rows, "trouble": samples.trouble})
        return
    for words in samples.trouble.values():
        say(f"{words} The output leaves out what GHL holds.")
    for one, some in zip(afters, changes, strict=True):
        print_preview(one, some if file is not None else None)


async def _state(editor: MappingEditor) -> MappingState:
    return editor.state()


def _with_editor(settings: Settings, work: Callable[[MappingEditor], Awaitable[T]]) -> T:
    """Do something with the mappings; a refusal ends the command with its reason."""

    from streams.mapping_versions.errors import MappingRefused, WrongMapping
    from streams.operations.mapping_preview.editor import MappingEditor

    async def run() -> T:
        async with MappingEditor(settings) as editor:
            return await work(editor)

    try:
        return with_kafka(settings, run)
    except WrongMapping as error:
        refuse("\n".join(["this text is invalid:", *(f"  {problem}" for problem in error.problems)]))
    except MappingRefused as error:
        refuse(str(error), WRONG)
    except TimeoutError:
        refuse(
            "Kafka acknowledged the edit but did not deliver it in time: check with `lofty-ghl mapping history`", AWAY
        )


def _candidate(editor: MappingEditor, file: Path | None, name: str, connections: list[str]) -> Settings:
    """The settings in use, or those with a text that is not saved.

    Where none of the connections uses that mapping, all are shown as if they did.
    """
    if file is None:
        return editor.settings()
    text = _read(file)
    chosen = name or _named(text) or file.stem
    uses = editor.state().uses
    return editor.candidate(chosen, text, () if chosen in {uses[one] for one in connections} else connections)


def _named(text: str) -> str:
    """The name of the mapping that a text holds; empty when there is none."""
    import re

    found = re.search(r"^\s*\[mappings\.([a-z0-9_-]+)", text, re.MULTILINE)
    return found[1] if found else ""


def _in_an_editor(text: str, name: str) -> str | None:
    """The text after an edit in $EDITOR; None when it was not changed."""
    import click

    from streams.mapping_versions.texts import new_text

    try:
        return click.edit(text or new_text(name), extension=".toml")
    except click.ClickException as error:
        refuse(f"no editor: {error.format_message()}. Set EDITOR, or give --file")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        refuse(f"{file}: expected a readable text in UTF-8: {error}")


def _print_saved(state: MappingState | None, *, as_json: bool, name: str = "") -> None:
    if state is None:
        typer.echo("nothing to do: the text is unchanged")
        return
    if as_json:
        print_json({"version": state.version, "uses": state.uses})
        return
    typer.echo(f"version {state.version} is saved; the workers use it within seconds (`lofty-ghl status`)")
    found = state.mapping(name) if name else None
    if found is not None and not found.used_by:
        typer.echo(f"no connection uses {name} yet: lofty-ghl mapping use CONNECTION {name}")
    else:
        typer.echo("existing contacts follow with `lofty-ghl replay lofty.snapshots`, or when they change")


def _print_state(state: MappingState) -> None:
    typer.echo(f"version {state.in_force_version} is in use")
    for one in state.mappings:
        used = f"used by {', '.join(one.used_by)}" if one.used_by else "not used"
        saved = f", version {one.version} by {one.by}" if one.version else ""
        typer.echo(f"{one.name:<24} {one.source}{saved}  {used}")
    if state.broken:
        typer.echo(f"version {state.version} does not compile here; save a valid text, or use `mapping revert`:")
        for problem in state.broken:
            typer.echo(f"  {problem}")


def _diff(before: str, after: str) -> list[str]:
    import difflib

    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def _names(state: MappingState) -> str:
    return ", ".join(one.name for one in state.mappings)
