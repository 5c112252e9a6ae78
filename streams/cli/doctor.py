"""`lofty-ghl doctor`: is everything as it must be, and if not, what mends it?"""

from __future__ import annotations

import os

import typer

from streams.cli.shared import DEFAULT_CONFIG, UNUSABLE, ConfigOption, JsonOption, print_json


def doctor(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Look at configuration, Kafka, credentials, scopes, webhooks, fields, clocks, keys and disk, all within 15 seconds.

    Each line is ok, or says what is wrong and the command that mends it. Each vendor is asked four requests at most.
    Exit code 0: all is well. 1: something is wrong. 2: the configuration is. 3: Kafka or a vendor does not answer.

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
    if as_json:
        print_json({"exit_code": code, "verdicts": [asdict(one) for one in found.verdicts]})
    else:
        for one in found.verdicts:
            typer.echo(f"{one.level:<13} {one.check:<13} {one.subject}: {one.says}")
            if one.mend and one.level != "ok":
                typer.echo(f"{'':<13} → {one.mend}")
    raise typer.Exit(code)
