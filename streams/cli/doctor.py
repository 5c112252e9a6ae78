"""`lofty-ghl doctor`: finds what is wrong, and names the command that fixes it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import typer

from streams.cli.shared import DEFAULT_CONFIG, UNUSABLE, ConfigOption, JsonOption, print_findings

if TYPE_CHECKING:
    from streams.operations.doctor.check_result import CheckResult


def doctor(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Check configuration, Kafka, credentials, scopes, webhooks, fields, recipients, clocks, keys and disk, all within 15 seconds.

    Each line is ok, or says what is wrong and how to fix it. Each vendor gets four requests at most.
    Exit code 0: all is well. 1: something is wrong. 2: the configuration is wrong. 3: Kafka or a vendor does not answer.

    Example: lofty-ghl doctor --json
    """
    import asyncio
    from dataclasses import asdict

    from streams.operations.doctor.check_result import CheckResult
    from streams.operations.doctor.run import Examination, examine
    from streams.settings import SettingsError, load_settings

    try:
        found = asyncio.run(examine(load_settings(config, os.environ)))
        code = found.exit_code
    except SettingsError as error:
        verdicts = (
            CheckResult("configuration", one.where, "wrong", str(one), f"edit {config}") for one in error.problems
        )
        found, code = Examination(tuple(verdicts)), UNUSABLE
    document = {"exit_code": code, "verdicts": [asdict(one) for one in found.verdicts]}
    print_findings(document, _lines(found.verdicts), as_json=as_json)
    raise typer.Exit(code)


def _lines(results: Iterable[CheckResult]) -> Iterator[str]:
    for result in results:
        yield f"{result.level:<13} {result.check:<13} {result.subject}: {result.says}"
        if result.mend and result.level != "ok":
            yield f"{'':<13} → {result.mend}"
