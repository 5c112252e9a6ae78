"""Reading a configuration: what is right becomes values, all that is wrong is reported at once."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from streams.mapping import map_contact
from streams.settings import Settings, SettingsError, parse_settings

MINIMAL = """
[connections.acme]
[connections.acme.lofty]
team_id = "1"
[connections.acme.ghl]
location_id = "L"
"""


def problems_of(text: str, environ: dict[str, str] | None = None) -> list[tuple[int | None, str, str, str, str]]:
    """Everything wrong with a configuration."""
    with pytest.raises(SettingsError) as caught:
        parse_settings(text, environ)
    return [(one.line, one.where, one.expected, one.got, one.hint) for one in caught.value.problems]


def only_problem_of(text: str, environ: dict[str, str] | None = None) -> tuple[int | None, str, str, str, str]:
    """The one thing wrong."""
    (problem,) = problems_of(text, environ)
    return problem


def test_an_empty_file_has_every_default() -> None:
    """A worker against a local Kafka needs no configuration but its connections."""
    found = parse_settings("")
    assert found.kafka.bootstrap_servers == "localhost:9092"
    assert found.kafka.partitions == 4
    assert found.worker.store == "rocksdb"
    assert found.connections == {}


def test_a_connection_needs_a_team_and_a_location_and_nothing_else() -> None:
    """Limits, policies, tags and mapping have defaults."""
    acme = parse_settings(MINIMAL).connections["acme"]
    assert acme.lofty_budget == "acme"
    assert acme.ghl_budget == "L"
    assert acme.ghl.requests_per_window == 100
    assert (acme.ghl.requests_per_day, acme.ghl.live_reserve) == (200_000, 0.25)
    assert acme.policies.lead_deleted == "tag"
    assert (
        map_contact(acme.mapping, {"leadId": 1, "firstName": "Jane"}, region=acme.region).fields["firstName"] == "Jane"
    )


@pytest.mark.parametrize("number", ["0", "-1", "999_999_999"])
@pytest.mark.parametrize(
    ("table", "key"),
    [("lofty", "requests_per_minute"), ("ghl", "requests_per_window"), ("ghl", "requests_per_day")],
)
def test_no_limit_is_nothing_or_beyond_what_a_vendor_allows(table: str, key: str, number: str) -> None:
    """A typing error would stop a connection, or have it refused."""
    _, where, _, got, _ = only_problem_of(MINIMAL.replace(f".{table}]", f".{table}]\n{key} = {number}"))
    assert (where, got) == (f"connections.acme.{table}.{key}", str(int(number)))


def test_connections_that_map_alike_share_one_compiled_mapping() -> None:
    """A thousand connections compile as many mappings as there are, not a thousand; other tags are another mapping."""
    text = "[mappings.own.fields]\ncity = false\n" + "".join(
        MINIMAL.replace("acme", name).replace('"L"', f'"{name}"').replace(f"[connections.{name}]", head)
        for name, head in {
            "a": "[connections.a]",
            "b": "[connections.b]",
            "c": '[connections.c]\nmapping = "own"',
            "d": '[connections.d]\nmapping = "own"',
            "e": '[connections.e]\ntags.prefix = "x:"',
        }.items()
    )
    a, b, c, d, e = (one.mapping for one in parse_settings(text).connections.values())
    assert a is b
    assert c is d
    assert len({a.fingerprint, c.fingerprint, e.fingerprint}) == 3
    assert e.tags != a.tags


def test_connections_share_a_lofty_budget_by_name() -> None:
    """One app's limit, several connections."""
    text = MINIMAL + 'budget.x = 1\n[connections.b]\nlofty = {team_id="2", budget="app"}\nghl = {location_id="M"}\n'
    found = parse_settings(text.replace("budget.x = 1\n", ""))
    assert found.connections["b"].lofty_budget == "app"


def test_settings_are_frozen() -> None:
    """Configuration is a value."""
    found = parse_settings(MINIMAL)
    with pytest.raises(ValidationError):
        found.kafka.partitions = 3


