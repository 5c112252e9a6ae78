"""Records that somebody made by hand are checked before they are produced: each fault says where, what was expected, what came."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from streams.cli.root import app
from streams.contract.by_hand import HandMade, check_lines
from streams.contract.contracts import BY_TOPIC
from streams.contract.markdown import BEGINNING
from streams.messages.topics import CHANGES

NOW = 1_790_000_100_000
RIGHT: dict[str, Any] = {
    "connection": "acme",
    "lead": "600123",
    "kind": "contact",
    "id": "600123",
    "operation": "updated",
    "update_time_ms": 1_790_000_000_000,
    "accepted_ms": 1_790_000_000_300,
}


def line(key: Any = "acme:600123", /, **other: Any) -> bytes:
    """A record; a field that is None is left out."""
    value = {name: one for name, one in {**RIGHT, **other}.items() if one is not None}
    return json.dumps({"key": key, "value": value}).encode()


def checked(*lines: bytes) -> list[HandMade]:
    return list(check_lines(lines, NOW, {"acme"}))


def test_what_the_release_writes_is_right() -> None:
    """The examples of the contract, and the page's."""
    for form in BY_TOPIC[CHANGES].forms:
        for key, sample in form.samples:
            record = json.dumps({"key": key, "value": sample.model_dump(mode="json")}).encode()
            assert [one.faults for one in checked(record)] == [()]
    [shown] = [one for one in BEGINNING.splitlines() if one.startswith('{"key"')]
    assert [one.faults for one in checked(shown.encode())] == [()]


@pytest.mark.parametrize(
    ("record", "where", "expected", "found"),
    [
        (line(kind="person"), "value.kind", "'contact', 'note', 'task', 'appointment' or 'opportunity'", '"person"'),
        (line(id=600123), "value.id", "a valid string", "600123"),
        (line(update_time_ms="1790000000000"), "value.update_time_ms", "a valid integer", '"1790000000000"'),
        (line(accepted_ms=None), "value.accepted_ms", "a value", "nothing"),
        (line(only_move=True), "value.only_move", "a field of a change", '"only_move"'),
        (line(hanging=["note:1", "x"]), "value.hanging.1", "pattern", '"x"'),
        (line(v=2), "value.v", "1 or less", "2"),
        (line(kind="note", id="a:b"), "value.id", "an id", "'a:b'"),
        (line(id="81001"), "value.id", '"600123"', '"81001"'),
        (line("other:600123", connection="other"), "value.connection", "one of acme", '"other"'),
        (line(update_time_ms=1_790_000_000), "value.update_time_ms", "milliseconds since 1970", "1790000000"),
        (line(update_time_ms=NOW + 3_600_000), "value.update_time_ms", f"no later than now, {NOW}", "1790003700000"),
        (line("acme:6"), "key", '"acme:600123"', '"acme:6"'),
        (line(None), "key", '"acme:600123"', "null"),
        (b'{"value": {"connection": 1}}', "key", "text of the form connection:lead", "nothing"),
        (b'{"key": "acme:600123"}', "value", "a Change as an object", "nothing"),
        (b'{"key": "acme:600123", "value": null}', "value", "a Change as an object", "null"),
        (b'{"key": "acme:600123", "value": "{}"}', "value", "a Change as an object", '"{}"'),
        (line()[:-1] + b', "partition": 3}', "partition", "nothing but key and value", "3"),
        (b"[1]", "the line", "an object with key and value", "[1]"),
        (b"nope", "the line, line 1 column 1", "a JSON object", "4 bytes that are none"),
    ],
)
def test_each_fault_is_named(record: bytes, where: str, expected: str, found: str) -> None:
    """With its line, which counts empty ones, and with what to do."""
    _, made = checked(line(), b"", record)
    faults = [one for one in made.faults if one.where == where]
    assert [(one.line, expected in one.expected, one.found) for one in faults] == [(3, True, found)]
    assert all(one.fix and str(one).startswith(f"line 3: {where}: expected ") for one in faults)


def test_all_faults_of_a_record_are_said_at_once() -> None:
    """Not one after each run."""
    [made] = checked(line("acme:6", kind="person", id=600123, accepted_ms=None, only_move=True))
    assert {one.where for one in made.faults} == {
        *("value.kind", "value.id", "value.accepted_ms", "value.only_move", "key"),
    }


def test_the_command_reads_a_file_or_stdin_and_prints_what_kcat_takes(tmp_path: Path) -> None:
    """Exit code 1 if anything is wrong, and then kcat gets nothing."""
    run = CliRunner()
    file, rest = tmp_path / "changes.jsonl", ["changes", "check"]
    file.write_bytes(b"\xef\xbb\xbf" + line() + b"\r\n\r\n" + line(kind="note", id="81001") + b"\n")
    right = run.invoke(app, [*rest, str(file)])
    assert (right.exit_code, right.output) == (0, "2 records, nothing wrong\n")
    printed = run.invoke(app, [*rest, str(file), "--kcat"])
    keys = [one.split("\t")[0] for one in printed.stdout.splitlines()]
    assert (printed.exit_code, keys) == (0, ["acme:600123", "acme:600123"])
    assert json.loads(printed.stdout.splitlines()[0].split("\t")[1]) == RIGHT

    wrong = run.invoke(app, [*rest, "-", "--kcat"], input=line() + b"\n" + line(kind="person"))
    assert (wrong.exit_code, wrong.stdout, "line 2: value.kind" in wrong.stderr) == (1, "", True)
    as_json = run.invoke(app, [*rest, "-", "--json"], input=line(kind="person"))
    [fault] = json.loads(as_json.stdout)["faults"]
    assert (as_json.exit_code, fault["line"], fault["where"]) == (1, 1, "value.kind")
    assert run.invoke(app, [*rest, "-"], input=b"\n").exit_code == 1
    assert run.invoke(app, [*rest, str(tmp_path / "none")]).exit_code == 2


def test_a_connection_must_be_in_the_configuration(tmp_path: Path) -> None:
    """If one is given."""
    config = tmp_path / "lofty-ghl.toml"
    config.write_text(
        '[kafka]\npartitions = 1\n[connections.other]\n[connections.other.lofty]\nteam_id = "1"\n'
        '[connections.other.ghl]\nlocation_id = "L"\n'
    )
    found = CliRunner().invoke(app, ["changes", "check", "-", "--config", str(config)], input=line())
    assert (found.exit_code, 'value.connection: expected one of other, found "acme"' in found.output) == (1, True)
