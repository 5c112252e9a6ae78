"""`lofty-ghl notifications`: a test message to those who are notified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.shared import (
    DEFAULT_CONFIG,
    WRONG,
    ConfigOption,
    JsonOption,
    now_ms,
    print_findings,
    refuse,
    settings_or_refuse,
)

if TYPE_CHECKING:
    from streams.operations.notifications.recipients import Subscriber
    from streams.settings import Settings

notifications = typer.Typer(
    name="notifications", help="Messages to people when something broke, or works again.", no_args_is_help=True
)


@notifications.command("test")
def send_test(
    config: ConfigOption = DEFAULT_CONFIG,
    to: Annotated[str, typer.Option("--to", help="Only this recipient, by its name in the configuration.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Send a test message to each recipient of the configuration, from this machine, and report what came of it. Needs no Kafka.

    Recipients that were set in the console are tested on its page Notifications.

    Exit code 0: all were delivered. 1: one was not; the output says why. 2: wrong usage or configuration.

    Example: lofty-ghl notifications test --to operations
    """
    import asyncio

    from streams.operations.notifications.recipients import subscribers

    settings = settings_or_refuse(config)
    chosen = [one for one in subscribers(settings) if to in ("", one.name)]
    if not chosen:
        names = ", ".join(one.name for one in settings.notifications.recipients)
        known = f"the configuration has {names}" if names else "the configuration has none in [notifications]"
        others = "recipients that were set in the console are tested on its page Notifications"
        refuse(f"there is no recipient{f' {to!r}' if to else ''}: {known}; {others}")
    results = asyncio.run(_send(settings, chosen))
    document = [{"recipient": name, "is_delivered": not why, "why": why, "note": note} for name, why, note in results]
    lines = (
        f"{name}: not delivered: {why}" if why else f"{name}: delivered{f', but not to {note}' if note else ''}"
        for name, why, note in results
    )
    print_findings(document, lines, as_json=as_json)
    raise typer.Exit(WRONG if any(why for _, why, _ in results) else 0)


async def _send(settings: Settings, chosen: list[Subscriber]) -> list[tuple[str, str, str]]:
    """Name, why it was not delivered, and what was not as usual, of each."""
    import asyncio
    import getpass
    import uuid

    from streams.operations.notifications.delivery import Delivery, Letter, Undelivered
    from streams.operations.notifications.figures import wording_of

    delivery = Delivery(settings)

    async def one(to: Subscriber) -> tuple[str, str, str]:
        text = wording_of(settings, to).test(to.name, getpass.getuser())
        try:
            note = await delivery.deliver(to.recipient, Letter(uuid.uuid4().hex, now_ms(), text.subject, text.body))
        except Undelivered as error:
            return to.name, str(error), ""
        return to.name, "", note

    return list(await asyncio.gather(*(one(to) for to in chosen)))