def test_the_mapping_fingerprint_follows_mapping_tags_and_region() -> None:
    """It shows whether what was written before still satisfies the configuration."""

    def of(text: str) -> str:
        return parse_settings(text).connections["acme"].mapping_fingerprint

    base = of(MINIMAL)
    assert of(MINIMAL.replace("[connections.acme]", '[connections.acme]\nregion = "CA"')) != base
    assert of(MINIMAL + '[connections.acme.tags]\nprefix = "x"') != base
    assert of(MINIMAL + "[connections.acme.policies]\ncreate_custom_fields = false") == base


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "[kafka]\nbootstrap_server = 1",
            (2, "kafka.bootstrap_server", "an unknown key", "did you mean 'bootstrap_servers'?"),
        ),
        ("[gatway]\nport = 1", (1, "gatway", "an unknown key", "did you mean 'gateway'?")),
        ('[gateway]\nport = "80"', (2, "gateway.port", "'80'", "write it without quotes: 80")),
        ("[gateway]\nport = 99999", (2, "gateway.port", "99999", "")),
        ("[worker]\nstore = 'rocks'", (2, "worker.store", "'rocks'", "did you mean 'rocksdb'?")),
        ("kafka = 3", (1, "kafka", "3", "")),
        ("connections = []", (1, "connections", "a list", "")),
        ("mappings = 1", (1, "mappings", "1", "")),
        ("[connections.Acme]", (1, "connections.Acme", "'Acme'", "such as acme")),
        ('[connections."a:b"]', (1, 'connections."a:b"', "'a:b'", "such as a-b")),
        (
            "[connections.a]\nghl = {location_id = 'L'}",
            (1, "connections.a.lofty", "nothing", "add lofty to [connections.a]"),
        ),
        (MINIMAL + "window_seconds = 0", (7, "connections.acme.ghl.window_seconds", "0", "")),
        (MINIMAL + "live_reserve = 1.5", (7, "connections.acme.ghl.live_reserve", "1.5", "")),
        (MINIMAL.replace('"1"', "1"), (4, "connections.acme.lofty.team_id", "1", 'put it in quotes: "1"')),
        (
            MINIMAL + "[connections.acme.policies]\nlead_deleted = 'tags'",
            (8, "connections.acme.policies.lead_deleted", "'tags'", "did you mean 'tag'?"),
        ),
        (
            MINIMAL + "[connections.acme.tags]\ninclude = 'x'",
            (8, "connections.acme.tags.include", "'x'", 'write a list: ["x"]'),
        ),
        (
            MINIMAL + "[connections.acme.tags]\nfrom = ['lenght(tags)']",
            (8, "connections.acme.tags.from.0", "'lenght(tags)'", "did you mean 'length'?"),
        ),
        (
            MINIMAL.replace("[connections.acme]\n", "[connections.acme]\nmapping = 'mine'\n") + "[mappings.main]",
            (3, "connections.acme.mapping", "'mine'", "did you mean 'main'?"),
        ),
        (
            "[mappings.mine.fields]\ncity = { from = 'cty' }",
            (
                2,
                "mappings.mine.fields.city.from",
                "'cty'",
                "did you mean 'city'? (if Lofty does send it, add unchecked = true)",
            ),
        ),
        (
            "[mappings.mine.users]\nann@x.co = 'b@x.co'",
            (2, "column 4", "an error: expected '=' after a key in a key/value pair", ""),
        ),
        (
            "[mappings.mine.users]\nann.x = 'b@x.co'",
            (2, "mappings.mine.users.ann", "a table", 'an e-mail has dots, so quote it: "ann" = …'),
        ),
        ("[mappings.default]", (1, "mappings.default", "'default'", 'extends = "default" starts from it')),
        ("[kafka\n", (1, "column 7", "an error: expected ']' at the end of a table declaration", "")),
        ("a = 1\na = 2", (2, "the end", "an error: cannot overwrite a value", "")),
    ],
)
def test_a_wrong_file_is_refused_with_line_place_and_hint(text: str, problem: tuple[Any, ...]) -> None:
    """What came, and what would be right."""
    line, where, expected, got, hint = only_problem_of(text)
    assert (line, where, got, hint) == problem
    assert expected


def test_all_problems_are_told_at_once_in_the_files_order() -> None:
    """One round of fixes is enough, from top to bottom; then the problems of the environment."""
    text = """
[kafka]
partitions = 0
[connections.a]
region = "us"
mapping = "none"
[connections.a.ghl]
location_id = ""
nonsense = 1
[mappings.m.fields]
zip = "zipCode"
city = { from = "city", transform = ["trimm"] }
"""
    problems = problems_of(text, {"LOFTY_GHL_WORKER_PORT": "eighty"})
    assert [(line, where) for line, where, *_ in problems] == [
        (3, "kafka.partitions"),
        (4, "connections.a.lofty"),
        (5, "connections.a.region"),
        (6, "connections.a.mapping"),
        (8, "connections.a.ghl.location_id"),
        (9, "connections.a.ghl.nonsense"),
        (11, "mappings.m.fields.zip"),
        (12, "mappings.m.fields.city.transform.0"),
        (None, "LOFTY_GHL_WORKER_PORT"),
    ]


