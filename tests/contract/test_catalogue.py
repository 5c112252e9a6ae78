"""The catalogue says what is so: each row against the vendors' documents, the clients, the pipeline, the settings and the tests."""

from __future__ import annotations

import ast
import json
import re
import tomllib
import types
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from connectors.ghl import oauth as ghl_oauth
from connectors.ghl.webhooks import USED
from connectors.lofty.webhooks import BUCKETS, WITHOUT_LEAD
from streams.catalogue.catalogue import LEFT_OUT, ROWS, SECTIONS
from streams.catalogue.markdown import page
from streams.catalogue.row import CLIENT_OPERATIONS, EVENT_SCOPES, KINDS, VENDORS, CatalogueRow, Vendor
from streams.cli.root import app
from streams.mapping.lofty_sync import RULE_EVENTS
from streams.oauth.grants import MARKS, wanted_scopes
from streams.settings import example_text, parse_settings
from streams.settings.connection_table import ConnectionTable
from streams.settings.console import Console
from streams.settings.model import GatewaySettings, Kafka, WorkerSettings
from streams.settings.notifications import Notifications
from streams.settings.oauth import OAuth
from tests.contract.console.test_console_words import ANY
from tests.contract.openapi import specs_folder

ROOT = Path(__file__).resolve().parents[2]
METHODS = ("get", "post", "put", "patch", "delete")
LEAST = 126
WORKING = tuple(row for row in ROWS if row.state == "works")
GUESSED = frozenset({"2 newLead"})
"""A guess of third parties, which no document has: accepted, and no row."""

MISSION: Mapping[str, str] = {
    "keep pipelines up to date": "Keep pipelines up to date",
    "maintain a complete activity history": "Maintain a complete activity history",
    "create tasks in Lofty when actions occur in GHL": "Create tasks in Lofty when actions occur in GoHighLevel",
}
"""Sentences of the mission, and the beginning of the row that says how far each is true."""


def name_of(row: CatalogueRow) -> str:
    """For the names of tests."""
    return row.id[:60]


# -- what the vendors' documents say ------------------------------------------------------------------------


@cache
def documented(vendor: Vendor) -> Mapping[str, tuple[str, ...]]:
    """Every operation of a vendor's documents as method and path, with its scopes."""
    folder = specs_folder(vendor)
    files = sorted((folder / "apps").glob("*.json")) if vendor == "ghl" else [folder / "openapi.json"]
    found: dict[str, tuple[str, ...]] = {}
    for file in files:
        for path, operations in json.loads(file.read_text(encoding="utf-8"))["paths"].items():
            for method, operation in operations.items():
                if method in METHODS:
                    security = [
                        scope for one in operation.get("security", ()) for scopes in one.values() for scope in scopes
                    ]
                    found[f"{method.upper()} {path}"] = tuple(sorted(set(security)))
    return found


@cache
def documented_events(vendor: Vendor) -> frozenset[str]:
    """Every event of a vendor's documents, as rows name them."""
    if vendor == "ghl":
        examples = json.loads((specs_folder("ghl") / "webhook-examples.json").read_text(encoding="utf-8"))
        return frozenset(
            {
                name.upper().removeprefix("APP") if name.startswith("App") and "nstall" in name else name
                for name in examples
            }
        )
    samples = json.loads((specs_folder("lofty") / "webhook_payloads.json").read_text(encoding="utf-8"))
    payloads = [sample for name, sample in samples.items() if not name.startswith("_")]
    return frozenset(
        f"{sample['listId']} {bucket}" for sample in payloads for bucket in sample if bucket not in ("teamId", "listId")
    )


@pytest.mark.parametrize("vendor", VENDORS)
def test_each_operation_of_a_row_is_in_the_documents(vendor: Vendor) -> None:
    """By method and path, as the vendor writes them."""
    known = documented(vendor)
    assert [(row.id, one) for row in ROWS if row.performer == vendor for one in row.requests if one not in known] == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_each_event_of_a_row_is_in_the_documents(vendor: Vendor) -> None:
    """By its name."""
    known = documented_events(vendor)
    assert [(row.id, one) for row in ROWS if row.vendor == vendor for one in row.events if one not in known] == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_each_operation_of_the_documents_has_a_row_or_a_reason(vendor: Vendor) -> None:
    """What the vendor allows is known, whether we use it or not."""
    rowed = {one for row in ROWS if row.performer == vendor for one in row.requests}
    left_out = tuple(f"/{beginning}" for beginning in LEFT_OUT) if vendor == "ghl" else ()
    lacking = [one for one in documented(vendor) if one not in rowed and not one.split(" ")[1].startswith(left_out)]
    assert lacking == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_each_event_of_the_documents_has_a_row(vendor: Vendor) -> None:
    """A flow alone is not enough: each event is a trigger of its own."""
    rowed = {one for row in ROWS if row.vendor == vendor and row.kind == "trigger" for one in row.events}
    assert documented_events(vendor) - rowed == set()


