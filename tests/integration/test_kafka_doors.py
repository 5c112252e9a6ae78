"""Each of Kafka's doors, on a real broker: a lead goes through each with the rights of deploy/kafka-acls.md and no more, certificates
and tokens are renewed while everything runs, and whatever keeps us out is one line that names it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.deadlines import within
from tests.integration.stage import ENVIRON, Stage, stage
from tests.kafka.acl_page import rights_of_the_page
from tests.kafka.broker import real_broker
from tests.kafka.doors import SESSION_SECONDS, Doors, kafka_with_doors
from tests.kafka.guarded import PASSWORD, Authority
from tests.kafka.jars import why_unavailable

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(why_unavailable() is not None, reason=f"no real Kafka: {why_unavailable()}"),
]

PRINCIPALS = {"scram": "app", "mtls": "CN=app", "endpoint": "app", "file": "app"}
SECRETS = {
    "scram": {"LOFTY_GHL_KAFKA_PASSWORD": PASSWORD},
    "mtls": {"LOFTY_GHL_KAFKA_KEY_PASSWORD": "of-the-key"},
    "endpoint": {"LOFTY_GHL_KAFKA_CLIENT_SECRET": "secret-of-app"},
    "file": {},
}


@pytest.fixture(scope="module")
def doors() -> Iterator[Doors]:
    with kafka_with_doors() as running:
        yield running


def settings_of(doors: Doors, door: str, folder: Path) -> str:
    """The lines of `[kafka]` for a door, and the files that they name."""
    trusts = f'ssl_cafile = "{doors.authority_file}"\n'
    if door == "scram":
        return trusts + 'security_protocol = "SASL_SSL"\nsasl_mechanism = "SCRAM-SHA-512"\nsasl_username = "app"\n'
    if door == "mtls":
        write_certificate(doors.authority, folder)
        files = f'ssl_certfile = "{folder}/app.pem"\nssl_keyfile = "{folder}/app.pem"\n'
        return trusts + files + 'security_protocol = "SSL"\n'
    bearer = trusts + 'security_protocol = "SASL_SSL"\nsasl_mechanism = "OAUTHBEARER"\n'
    if door == "file":
        write_token(doors, folder)
        return bearer + f'oauth_file = "{folder}/token"\n'
    return bearer + f'oauth_endpoint = "{doors.tokens.url}/token"\noauth_client_id = "app"\noauth_scope = "kafka"\n'


def write_certificate(authority: Authority, folder: Path, *, is_over: bool = False) -> None:
    """A new certificate and key of ours, in one file."""
    made = folder / "new.pem"
    made.write_text(authority.sign("app", is_over=is_over, password="of-the-key"))
    made.replace(folder / "app.pem")


def write_token(doors: Doors, folder: Path, **how: float) -> None:
    """A new token, in the place of the old one."""
    made = folder / "token.new"
    made.write_text(doors.tokens.token("app", **how) + "\n")
    made.replace(folder / "token")


def place_of(doors: Doors, door: str) -> str:
    """Its address."""
    return {"scram": doors.scram, "mtls": doors.mtls}.get(door, doors.oauth)


@asynccontextmanager
async def staged(doors: Doors, door: str, folder: Path) -> AsyncIterator[Stage]:
    """A gateway and a worker behind a door, with the rights of the page alone."""
    plain = real_broker(doors.plain, "doors")

    def create(topics: Mapping[str, Mapping[str, str]], partitions: int) -> None:
        [changes] = [name for name in topics if name.endswith("lofty.changes")]
        prefix = changes.removesuffix("lofty.changes")
        for right in rights_of_the_page():
            if right.user == "app":
                name = prefix + right.name.removeprefix("crm.")
                doors.allow(right.kind, name, right.operation, is_prefix=right.is_prefix, user=PRINCIPALS[door])
        plain.create_topics(topics, partitions)

    broker = replace(plain, bootstrap=place_of(doors, door), create=create)
    settings = settings_of(doors, door, folder)
    async with stage(broker, folder, kafka=settings, environ=SECRETS[door]) as on:
        yield on


async def is_carried(on: Stage) -> None:
    """A new lead is in GHL."""
    lead = on.new_lead()
    await on.until(lambda: lead in on.contacts(), 90)


async def run(folder: Path, text: str, *words: str, environ: Mapping[str, str]) -> tuple[int, str]:
    """A command; its exit code and all that it says."""
    file = folder / "command.toml"
    file.write_text(text)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.cli", *words, "--config", str(file)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**ENVIRON, **environ, "COLUMNS": "900"},
    )
    try:
        async with asyncio.timeout(within(120)):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert b"Traceback" not in said, said.decode()
    return process.returncode or 0, said.decode()


@pytest.mark.parametrize("door", ["scram", "mtls", "endpoint", "file"])
async def test_a_lead_goes_through_each_door_with_the_rights_of_the_page(
    doors: Doors, tmp_path: Path, door: str
) -> None:
    """By a gateway and a worker; a command comes in by the same door. Where sessions end, both live through several."""
    async with staged(doors, door, tmp_path) as on:
        await is_carried(on)
        code, said = await run(tmp_path, on.config, "explain", next(iter(on.contacts())), environ=SECRETS[door])
        assert code == 0, said
        if door != "mtls":
            await asyncio.sleep(2 * SESSION_SECONDS)
            await is_carried(on)


async def test_a_certificate_is_renewed_while_everything_runs(doors: Doors, tmp_path: Path) -> None:
    """After the broker was restarted, every connection is new, and takes the new file."""
    async with staged(doors, "mtls", tmp_path) as on:
        await is_carried(on)
        write_certificate(doors.authority, tmp_path)
        doors.node.restart()
        await is_carried(on)


@pytest.fixture(autouse=True)
def no_token_of_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process keeps its token while it is valid: also that of the test before, which may live for minutes."""
    monkeypatch.setattr("streams.kafka.tokens._sources", {})