def test_the_error_reads_as_a_list() -> None:
    """One line a problem: where, what was expected, what came, what would be right."""
    with pytest.raises(SettingsError) as caught:
        parse_settings("[worker]\nstore = 'rocks'", source="my.toml")
    assert str(caught.value) == (
        "my.toml: 1 problem\n"
        "  line 2, worker.store: expected one of rocksdb, memory, got 'rocks'. Did you mean 'rocksdb'?"
    )


def test_the_environment_overrides_what_differs_between_machines() -> None:
    """And its problems name the variable."""
    environ = {"LOFTY_GHL_KAFKA": "k:1", "LOFTY_GHL_WORKER_PORT": "0", "LOFTY_GHL_STORE": "memory"}
    found = parse_settings("[kafka]\nbootstrap_servers = 'other:1'", environ)
    assert found.kafka.bootstrap_servers == "k:1"
    assert found.worker.port == 0
    assert found.worker.store == "memory"
    assert only_problem_of("", {"LOFTY_GHL_STORE": "rocks"})[:2] == (None, "LOFTY_GHL_STORE")


OTHER = """
[connections.b]
lofty = { team_id = "2", budget = "acme", requests_per_minute = 7 }
ghl = { location_id = "M" }
"""


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (MINIMAL + OTHER, "connections.b.lofty.requests_per_minute"),
        (
            MINIMAL + '[connections.b]\nlofty = {team_id = "2"}\nghl = {location_id = "L", requests_per_window = 9}',
            "connections.b.ghl.requests_per_window",
        ),
        (
            MINIMAL + '[connections.b]\nlofty = {team_id = "2"}\nghl = {location_id = "L", requests_per_day = 9}',
            "connections.b.ghl.requests_per_day",
        ),
        (MINIMAL + '[connections.b]\nlofty = {team_id = "1"}\nghl = {location_id = "L"}', "connections.b"),
        (
            '[connections.a-b]\nlofty={team_id="1"}\nghl={location_id="L"}\n'
            '[connections.a_b]\nlofty={team_id="2"}\nghl={location_id="M"}',
            "connections.a_b",
        ),
    ],
    ids=[
        "one lofty budget, two limits",
        "one location, two limits",
        "one location, two quotas",
        "one pair twice",
        "one set of variables",
    ],
)
def test_connections_that_contradict_each_other_are_refused(text: str, where: str) -> None:
    """What is shared has one limit, and no pair is connected twice."""
    assert only_problem_of(text)[1] == where


BEARER = "[kafka]\nsecurity_protocol = 'SASL_SSL'\nsasl_mechanism = 'OAUTHBEARER'\n"
ENDPOINT = BEARER + "oauth_endpoint = 'https://login.example.com/token'\noauth_client_id = 'app'\n"
CLIENT = {"LOFTY_GHL_KAFKA_CLIENT_SECRET": "x"}


