"""`lofty-ghl sandbox ghl|lofty|town`: a simulated vendor on this machine, and activity at two agencies."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.shared import refuse, stop_on_signals

if TYPE_CHECKING:
    from connectors.sandbox.shared.shell import Served
    from connectors.sandbox.shared.state_file import Remembering, StateFile

sandbox = typer.Typer(
    name="sandbox",
    help="Run a sandbox of a vendor: its answers, limits and faults. The control API is under /_sandbox/.",
    no_args_is_help=True,
)

HostOption = Annotated[str, typer.Option(help="The address to listen at.")]
LatencyOption = Annotated[float, typer.Option(help="How long an answer takes, in seconds.", min=0)]
LimitOption = Annotated[int, typer.Option(help="Requests in a window; 0 means no limit.", min=0)]
WindowOption = Annotated[float, typer.Option(help="The window's length in seconds.", min=0.01)]
ClientOption = Annotated[list[str] | None, typer.Option(help="ID=SECRET of an OAuth client; repeat for more.")]
StateOption = Annotated[
    Path | None,
    typer.Option(help="Store the sandbox's content in this file, so that it survives a restart.", dir_okay=False),
]
TokenLifeOption = Annotated[float, typer.Option(help="How long an OAuth access token lives, in seconds.", min=1)]


@sandbox.command("ghl")
def ghl(
    location: Annotated[list[str], typer.Option(help="LOCATION_ID=TOKEN; repeat for more locations.")],
    host: HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 9101,
    latency: LatencyOption = 0.05,
    limit: LimitOption = 100,
    window: WindowOption = 10.0,
    allow_duplicates: Annotated[bool, typer.Option(help="GHL's setting Allow Duplicate Contact.")] = False,
    client: ClientOption = None,
    token_life: TokenLifeOption = 86_399,
    webhooks: Annotated[
        str, typer.Option(help="The address for its signed webhooks, such as http://localhost:8080/ghl/webhooks")
    ] = "",
    state: StateOption = None,
) -> None:
    """Run a sandbox of GoHighLevel. Its consent page is /v2/oauth/chooselocation.

    Example: lofty-ghl sandbox ghl --location ve9EPM428h8vShlRW1KT=pit-rehearsal --client app1-rehearsal=s3cret
    """
    from connectors.sandbox import ghl as ghl_sandbox

    locations = tuple(
        ghl_sandbox.LocationSettings(name, (token,), allow_duplicates=allow_duplicates)
        for name, token in map(_pair, location)
    )
    settings = ghl_sandbox.GhlSandboxSettings(
        locations=locations,
        clients=tuple(ghl_sandbox.GhlClientSettings(name, secret) for name, secret in map(_pair, client or ())),
        access_seconds=token_life,
        latency_seconds=latency,
        window_limit=limit,
        window_seconds=window,
        hooks=ghl_sandbox.HookSettings(url=webhooks or None),
    )
    if webhooks:
        from connectors.sandbox.ghl.mailer import public_key

        typer.echo("The public key of its webhooks, for gateway.ghl.public_keys:", err=True)
        typer.echo(public_key(settings), err=True)

    async def serve() -> None:
        sandbox = ghl_sandbox.GhlSandbox(settings)
        file = _state_file(state, sandbox)
        await _until_stopped(await ghl_sandbox.serve(sandbox, host, port), file)

    _run(serve)


@sandbox.command("lofty")
def lofty(
    team: Annotated[list[str], typer.Option(help="TEAM_ID=API_KEY; repeat for more teams.")],
    host: HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 9102,
    latency: LatencyOption = 0.05,
    limit: LimitOption = 500,
    window: WindowOption = 60.0,
    client: ClientOption = None,
    redirect_uri: Annotated[str, typer.Option(help="The address to which the consent page leads back.")] = "",
    token_life: TokenLifeOption = 7_200,
    state: StateOption = None,
) -> None:
    """Run a sandbox of Lofty. Its webhooks may call plain http. Its consent page is /page/vendor-auth.html.

    Example: lofty-ghl sandbox lofty --team 123456=rehearsal-key
    """
    from connectors.sandbox import lofty as lofty_sandbox

    teams = []
    for name, key in map(_pair, team):
        if not name.isdigit():
            refuse(f"--team: expected a team's number before the =, got {name!r}")
        teams.append(lofty_sandbox.TeamSettings(int(name), (key,)))
    clients = tuple(
        lofty_sandbox.LoftyClientSettings(name, secret, redirect_uri) for name, secret in map(_pair, client or ())
    )
    settings = lofty_sandbox.LoftySandboxSettings(
        teams=tuple(teams),
        clients=clients,
        access_seconds=token_life,
        latency_seconds=latency,
        window_limit=limit,
        window_seconds=window,
        allows_http=True,
    )

    async def serve() -> None:
        sandbox = lofty_sandbox.LoftySandbox(settings)
        file = _state_file(state, sandbox)
        await _until_stopped(await lofty_sandbox.serve(sandbox, host, port), file)

    _run(serve)


@sandbox.command("town")
def town(
    lofty_url: Annotated[
        str, typer.Option("--lofty", help="The address of Lofty's sandbox.")
    ] = "http://localhost:9102",
    ghl_url: Annotated[str, typer.Option("--ghl", help="The address of GHL's sandbox.")] = "http://localhost:9101",
    gateway: Annotated[str, typer.Option(help="The address of the gateway.")] = "http://localhost:8080",
    leads: Annotated[int, typer.Option(help="The number of leads of each agency at the start.", min=2)] = 40,
    pause: Annotated[float, typer.Option(help="Seconds from one burst of edits to the next.", min=0.01)] = 3.0,
) -> None:
    """Generate activity at the demo's two agencies on both sandboxes, until stopped, as `docker compose --profile demo up` does.

    Waits for a sandbox or gateway that does not answer. The sandboxes must have the demo's teams and locations.

    Example: lofty-ghl sandbox town --lofty http://localhost:9102 --ghl http://localhost:9101
    """

    import asyncio

    import aiohttp

    from streams.demo.generator import ActivityGenerator, DemoAddresses, GeneratorSettings

    async def play() -> None:
        stop = stop_on_signals()
        addresses = DemoAddresses(*(one.rstrip("/") for one in (lofty_url, ghl_url, gateway)))
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as http:
            playing = asyncio.create_task(
                ActivityGenerator(http, addresses, GeneratorSettings(leads, pause), typer.echo).run()
            )
            stopping = asyncio.create_task(stop.wait())
            done, pending = await asyncio.wait((playing, stopping), return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            for task in done:
                task.result()

    asyncio.run(play())


def _pair(text: str) -> tuple[str, str]:
    name, equals, secret = text.partition("=")
    if not (name and equals and secret):
        refuse(f"expected NAME=SECRET, such as 123456=rehearsal-key, got {name!r} without a secret")
    return name, secret


def _run(serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
    import asyncio

    try:
        asyncio.run(serve())
    except OSError as error:
        refuse(f"cannot listen: {error.strerror}. Is the port taken? --port 0 takes a free one.")


def _state_file(path: Path | None, sandbox: Remembering) -> StateFile | None:
    """The file of a sandbox's state, loaded into the sandbox."""
    if path is None:
        return None
    from connectors.sandbox.shared.state_file import StateFile, UnreadableState

    file = StateFile(path, sandbox)
    try:
        file.load()
        file.save()  # a file that cannot be written is reported now
    except UnreadableState as error:
        refuse(str(error))
    except OSError as error:
        refuse(f"--state {path}: {error.strerror}")
    return file


async def _until_stopped(served: Served, file: StateFile | None) -> None:
    import asyncio

    stop = stop_on_signals()
    saving = asyncio.create_task(file.save_until_cancelled(lambda words: typer.echo(words, err=True))) if file else None
    async with served:
        typer.echo(served.url)
        await stop.wait()
    if file is not None and saving is not None:
        saving.cancel()
        await asyncio.gather(saving, return_exceptions=True)
        file.save()  # after the last answer went out