def test_what_is_left_out_is_in_the_documents() -> None:
    """A reason for what there is not would hide what there is."""
    paths = [one.split(" ")[1] for one in documented("ghl")]
    assert [beginning for beginning in LEFT_OUT if not any(path.startswith(f"/{beginning}") for path in paths)] == []


@pytest.mark.parametrize("row", [row for row in ROWS if row.performer == "ghl"], ids=name_of)
def test_the_scopes_of_a_row_are_those_of_the_documents(row: CatalogueRow) -> None:
    """Where the documents name none for an operation, the row may."""
    wanted = {scope for one in row.requests for scope in documented("ghl")[one]}
    of_events = {EVENT_SCOPES[one] for one in row.events if one in EVENT_SCOPES and row.vendor == "ghl"}
    says_nothing = any(not documented("ghl")[one] for one in row.requests)
    assert wanted <= set(row.scopes)
    assert set(row.scopes) - wanted - of_events == set() or says_nothing


def test_the_scopes_of_events_are_scopes_of_the_documents() -> None:
    """No event needs a right that no operation knows."""
    known = {scope for scopes in documented("ghl").values() for scope in scopes}
    assert set(EVENT_SCOPES.values()) <= known
    assert set(EVENT_SCOPES) <= documented_events("ghl")


# -- what the code does ---------------------------------------------------------------------------------------


def test_each_operation_of_the_clients_has_a_row() -> None:
    """`lofty-ghl operations` lists calls, the catalogue what they are for."""
    rowed = {(row.performer, one.name) for row in ROWS for one in row.client_operations}
    assert [
        (vendor, name) for vendor in VENDORS for name in CLIENT_OPERATIONS[vendor] if (vendor, name) not in rowed
    ] == []


def test_each_webhook_that_is_handled_has_a_trigger_that_works() -> None:
    """And a trigger that works is handled."""
    lofty = {f"{number} {bucket}" for number, buckets in BUCKETS.items() for bucket in buckets} - GUESSED
    handled = {("ghl", one) for one in USED} | {("lofty", one) for one in lofty}
    rowed = {(row.vendor, one) for row in WORKING if row.kind == "trigger" for one in row.events}
    assert handled == rowed
    ignored = {f"{number} {mark}" for number, (mark, _) in WITHOUT_LEAD.items()}
    assert ignored <= {one for row in ROWS if row.state == "vendor allows" for one in row.events}


def test_each_event_of_a_rule_has_a_flow() -> None:
    """What the console lets a person choose."""
    titles = [row.title for row in WORKING if row.setting == "connections.NAME.back.rules"]
    assert [event for event in RULE_EVENTS if not any(f": {event}, " in title for title in titles)] == []


CLIENTS: Mapping[Vendor, re.Pattern[str]] = {
    "ghl": re.compile(r"\bGhlClient\b|\blocation\.client\b"),
    "lofty": re.compile(r"\bLofty(Client|Team)\b"),
}


@cache
def used_operations() -> frozenset[tuple[Vendor, str]]:
    """The operations of the clients that the pipeline calls: their client's method is used somewhere in `streams`.

    Both clients have methods of one name. A location's client is GHL's; otherwise a function uses the clients that it names, or
    those that its file names.
    """
    names: set[tuple[Vendor, str]] = set()
    for path in (ROOT / "streams").rglob("*.py"):
        if "demo" in path.parts:
            continue
        source = path.read_text(encoding="utf-8")
        of_file = vendors_named(source) or VENDORS
        for outer in outermost(ast.parse(source)):
            named = vendors_named(ast.unparse(outer)) or of_file
            for node in ast.walk(outer):
                if isinstance(node, ast.Attribute):
                    whose: Sequence[Vendor] = ("ghl",) if "location" in ast.unparse(node.value) else named
                    names |= {(vendor, node.attr) for vendor in whose}
    methods = [(vendor, name, method) for vendor in VENDORS for name, method in client_methods(vendor)]
    return frozenset((vendor, name) for vendor, name, method in methods if (vendor, method) in names)