async def test_a_token_is_renewed_while_everything_runs(doors: Doors, tmp_path: Path) -> None:
    """Tokens live for seconds: the endpoint is asked again and again, fails for a while, and comes back."""
    tokens = doors.tokens
    tokens.seconds = 6.0
    try:
        async with staged(doors, "endpoint", tmp_path) as on:
            await is_carried(on)
            asked = tokens.asked
            await on.until(lambda: tokens.asked >= asked + 2)
            await is_carried(on)
            tokens.is_broken = True
            asked = tokens.asked
            await on.until(lambda: tokens.asked >= asked + 3)
            tokens.is_broken = False
            await is_carried(on)
    finally:
        tokens.seconds, tokens.is_broken = 300.0, False


async def test_a_token_file_is_read_again(doors: Doors, tmp_path: Path) -> None:
    """Something else writes a token of a few seconds into it again and again, as a sidecar does."""
    lives = 3 * SESSION_SECONDS

    async def renew() -> None:
        while True:
            write_token(doors, tmp_path, seconds=lives)
            await asyncio.sleep(lives / 4)

    async with staged(doors, "file", tmp_path) as on:
        renewing = asyncio.create_task(renew())
        try:
            await is_carried(on)
            await asyncio.sleep(2 * lives)
            await is_carried(on)
        finally:
            renewing.cancel()


CONFIG = """
[kafka]
topic_prefix = "{prefix}"
bootstrap_servers = "{server}"
{kafka}
[worker]
store = "memory"
port = 0
[connections.acme]
[connections.acme.lofty]
team_id = "1"
[connections.acme.ghl]
location_id = "L"
"""

TOLD: Mapping[str, tuple[str, list[str]]] = {
    "no certificate": ("mtls", ["requires a client certificate", "Set kafka.ssl_certfile"]),
    "an unknown authority": ("mtls", ["refused our certificate", "CN=app", "signed by CN=somebody else", "truststore"]),
    "an expired certificate": ("mtls", ["refused our certificate", "expired on", "renew it"]),
    "a wrong authority": ("mtls", ["not trusted", "kafka.ssl_cafile"]),
    "a wrong password": ("scram", ["'app'", "LOFTY_GHL_KAFKA_PASSWORD"]),
    "a wrong secret": ("endpoint", ["kafka.oauth_endpoint", "invalid_client", "LOFTY_GHL_KAFKA_CLIENT_SECRET"]),
    "a wrong scope": ("endpoint", ["invalid_scope", "Check kafka.oauth_scope"]),
    "an endpoint that is away": ("endpoint", ["kafka.oauth_endpoint", "cannot be reached", "Does it run"]),
    "an endpoint that fails": ("endpoint", ["kafka.oauth_endpoint", "HTTP 503"]),
    "another audience": ("endpoint", ["refused our token", "aud another", "invalid_token"]),
    "a forged token": ("endpoint", ["refused our token", "sub forger"]),
    "an expired token": ("file", ["kafka.oauth_file", "expired at"]),
    "a token file that is missing": ("file", ["kafka.oauth_file", "No such file"]),
    "no right": ("mtls", ["User:CN=app no right", "deploy/kafka-acls.md"]),
}
COMMANDS = ("gateway", "status")


@pytest.mark.parametrize("what", list(TOLD))
async def test_what_keeps_us_out_is_one_line_that_names_it(doors: Doors, tmp_path: Path, what: str) -> None:
    """The same of every command, with exit code 3."""
    door, words = TOLD[what]
    lines, environ = settings_of(doors, door, tmp_path), dict(SECRETS[door])
    match what:
        case "no certificate":
            lines = "\n".join(one for one in lines.splitlines() if "file = " not in one or "cafile" in one)
            environ = {}
        case "an unknown authority":
            write_certificate(Authority("somebody else"), tmp_path)
        case "an expired certificate":
            write_certificate(doors.authority, tmp_path, is_over=True)
        case "a wrong authority":
            (tmp_path / "ca.pem").write_text(Authority("somebody else").pem)
            lines = lines.replace(str(doors.authority_file), f"{tmp_path}/ca.pem")
        case "a wrong password":
            environ["LOFTY_GHL_KAFKA_PASSWORD"] = "another"
        case "a wrong secret":
            environ["LOFTY_GHL_KAFKA_CLIENT_SECRET"] = "another"
        case "a wrong scope":
            lines = lines.replace('oauth_scope = "kafka"', 'oauth_scope = "other"')
        case "an endpoint that is away":
            lines = lines.replace(doors.tokens.url, "http://127.0.0.1:9")
        case "an endpoint that fails":
            doors.tokens.is_broken = True
        case "another audience" | "a forged token":
            name = "stray" if what == "another audience" else "forger"
            lines = lines.replace('oauth_client_id = "app"', f'oauth_client_id = "{name}"')
            environ["LOFTY_GHL_KAFKA_CLIENT_SECRET"] = f"secret-of-{name}"
        case "an expired token":
            write_token(doors, tmp_path, seconds=-5.0)
        case "a token file that is missing":
            (tmp_path / "token").unlink()
    text = CONFIG.format(prefix="closed.", server=place_of(doors, door), kafka=lines)
    try:
        for command in COMMANDS:
            wanted = (command, "show") if command == "topics" else (command,)
            code, said = await run(tmp_path, text, *wanted, environ=environ)
            assert code == 3, (command, said)
            [line] = [one for one in said.splitlines() if words[0] in one]
            assert all(one in line for one in words), (command, said)
    finally:
        doors.tokens.is_broken = False
