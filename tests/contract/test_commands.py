"""Every command of the command line: help with an example, exit codes as the table says, JSON where it reports findings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from traceback import format_exception
from typing import Any, get_args

import pytest
import typer
from typer.testing import CliRunner

from streams.cli import __doc__ as table
from streams.cli.parked import STAGES
from streams.cli.replay import DEFAULT_RATE, TOPICS
from streams.cli.root import app
from streams.messages.parked import Stage
from streams.operations.replay.runner import DEFAULT_RATE as ENGINE_RATE
from streams.operations.replay.semantics import MEANING
from streams.settings import example_text
from tests.deadlines import within

ROOT = typer.main.get_command(app)

NO_FINDINGS = {
    *("demo", "init", "worker", "gateway", "sandbox ghl", "sandbox lofty"),
    *("sandbox town", "console new-token", "console hash-password", "mapping edit"),
    *("connections rename", "connections remove", "connections pause", "connections resume", "links export"),
    *("connections template", "topics export"),
    *("people invite", "people reset", "people disable", "people enable", "people token", "people revoke"),
    *("people change", "people remove", "people sign-out"),
}
"""Commands that run, ask or make, and tell nothing that a machine would read."""

NEEDS_KAFKA = {
    *("backfill acme", "verify", "explain 600123", "replay lofty.changes --dry-run", "replay --list", "status"),
    *("parked list", "parked show", "parked retry", "parked discard", "topics show", "topics create", "topics check"),
    *("partitions plan --to 24", "partitions grow --to 24", "partitions abandon", "partitions show"),
    *("worker", "gateway", "connect ghl", "secrets rotate", "directories refresh"),
    *("connections add acme", "connections remove acme --yes", "connections pause acme", "connections resume acme"),
    *("people list", "people invite ann", "people reset ann", "people token nightly"),
    *("people change ann --role viewer", "people remove ann --yes", "people sign-out ann"),
}

OWN_PROCESS = {"worker", "gateway", "status"}
"""These two set the logs of their process up; and one short command goes the whole way, too."""


def commands(group: Any = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its words. (Typer may bring a click of its own, so no type is asked for.)"""
    if hasattr(group, "commands"):
        for name, command in group.commands.items():
            yield from commands(command, (*path, name))
    elif not group.hidden:
        yield " ".join(path), group


ALL = dict(commands())


@pytest.mark.parametrize("words", ALL)
def test_its_help_has_an_example_that_it_takes(words: str) -> None:
    """The help has a line `Example: lofty-ghl …`, and the options in it are the command's."""
    command = ALL[words]
    found = re.search(r"Example: lofty-ghl (.+)", command.help or "")
    assert found, f"{words} has no example"
    example = found[1]
    assert example.startswith(words)
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    assert {one.partition("=")[0] for one in example.split() if one.startswith("-")} <= known


@pytest.mark.parametrize("words", ALL)
def test_every_option_says_what_it_does(words: str) -> None:
    """No option without a sentence."""
    silent = [one.name for one in ALL[words].params if not getattr(one, "help", "x")]
    assert silent == []


@pytest.mark.parametrize("words", [words for words in ALL if words not in NO_FINDINGS])
def test_what_tells_findings_tells_them_as_json(words: str) -> None:
    """One document, for machines."""
    assert any("--json" in one.opts for one in ALL[words].params)


def test_the_exit_codes_are_told_in_one_table() -> None:
    """0 to 3, and no others are promised."""
    assert re.findall(r"^\| (\d) \|", table or "", re.MULTILINE) == ["0", "1", "2", "3"]


def run(words: str, config: Path, **environ: str) -> tuple[int, str, str]:
    """A command as a user runs it, in this process; what changes a process's logs runs in one of its own."""
    if words in OWN_PROCESS:
        return run_apart(words, config, **environ)
    done = CliRunner().invoke(app, [*words.split(), "--config", str(config)], env=environ, prog_name="lofty-ghl")
    trace = "" if isinstance(done.exception, SystemExit | None) else "".join(format_exception(done.exception))
    return done.exit_code, done.stdout, done.stderr + trace


def run_apart(words: str, config: Path, **environ: str) -> tuple[int, str, str]:
    """The same by the console script."""
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", *words.split(), "--config", str(config)],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=within(60),
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout, done.stderr


