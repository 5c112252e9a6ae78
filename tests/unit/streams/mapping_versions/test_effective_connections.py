"""Which version of an edited connection is in force: the newest that compiles here, and nobody else is stopped by it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from connectors.auth.keyring import NONCE_BYTES, KeyRing
from streams.mapping_versions.connection_log import ConnectionLog
from streams.mapping_versions.effective import Edits, EffectiveMappings, effective_mappings
from streams.mapping_versions.version_log import VersionLog
from streams.messages.connection_edit import ConnectionEdit, SealedCredential, about_credential
from streams.settings import Settings, parse_settings
from streams.settings.overlay import Overlay
from streams.worker.connections import is_same
from tests.unit.streams.mapping_versions.stage import CONFIG, GOOD, TABLE, WRONG, connection_edit, edit

KEYS = "k1:" + "A" * 43 + "="
SECRETS = ("lofty_api_key", "ghl_token", "webhook_secret")


def settings(keys: str = KEYS) -> Settings:
    """The file's settings, with keys for credentials."""
    return parse_settings(CONFIG, {"LOFTY_GHL_TOKEN_KEYS": keys} if keys else {})


def sealed(connection: str, secret: str, plain: str = "a-secret-of-16-letters") -> SealedCredential:
    """A credential as it is on the topic."""
    about = about_credential(connection, secret)
    text = KeyRing.of(KEYS).seal(plain.encode(), about=about, nonce=os.urandom(NONCE_BYTES))
    return SealedCredential(connection=connection, secret=secret, sealed=text, at_ms=1)


def edits_of(*edits: ConnectionEdit, mappings: VersionLog | None = None, without: str = "") -> Edits:
    """Edits of connections that have all credentials."""
    log = ConnectionLog()
    for one in edits:
        assert log.add(one)
        for secret in SECRETS:
            if secret != without:
                log.take_credential(one.connection, secret, sealed(one.connection, secret))
    return Edits(mappings or VersionLog(), log.usable(), log.sealed())


def effective(*edits: ConnectionEdit, **more: Any) -> EffectiveMappings:
    """What is in force after these edits."""
    return effective_mappings(settings(), edits_of(*edits, **more))


def table(team: str, location: str, **more: Any) -> dict[str, Any]:
    """The table of a connection."""
    return {"region": "US", "lofty": {"team_id": team}, "ghl": {"location_id": location}, **more}


def test_an_added_connection_is_beside_those_of_the_file() -> None:
    """It has its credentials, and says where it is managed."""
    found = effective(connection_edit("beta", 0)).settings
    beta = found.connections["beta"]
    assert {name: one.managed for name, one in found.connections.items()} == {"acme": "file", "beta": "console"}
    assert (beta.lofty.team_id, beta.version, beta.has_id) == ("2", 1, True)
    assert beta.secrets.ghl_token is not None
    assert beta.secrets.ghl_token.get_secret_value() == "a-secret-of-16-letters"
    assert "a-secret" not in repr(found)
    assert found.connection_trouble == {}


@pytest.mark.parametrize("without", SECRETS)
def test_a_connection_without_a_credential_waits_for_it(without: str) -> None:
    """No process works on it."""
    found = effective(connection_edit("beta", 0), without=without)
    assert (list(found.settings.connections), list(found.incomplete)) == (["acme"], ["beta"])


def test_without_keys_the_connection_is_not_in_use_and_that_is_said() -> None:
    """The others go on."""
    found = effective_mappings(settings(keys=""), edits_of(connection_edit("beta", 0))).settings
    assert list(found.connections) == ["acme"]
    assert "LOFTY_GHL_TOKEN_KEYS" in found.connection_trouble["beta"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"region": "XX"}, "connections.beta.region: expected a region's two letters"),
        ({"lofty": {}}, "connections.beta.lofty.team_id: expected the Lofty team's id"),
        ({"mapping": "nobody"}, "connections.beta.mapping: expected the name of a mapping"),
        ({"lofty": {"team_id": "1"}, "ghl": {"location_id": "L"}}, "expected another team or location"),
        ({"ghl": {"location_id": "L", "requests_per_window": 7}, "lofty": {"team_id": "2"}}, "has the same location"),
        ({"unheard": 1}, "an unknown key"),
        ({"api_key": "eyJhbGciOiJI.eyJzdWIi.x"}, "no credential in this file"),
    ],
)
def test_a_version_that_does_not_parse_leaves_its_connection_as_it_was(wrong: dict[str, Any], words: str) -> None:
    """The same rules as for the file, the problem in words, and no line of a file that does not hold it."""
    log = [connection_edit("beta", 0), connection_edit("gamma", 0, table=table("3", "N"))]
    found = effective(*log, connection_edit("beta", 1, table={**TABLE, **wrong})).settings
    assert {name: one.version for name, one in found.connections.items()} == {"acme": 0, "beta": 1, "gamma": 1}
    assert words in found.connection_trouble["beta"]
    assert "line" not in found.connection_trouble["beta"]