def vendors_named(source: str) -> tuple[Vendor, ...]:
    """Whose clients a source names."""
    return tuple(vendor for vendor in VENDORS if CLIENTS[vendor].search(source))


def outermost(tree: ast.Module) -> Iterator[ast.AST]:
    """The functions and methods of a file, each with those inside of it."""
    for node in tree.body:
        yield from node.body if isinstance(node, ast.ClassDef) else (node,)


def client_methods(vendor: Vendor) -> Iterator[tuple[str, str]]:
    """Each operation with the method, or function, of its client that calls it."""
    for path in (ROOT / "connectors" / vendor).glob("*.py"):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "call":
                    first = node.args[0] if node.args else None
                    if isinstance(first, ast.Constant) and first.value in CLIENT_OPERATIONS[vendor]:
                        yield str(first.value), function.name
    if vendor == "ghl":
        yield from ((one.name, call) for one, call in OAUTH_CALLS)


OAUTH_CALLS = (
    (ghl_oauth.TOKEN, "refresh"),
    (ghl_oauth.LOCATION_TOKEN, "location_token"),
    (ghl_oauth.INSTALLED, "installed_locations"),
)


def test_each_operation_has_a_method() -> None:
    """Otherwise nothing is known of what is used."""
    found = {(vendor, name) for vendor in VENDORS for name, _ in client_methods(vendor)}
    assert found == {(vendor, name) for vendor in VENDORS for name in CLIENT_OPERATIONS[vendor]}


@pytest.mark.parametrize("row", [row for row in ROWS if row.operations], ids=name_of)
def test_the_state_of_a_row_is_that_of_the_code(row: CatalogueRow) -> None:
    """What the pipeline calls is not called `client only`, and what our client has is not only allowed."""
    known = {one.name for one in row.client_operations}
    used = {name for vendor, name in used_operations() if vendor == row.performer}
    match row.state:
        case "works":
            assert len(known) == len(row.operations), "an operation that works is one of our client's"
            assert known <= used, "an operation that works is called"
        case "client only":
            assert len(known) == len(row.operations), "our client does not have it"
            assert known & used == set(), "it is called: it works, or its row says too little"
        case "vendor allows":
            if row.kind != "flow":
                assert known == set(), "our client has it: `client only`, or `works`"
        case "vendor refuses":
            pytest.fail("what is refused has no operation")


# -- rights and settings ---------------------------------------------------------------------------------------


def everything_on() -> frozenset[str]:
    """The scopes that the consent asks for when a connection uses all there is, and those of an agency."""
    text = example_text().replace("# calendar = ", "calendar = ")
    text = re.sub(r"^# (\[\[connections\.acme\.stages|lofty = |pipeline = |stage = )", r"\1", text, flags=re.MULTILINE)
    text = re.sub(r"^(appointments|notes|tasks|finish_tasks) = false", r"\1 = true", text, flags=re.MULTILINE)
    connection = parse_settings(text, {}).connections["acme"]
    agency = [scope for one in (ghl_oauth.LOCATION_TOKEN, ghl_oauth.INSTALLED) for scope in one.scopes]
    return frozenset((*wanted_scopes(connection), *ghl_oauth.scopes_of(MARKS), *agency))


def test_the_consent_asks_for_the_scopes_of_what_works_and_for_no_other() -> None:
    """Whatever a row says that works is granted with the link."""
    needed = {scope for row in WORKING if row.performer == "ghl" or row.vendor == "ghl" for scope in row.scopes}
    assert needed == everything_on()


TABLES: Mapping[str, type[BaseModel]] = {
    "kafka": Kafka,
    "gateway": GatewaySettings,
    "worker": WorkerSettings,
    "oauth": OAuth,
    "console": Console,
    "notifications": Notifications,
    "connections": ConnectionTable,
}


def knows(setting: str) -> bool:
    """Whether the settings' models have this path. Mappings are no models: the example shows all of theirs."""
    section, *path = setting.split(".")
    if section in ("connections", "mappings") and (path := path[1:]) and setting.split(".")[1] != "NAME":
        return False
    if section == "mappings":
        return path[0] in tomllib.loads(example_text())["mappings"]["acme"]
    table: Any = TABLES.get(section)
    for name in path:
        table = table.model_fields[name].annotation if table and name in table.model_fields else None
        if get_origin(table) in (Union, types.UnionType):
            table = next(one for one in get_args(table) if one is not type(None))
    return table is not None