CREDENTIALS = {
    "LOFTY_GHL_ACME_LOFTY_API_KEY": "some-key",
    "LOFTY_GHL_ACME_GHL_TOKEN": "pit-some-token",
    "LOFTY_GHL_ACME_WEBHOOK_SECRET": "0123456789abcdef0123",
    "LOFTY_GHL_OAUTH_GHL_CLIENT_SECRET": "some-secret",
    "LOFTY_GHL_TOKEN_KEYS": "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A right configuration of a Kafka that is not there."""
    text = f"""
[kafka]
bootstrap_servers = "127.0.0.1:1"
[gateway]
public_url = "http://127.0.0.1:8080"
[worker]
data_dir = "{tmp_path}"
[oauth.ghl]
client_id = "app1-x"
[connections.acme]
region = "US"
[connections.acme.lofty]
team_id = "123456"
base_url = "http://127.0.0.1:1"
[connections.acme.ghl]
location_id = "loc"
base_url = "http://127.0.0.1:1"
auth = "oauth"
"""
    path = tmp_path / "lofty-ghl.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("words", sorted(NEEDS_KAFKA))
def test_without_kafka_it_says_so_in_one_line_and_ends_with_3(words: str, config: Path) -> None:
    """Where it looked, and what to do; no stack trace."""
    code, out, complaint = run(words, config, **CREDENTIALS)
    told = [line for line in complaint.splitlines() if line.startswith("Kafka at 127.0.0.1:1 cannot be used")]
    assert (code, len(told), "Traceback" in complaint) == (3, 1, False), complaint
    assert out == "" or words == "connect ghl"


@pytest.mark.parametrize("words", sorted(NEEDS_KAFKA | {"subscriptions show"}))
def test_a_wrong_configuration_is_told_with_its_line_and_ends_with_2(words: str, config: Path) -> None:
    """Every problem at once."""
    config.write_text(config.read_text().replace('region = "US"', 'region = "us"\nregoin = "US"'))
    code, _, complaint = run(words, config, **CREDENTIALS)
    assert (code, "Traceback" in complaint) == (2, False), complaint
    assert "connections.acme.region" in complaint
    assert "connections.acme.regoin" in complaint


@pytest.mark.parametrize("words", sorted(NEEDS_KAFKA))
def test_a_configuration_that_is_not_there_is_told_with_what_makes_one(words: str, tmp_path: Path) -> None:
    """Exit code 2."""
    code, _, complaint = run(words, tmp_path / "none.toml", **CREDENTIALS)
    assert (code, "Traceback" in complaint) == (2, False), complaint
    assert "none.toml" in complaint


def test_lofty_away_is_told_with_3(config: Path) -> None:
    """`subscriptions` asks Lofty itself."""
    code, _, complaint = run("subscriptions show", config, **CREDENTIALS)
    assert (code, "Lofty did not do it" in complaint, "Traceback" in complaint) == (3, True, False), complaint


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("lofty-ghl backfill ac", ["acme"]),
        ("lofty-ghl status --connection ac", []),
        ("lofty-ghl verify --connection ac", ["acme"]),
        ("lofty-ghl replay lofty.sn", ["lofty.snapshots"]),
        ("lofty-ghl parked list --stage del", ["deliver"]),
        ("lofty-ghl par", ["parked", "partitions"]),
        ("lofty-ghl parked list --sta", ["--stage"]),
    ],
)
def test_the_shell_completes(line: str, wanted: list[str], config: Path) -> None:
    """As `lofty-ghl --install-completion` sets it up."""
    environ = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_LOFTY_GHL_COMPLETE": "complete_bash"}
    environ |= {**CREDENTIALS, "LOFTY_GHL_CONFIG": str(config)}
    done = CliRunner().invoke(app, [], env=environ, prog_name="lofty-ghl")
    assert done.stdout.split() == wanted, done.stderr


@pytest.mark.parametrize("text", [None, "", "connections = 3", "[connections.acme", "\ufeff\0"])
def test_what_is_no_configuration_completes_to_nothing(text: str | None, config: Path) -> None:
    """And says nothing into the line that somebody types."""
    config.unlink() if text is None else config.write_text(text, encoding="utf-8")
    line = {"COMP_WORDS": "lofty-ghl backfill ac", "COMP_CWORD": "2", "_LOFTY_GHL_COMPLETE": "complete_bash"}
    done = CliRunner().invoke(app, [], env={**line, "LOFTY_GHL_CONFIG": str(config)}, prog_name="lofty-ghl")
    assert (done.stdout.split(), done.stderr) == ([], "")


def test_what_is_completed_and_promised_is_what_the_pipeline_knows() -> None:
    """The command line repeats these few names, as importing them would cost a second."""
    assert (*sorted(MEANING),) == TOPICS
    assert get_args(Stage) == STAGES
    assert DEFAULT_RATE == ENGINE_RATE


LIGHT = {
    *("streams", "typer", "annotated_doc", "typing_extensions", "shellingham"),  # all but ours: what Typer itself needs
}
"""What is imported from outside of the standard library before a command runs: of ours the command line alone."""

PARSING = LIGHT | {"pydantic", "pydantic_core", "annotated_types", "typing_inspection"}
"""What Typer imports itself to convert an option's value."""

