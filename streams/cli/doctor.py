"""`lofty-ghl doctor`: finds what is wrong, and names the command that fixes it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.shared import (
    DEFAULT_CONFIG,
    UNUSABLE,
    ConfigOption,
    ConnectionOption,
    JsonOption,
    connection_or_refuse,
    print_findings,
    progress_bar,
    settings_in_force,
)
from streams.cli.status_output import FEW, FOR_THE_OTHERS, some_of

if TYPE_CHECKING:
    from streams.operations.doctor.check_result import CheckResult
    from streams.operations.doctor.run import Examination
    from streams.settings import Settings

AT_ONCE = 64
"""So many checks run at a time: a thousand connections at once would wait for each other until none is answered in time."""

LONG_SECONDS = 60.0
"""Where it takes longer, the bar says how long."""


def doctor(
    config: ConfigOption = DEFAULT_CONFIG,
    connection: ConnectionOption = "",
    everything: Annotated[bool, typer.Option("--all", help="Print each line, also of what is ok.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check configuration, Kafka, credentials, scopes, webhooks, fields, recipients, clocks, keys and disk.

    Each line is ok, or says what is wrong and how to fix it. GHL gets four requests for a connection, Lofty two for a key.
    It uses half of each vendor's limit, and ends within 15 seconds with up to thirty connections. A thousand keys of one Lofty app
    with 500 requests a minute take 8 minutes.
    With more than five connections, what is wrong comes first, and what is ok is counted; --all prints each line, as does --json.
    --connection asks the vendors of this one connection only.
    Exit code 0: all is well. 1: something is wrong. 2: the configuration is wrong. 3: Kafka or a vendor does not answer.

    Example: lofty-ghl doctor --connection acme
    """
    from dataclasses import asdict

    from streams.cli.found_partitions import with_partitions
    from streams.cli.run_async import run_async
    from streams.operations.doctor.check_result import CheckResult
    from streams.operations.doctor.run import Examination
    from streams.settings import SettingsError, load_settings

    try:
        settings = with_partitions(load_settings(config, os.environ))
        only = _named(settings, config, connection) if connection else None
        found = run_async(_examine(settings, only))
        code = found.exit_code
    except SettingsError as error:
        verdicts = (
            CheckResult("configuration", one.where, "wrong", str(one), f"edit {config}") for one in error.problems
        )
        found, code = Examination(tuple(verdicts)), UNUSABLE
    document = {"exit_code": code, "verdicts": [asdict(one) for one in found.verdicts]}
    print_findings(document, lines(found.verdicts, everything=everything), as_json=as_json)
    raise typer.Exit(code)


def _named(settings: Settings, config: Path, name: str) -> list[str]:
    """The id of a connection; one that is not in the file is looked for in Kafka."""
    found = settings.connection(name) or connection_or_refuse(settings_in_force(config), name)
    return [found.name]


async def _examine(settings: Settings, only: list[str] | None) -> Examination:
    from streams.core.sweep_schedules import length
    from streams.operations.doctor.run import examine

    with progress_bar() as bar:
        task = bar.add_task("checks", total=None)

        def foretell(seconds: float) -> None:
            if seconds > LONG_SECONDS:
                bar.update(task, description=f"checks, {length(seconds / 60)} by the vendors' limits")

        return await examine(
            settings,
            only=only,
            at_once=AT_ONCE,
            on_progress=lambda done, of: bar.update(task, completed=done, total=of),
            foretell=foretell,
        )


def lines(results: Sequence[CheckResult], *, everything: bool = False) -> Iterator[str]:
    """The results as a person reads them. Of many connections: what is wrong first, like things together, and how much is ok."""
    if everything or len({one.connection for one in results if one.connection}) <= FEW:
        for result in results:
            yield from _line((result,))
        return
    from collections import Counter

    from streams.operations.status.summary import together

    for group in together((one for one in results if one.level != "ok"), lambda one: (one.level, one.check, one.says)):
        yield from _line(group)
    ok = Counter(one.check for one in results if one.level == "ok")
    for check, number in ok.items():
        yield f"{'ok':<13} {check:<13} {number}"
    yield f"{'':<13} lofty-ghl doctor --all prints each line"


def _line(group: tuple[CheckResult, ...]) -> Iterator[str]:
    first = group[0]
    yield f"{first.level:<13} {first.check:<13} {some_of([one.subject for one in group])}: {first.says}"
    if first.mend and first.level != "ok":
        more = FOR_THE_OTHERS if len({one.mend for one in group}) > 1 else ""
        yield f"{'':<13} → {first.mend}{more}"
