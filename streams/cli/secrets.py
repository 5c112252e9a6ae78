"""`lofty-ghl secrets`: the keys that seal stored tokens and credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from streams.cli.shared import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    print_json,
    refuse,
    refuse_on,
    say,
    settings_or_refuse,
    with_kafka,
)

if TYPE_CHECKING:
    from streams.oauth.rotation import KeyRotation

secrets = typer.Typer(
    name="secrets", help="The keys that seal OAuth tokens and pasted credentials.", no_args_is_help=True
)


@secrets.command()
def rotate(
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Seal every stored token and credential again under the first key of LOFTY_GHL_TOKEN_KEYS.

    To change a key: put the new one before the old one, restart workers and gateway, run this until nothing is left under
    the old key, and then remove it. Safe to repeat. Exit code 0: all are under the first key. 1: no key opens some of them.
    2: wrong usage. 3: Kafka cannot be used.

    Example: lofty-ghl secrets rotate
    """
    from connectors.errors import SealError
    from streams.oauth.grants import Grants
    from streams.oauth.key_rotation import rotate_keys

    settings = settings_or_refuse(config, "ghl_token", "lofty_api_key")
    if settings.oauth_secrets.token_keys is None:
        refuse("LOFTY_GHL_TOKEN_KEYS is not set, so no token and no credential is stored")
    with refuse_on(SealError):
        grants = Grants(settings, settings.key_ring)
        found = with_kafka(settings, lambda: rotate_keys(grants))
    _print(found, grants.ring.current_id, as_json=as_json)
    raise typer.Exit(1 if found.closed else 0)


def _print(found: KeyRotation, key: str, *, as_json: bool) -> None:
    if as_json:
        facts = {"key": key, "resealed": found.resealed, "kept": found.kept, "closed": found.closed}
        print_json(facts)
        return
    typer.echo(f"sealed again under key {key}: {len(found.resealed)}; already under it: {len(found.kept)}")
    for token, why in found.closed.items():
        say(f"{token} was not changed: {why}")