PRINTS_MODULES = """
import sys
before = set(sys.modules)
from streams.cli import main
sys.argv = ["lofty-ghl", *sys.argv[1:]]
try:
    main()
finally:
    print("\\n" + " ".join(sorted(set(sys.modules) - before)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("words", "environ", "code", "allowed"),
    [
        ("--help", {}, 0, LIGHT),
        ("--version", {}, 0, PARSING),
        ("worker --help", {}, 0, PARSING),
        ("mapping preview --help", {}, 0, PARSING),
        ("nonsense", {}, 2, PARSING),
        ("worker --nonsense", {}, 2, PARSING),
        ("verify --within x", {}, 2, PARSING),
        ("", {"COMP_WORDS": "lofty-ghl replay lof", "COMP_CWORD": "2"}, 0, PARSING),
        ("", {"COMP_WORDS": "lofty-ghl backfill ac", "COMP_CWORD": "2"}, 0, PARSING),
        ("", {"COMP_WORDS": "lofty-ghl parked list --stage de", "COMP_CWORD": "4"}, 0, PARSING),
    ],
)
def test_what_needs_no_work_imports_none(
    words: str, environ: dict[str, str], code: int, allowed: set[str], config: Path
) -> None:
    """Help, version, usage errors and completion: `lofty-ghl --help` answers in a fifth of a second, for this list is short."""
    if environ:
        environ = {**environ, "_LOFTY_GHL_COMPLETE": "complete_bash", "LOFTY_GHL_CONFIG": str(config)}
    done = subprocess.run(
        [sys.executable, "-c", PRINTS_MODULES, *words.split()],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=within(60),
        check=False,
    )
    assert done.returncode == code, done.stderr
    imported = done.stderr.splitlines()[-1].split()
    outside = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names
    assert {name for name in outside if not name.startswith("_sysconfigdata")} <= allowed
    assert {name for name in imported if name.startswith("streams.") and not name.startswith("streams.cli")} == set()
    assert not {"asyncio", "logging"} & set(imported) or words not in ("--help", "")


def test_the_version_is_the_package_s() -> None:
    """Of the console script itself."""
    done = CliRunner().invoke(app, ["--version"], prog_name="lofty-ghl")
    assert (done.exit_code, done.stdout) == (0, f"lofty-ghl {version('lofty-ghl')}\n")


def test_the_help_lists_every_command_with_its_whole_first_sentence() -> None:
    """Also where the terminal is narrow."""
    done = CliRunner().invoke(app, ["--help"], prog_name="lofty-ghl")
    told = " ".join(done.stdout.split())
    for name, command in ROOT.commands.items():  # type: ignore[attr-defined]  # a group
        first = " ".join((command.help or "").partition("\n\n")[0].split())
        assert first, name
        assert f"{name} {first}" in told


def test_the_example_configuration_is_one_that_commands_take(tmp_path: Path) -> None:
    """What `init` writes is refused by nothing but the Kafka that is not there."""
    path = tmp_path / "lofty-ghl.toml"
    path.write_text(example_text().replace("localhost:9092", "127.0.0.1:1"))
    assert run("topics show", path)[0] == 3


MISSING = {
    "topics create": ("LOFTY_API_KEY", "GHL_TOKEN", "WEBHOOK_SECRET"),
    "worker": ("LOFTY_API_KEY", "GHL_TOKEN"),
    "gateway": ("WEBHOOK_SECRET",),
}
"""What the commands of a deployment need of a connection: the first of them, all that the others need."""


@pytest.mark.parametrize("is_broken", [False, True], ids=["right", "broken"])
@pytest.mark.parametrize("words", MISSING)
def test_what_starts_a_deployment_names_all_credentials_that_are_missing(
    words: str, is_broken: bool, config: Path
) -> None:
    """With what is wrong in the file, all at once: each by its variable, and where to put it. With 2, before Kafka is asked."""
    text = config.read_text()
    text = text.replace('auth = "oauth"', 'auth = "fixed"') + text[text.index("[connections.acme]") :].replace(
        "acme", "bolt"
    )
    text = text.replace('team_id = "123456"', 'team_id = "7"', 1)
    text += (
        '[console]\nenabled = true\n[[console.tokens]]\nname = "a"\nrole = "viewer"\n' + f'hash = "sha256:{"0" * 64}"\n'
    )
    config.write_text(text.replace('region = "US"', 'regoin = "US"') if is_broken else text)
    code, out, complaint = run(words, config)
    wanted = {f"LOFTY_GHL_{name}_{secret}" for name in ("ACME", "BOLT") for secret in MISSING[words]}
    wanted -= {"LOFTY_GHL_BOLT_GHL_TOKEN"}
    if words != "gateway":
        wanted |= {"LOFTY_GHL_TOKEN_KEYS", "LOFTY_GHL_OAUTH_GHL_CLIENT_SECRET"}
    if words != "worker":
        wanted |= {"LOFTY_GHL_CONSOLE_KEY"}
    assert (code, out, "Traceback" in complaint) == (2, "", False), complaint
    assert set(re.findall(r"^  (LOFTY_GHL_\w+): expected a credential, got nothing", complaint, re.MULTILINE)) == wanted
    for name in wanted:
        assert f"Set it, or {name}_FILE" in complaint
    assert complaint.count("LOFTY_GHL_SECRETS_DIR") == len(wanted)
    assert ("connections.bolt.regoin" in complaint, "connections.acme.regoin" in complaint) == (is_broken, is_broken)


def test_a_credential_that_cannot_be_used_is_told_once(config: Path) -> None:
    """Not as missing, too."""
    code, _, complaint = run("topics create", config, LOFTY_GHL_ACME_WEBHOOK_SECRET="short")
    assert (code, complaint.count("LOFTY_GHL_ACME_WEBHOOK_SECRET:")) == (2, 1), complaint