@pytest.mark.parametrize(
    ("text", "environ", "where"),
    [
        ("[kafka]\nsecurity_protocol = 'SSL'\nssl_certfile = 'a'", {}, "kafka.ssl_keyfile"),
        ("[kafka]\nsecurity_protocol = 'SSL'\nssl_keyfile = 'a'", {}, "kafka.ssl_certfile"),
        ("[kafka]\nssl_certfile = 'a'\nssl_keyfile = 'a'", {}, "kafka.security_protocol"),
        ("", {"LOFTY_GHL_KAFKA_KEY_PASSWORD": "x"}, "kafka.ssl_keyfile"),
        ("[kafka]\nsasl_mechanism = 'PLAIN'\nsasl_username = 'a'", {}, "kafka.security_protocol"),
        (BEARER, CLIENT, "kafka.oauth_endpoint"),
        (BEARER + "oauth_endpoint = 'https://login.example.com/token'", CLIENT, "kafka.oauth_client_id"),
        (ENDPOINT, {}, "LOFTY_GHL_KAFKA_CLIENT_SECRET"),
        (ENDPOINT + "oauth_file = '/token'", CLIENT, "kafka.oauth_file"),
        (ENDPOINT + "sasl_username = 'app'", CLIENT, "kafka.sasl_username"),
        (BEARER + "oauth_file = '/token'\noauth_scope = 'kafka'", {}, "kafka.oauth_scope"),
        ("[kafka]\noauth_file = '/token'", {}, "kafka.sasl_mechanism"),
        (ENDPOINT.replace("https:", "http:"), CLIENT, "kafka.oauth_endpoint"),
        (ENDPOINT.replace("https://", "https://app:word@"), CLIENT, "kafka.oauth_endpoint"),
        (ENDPOINT + "oauth_extensions = {auth = 'x'}", CLIENT, "kafka.oauth_extensions"),
        (ENDPOINT + "oauth_extensions = {pool = ''}", CLIENT, "kafka.oauth_extensions"),
    ],
)
def test_a_door_of_kafka_needs_all_that_belongs_to_it(text: str, environ: dict[str, str], where: str) -> None:
    """And nothing that belongs to another."""
    assert only_problem_of(text, environ)[1] == where


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        ("[kafka]\nsecurity_protocol = 'SSL'\nssl_certfile = 'a'\nssl_keyfile = 'a'", {}),
        (ENDPOINT + "oauth_scope = 'kafka'\noauth_cafile = 'a'\noauth_extensions = {logicalCluster = 'lkc-1'}", CLIENT),
        (ENDPOINT.replace("https://login.example.com", "http://127.0.0.1:8080"), CLIENT),
        (BEARER + "oauth_file = '/token'", {}),
    ],
)
def test_each_door_of_kafka_is_taken(text: str, environ: dict[str, str]) -> None:
    """With what the page lists for it; an http endpoint only on this machine."""
    assert parse_settings(text, environ).kafka.security_protocol != "PLAINTEXT"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("oauth_client_secret = 'x'", "set LOFTY_GHL_KAFKA_CLIENT_SECRET or LOFTY_GHL_KAFKA_CLIENT_SECRET_FILE"),
        ("ssl_key_password = 'x'", "set LOFTY_GHL_KAFKA_KEY_PASSWORD or LOFTY_GHL_KAFKA_KEY_PASSWORD_FILE"),
        ("sasl_password = 'x'", "set LOFTY_GHL_KAFKA_PASSWORD or LOFTY_GHL_KAFKA_PASSWORD_FILE"),
        ("oauth_token = 'x'", "put the token into a file, and name it in kafka.oauth_file"),
    ],
)
def test_a_secret_of_kafka_in_the_file_has_its_place_named(line: str, hint: str) -> None:
    """Its value is not shown."""
    _, where, expected, got, told = only_problem_of(f"[kafka]\n{line}")
    assert (where, expected) == (f"kafka.{line.split()[0]}", "no credential in this file")
    assert "'x'" not in got
    assert told == hint


def test_sasl_needs_a_mechanism_a_user_and_a_password() -> None:
    """Reported before Kafka is asked."""
    problems = problems_of("[kafka]\nsecurity_protocol = 'SASL_SSL'")
    assert [where for _, where, *_ in problems] == [
        "kafka.sasl_mechanism",
        "kafka.sasl_username",
        "LOFTY_GHL_KAFKA_PASSWORD",
    ]


_NAMES = """
    kafka gateway worker connections mappings default acme lofty ghl tags policies fields users from transform mapping
    extends city custom:x region team_id location_id port budget include partitions
"""
_WORDS = st.sampled_from(_NAMES.split())
_ANY = st.recursive(
    st.integers(-5, 10**6) | st.booleans() | st.sampled_from(["", "ä", "a.b", 1.5]) | _WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(_WORDS, _ANY, max_size=4))
def test_no_file_however_wrong_ends_in_another_error(document: dict[str, Any]) -> None:
    """Either settings or problems, each with a place."""
    text = "\n".join(f'"{key}" = {_toml(value)}' for key, value in document.items())
    try:
        tomllib.loads(text)
        outcome: Any = parse_settings(text)
    except tomllib.TOMLDecodeError:
        return
    except SettingsError as error:
        outcome = error.problems
    assert isinstance(outcome, Settings) or all(one.line and one.where for one in outcome)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {_toml(one)}' for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "").replace('"', "") + '"'
    return repr(value).lower()