def test_a_connection_with_no_version_that_parses_is_left_out() -> None:
    """And nobody else."""
    found = effective(connection_edit("beta", 0, table={}), connection_edit("gamma", 0)).settings
    assert list(found.connections) == ["acme", "gamma"]
    assert list(found.connection_trouble) == ["beta"]


def test_where_two_contradict_each_other_the_later_edit_is_at_fault() -> None:
    """Both were right when they were saved."""
    beta, gamma = connection_edit("beta", 0), connection_edit("gamma", 0, table=table("3", "N"))
    later = connection_edit("beta", 1, table=table("3", "N"))
    found = effective(beta, gamma, later).settings
    assert (found.connections["beta"].lofty.team_id, found.connections["gamma"].lofty.team_id) == ("2", "3")
    assert list(found.connection_trouble) == ["beta"]


def test_the_file_has_its_names_and_ids() -> None:
    """An edited connection never takes the place of one of the file."""
    found = effective(connection_edit("acme", 0), connection_edit("beta", 0, label="acme")).settings
    assert {name: one.managed for name, one in found.connections.items()} == {"acme": "file"}
    assert set(found.connection_trouble) == {"acme", "beta"}


def test_a_renamed_connection_keeps_its_id() -> None:
    """The label is another, the id and the credentials are those of before."""
    found = effective(connection_edit("beta", 0), connection_edit("beta", 1, label="beta-west")).settings
    beta = found.connections["beta"]
    assert (beta.label, found.connection("beta-west"), beta.secrets.lofty_api_key is None) == ("beta-west", beta, False)


def test_edited_mappings_count_for_edited_connections() -> None:
    """By the table of the connection, and by an edit that gives it another one."""
    mappings = VersionLog()
    assert mappings.add(edit(0, text=GOOD.replace("acme", "loud"), name="loud"))
    assert mappings.add(edit(1, "use", name="gamma", text="loud"))
    beta = connection_edit("beta", 0, table={**TABLE, "mapping": "loud"})
    gamma = connection_edit("gamma", 0, table=table("3", "N"))
    found = effective(beta, gamma, mappings=mappings).settings
    assert {name: one.mapping.name for name, one in found.connections.items()} == {
        "acme": "acme",
        "beta": "loud",
        "gamma": "loud",
    }


def test_a_mapping_that_does_not_compile_does_not_take_connections_away() -> None:
    """The mappings go back to the version before, and the connections stay."""
    mappings = VersionLog()
    assert mappings.add(edit(0, text=GOOD))
    assert mappings.add(edit(1, text=WRONG))
    found = effective(connection_edit("beta", 0), mappings=mappings).settings
    assert (found.mapping_version, list(found.connections), found.connection_trouble) == (1, ["acme", "beta"], {})
    assert "version 2 of the mappings does not compile" in found.mapping_trouble


def test_a_failure_of_our_own_takes_only_the_connection_that_causes_it() -> None:
    """Whoever can write to the topic cannot end a process, nor the other connections."""
    file = settings()
    whole = file.origin
    assert whole is not None

    def parse(overlay: Overlay) -> Settings:
        if any(one.table.get("region") == "boom" for one in overlay.connections):
            raise RecursionError
        return whole.parse(overlay)

    broken = file.model_copy(update={"origin": replace(whole, parse=parse)})
    log = [
        connection_edit("gamma", 0, table=table("3", "N")),
        connection_edit("beta", 0, table={**TABLE, "region": "boom"}),
    ]
    found = effective_mappings(broken, edits_of(*log)).settings
    assert (list(found.connections), list(found.connection_trouble)) == (["acme", "gamma"], ["beta"])


def same_connections(one: Settings, other: Settings) -> bool:
    """Whether a worker has nothing to take over."""
    return all(
        is_same(one.connections.get(n), other.connections.get(n)) for n in {*one.connections, *other.connections}
    )


def test_a_worker_goes_on_where_nothing_of_a_connection_changed() -> None:
    """Another table, another credential and another connection are changes; a credential of nobody is none."""
    before = effective(connection_edit("beta", 0)).settings
    assert same_connections(before, effective(connection_edit("beta", 0)).settings)
    assert not same_connections(before, effective(connection_edit("beta", 0), connection_edit("beta", 1)).settings)
    assert not same_connections(before, settings())