@pytest.mark.parametrize("setting", sorted({row.setting for row in ROWS if row.setting}))
def test_each_setting_exists(setting: str) -> None:
    """A row that works says what switches it on."""
    assert knows(setting)


def test_a_setting_that_does_not_exist_is_noticed() -> None:
    """The walk through the models says no, too."""
    wrong = (
        "connections.NAME.back.note",
        "connections.acme.opt_outs",
        "mappings.NAME.field",
        "gateway.url",
        "nothing.x",
    )
    assert [setting for setting in wrong if knows(setting)] == []


# -- tests -----------------------------------------------------------------------------------------------------


@cache
def written_tests() -> Mapping[str, list[tuple[Path, ast.AST, str]]]:
    """Every test function by its name: its file, itself, and the marks of its file."""
    found: dict[str, list[tuple[Path, ast.AST, str]]] = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assigned = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
        marks = " ".join(text for text in assigned if text.startswith("pytestmark"))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found.setdefault(node.name, []).append((path, node, marks))
    return found


NOT_RUN = re.compile(r"\b(skip|skipif|xfail|importorskip)\b")


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_a_row_that_works_names_a_test_and_another_a_reason(row: CatalogueRow) -> None:
    """The test is one of the pipeline's, so CI runs it, and `tests/harness/shown.py` fails it if it shows something else."""
    assert bool(row.test) == (row.state == "works")
    assert bool(row.reason) == (row.state != "works")
    assert not (row.setting or row.limits) or row.state == "works"
    if row.state == "works":
        assert row.events or row.operations
        [(path, function, marks)] = written_tests().get(row.test, [])
        assert path.parent == ROOT / "tests" / "integration"
        assert NOT_RUN.search(ast.unparse(function)) is None, "a test that may be skipped shows nothing"
        assert NOT_RUN.search(marks) is None, "its file may be skipped"


# -- as a text -------------------------------------------------------------------------------------------------


def test_there_are_as_many_rows_as_promised() -> None:
    """Each with an id of its own, and none empty."""
    assert len(ROWS) >= LEAST
    assert [name for name, number in Counter(row.id for row in ROWS).items() if number > 1] == []
    assert all(section.rows for section in SECTIONS)


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_a_row_is_in_plain_words(row: CatalogueRow) -> None:
    """Short, a sentence's beginning, without our names of topics and modules; what the operations are is another column."""
    assert re.fullmatch(r"[A-Z][^.]*[^.\s]", row.title)
    assert len(row.title) <= 90
    assert not row.note or row.note.endswith(".")
    assert not re.search(r"\b(GHL|API|endpoint|JSON|ping)\b|`", f"{row.title} {row.note}")
    assert ANY.search(f"{row.title} {row.note}") is None, "words of the console"
    assert row.kind in KINDS


def test_each_sentence_of_the_mission_has_a_row() -> None:
    """With whatever state is honest."""
    lacking = [
        sentence for sentence, begins in MISSION.items() if not any(row.title.startswith(begins) for row in ROWS)
    ]
    assert lacking == []


def test_the_page_is_current() -> None:
    """If not: `lofty-ghl catalogue --markdown > docs/catalogue.md`."""
    assert (ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8") == page(SECTIONS)


def run(*words: str) -> str:
    """What the command prints."""
    done = CliRunner().invoke(app, ["catalogue", *words], prog_name="lofty-ghl")
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_command_fits_a_terminal_and_counts() -> None:
    """80 columns; a name that cannot be broken may be longer."""
    lines = run("--details").splitlines()
    assert [line for line in lines if len(line) > 80 and len(line.split()) > 2] == []
    numbers = [int(number) for number in re.findall(r"(\d+) (?:works|client only|vendor \w+)", lines[-1])]
    assert sum(numbers) == len(ROWS)


def test_the_command_narrows() -> None:
    """By state, vendor, kind and words; a row has all of them."""
    found = json.loads(run("--state", "works", "--vendor", "ghl", "--kind", "action", "--json", "TASK", "complete"))
    assert [row["id"] for row in found] == ["ghl-complete-a-task-of-a-contact"]
    assert found[0]["scopes"] == ["contacts.write"]
    assert run("nothing-of-the-kind").strip() == "no row has that"
