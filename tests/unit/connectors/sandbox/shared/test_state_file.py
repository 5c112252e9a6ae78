"""What a sandbox holds outlives it, in one file that is whole at any time."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.ghl import GhlClientSettings, GhlSandbox, GhlSandboxSettings, LocationSettings
from connectors.sandbox.ghl.seeds import seed as seed_ghl
from connectors.sandbox.lofty import LoftyClientSettings, LoftySandbox, LoftySandboxSettings, TeamSettings
from connectors.sandbox.lofty.agent_activity import seed as seed_lofty
from connectors.sandbox.lofty.people import make_leads, make_team
from connectors.sandbox.shared.issuer import Grant
from connectors.sandbox.shared.state_file import StateFile, UnreadableState

GHL = GhlSandboxSettings(
    locations=(LocationSettings("one", ("pit-1",)), LocationSettings("two", ("pit-2",))),
    clients=(GhlClientSettings("app", "s"),),
)
LOFTY = LoftySandboxSettings(
    teams=(TeamSettings(1, ("key",)),), clients=(LoftyClientSettings("app", "s", "https://x.test/cb"),)
)


def restarted(path: Path, sandbox: Any, new: Any) -> None:
    """The old one's last act, and the new one's first."""
    StateFile(path, sandbox).save()
    assert StateFile(path, new).load()


def lofty_with_leads() -> LoftySandbox:
    """One team with five leads."""
    sandbox = LoftySandbox(LOFTY)
    team = sandbox.teams[1]
    seed_lofty(sandbox, team, make_team())
    seed_lofty(sandbox, team, {"leads": make_leads(5, seed=1)})
    return sandbox


def test_ghl_remembers_its_contacts_and_finds_them_by_what_they_are_found_by(tmp_path: Path) -> None:
    """By id and by e-mail; the next id is a new one."""
    old = GhlSandbox(GHL)
    given = {"location": "one", "contacts": [{"email": f"{name}@example.com"} for name in ("ada", "bob")]}
    seed_ghl(old, given)
    new = GhlSandbox(GHL)
    restarted(tmp_path / "state", old, new)
    place = new.locations["one"]
    assert place.contacts.keys() == old.locations["one"].contacts.keys()
    assert [one.fields["email"] for one in place.holders("email", "ADA@example.com")] == ["ada@example.com"]
    assert place.new_id() == old.locations["one"].new_id()
    assert new.locations["two"].new_id() == old.locations["two"].new_id()  # one source of ids, so that none comes twice


def test_lofty_remembers_its_leads_subscriptions_and_what_is_still_to_be_told(tmp_path: Path) -> None:
    """The next id is a new one."""
    old = lofty_with_leads()
    old.teams[1].subscriptions[7] = {"id": 7, "listId": 1, "callbackUrl": "http://x.test"}
    old.teams[1].report(1, "created", {"leadId": 1})
    new = LoftySandbox(LOFTY)
    restarted(tmp_path / "state", old, new)
    assert new.teams[1].records == old.teams[1].records
    assert new.teams[1].subscriptions == old.teams[1].subscriptions
    assert new.teams[1].outbox == old.teams[1].outbox
    assert next(new.teams[1].ids) == next(old.teams[1].ids)


@pytest.mark.parametrize(("sandbox", "settings"), [(GhlSandbox, GHL), (LoftySandbox, LOFTY)], ids=["ghl", "lofty"])
def test_access_that_was_given_stays_given(sandbox: Any, settings: Any, tmp_path: Path) -> None:
    """Tokens are good as before, and what was revoked stays revoked."""
    old, new = sandbox(settings), sandbox(settings)
    kept = old.oauth.issuer.issue(Grant("app", "one"), 0.0)
    gone = old.oauth.issuer.issue(Grant("app", "two"), 0.0)
    old.oauth.issuer.revoke(lambda grant: grant.subject == "two")
    restarted(tmp_path / "state", old, new)
    issuer = new.oauth.issuer
    assert issuer.find_access(kept.access, 1.0).subject == "one"
    assert issuer.find_refresh(kept.refresh, 1.0).subject == "one"
    assert issuer.find_access(gone.access, 1.0) is None


def test_settings_are_those_of_the_new_start(tmp_path: Path) -> None:
    """A location that is no more is gone, a new one is empty, and tokens are the new ones."""
    old = GhlSandbox(GHL)
    seed_ghl(old, {"location": "one", "contacts": [{"email": "ada@example.com"}]})
    new = GhlSandbox(
        GhlSandboxSettings(locations=(LocationSettings("one", ("pit-9",)), LocationSettings("three", ("pit-3",))))
    )
    restarted(tmp_path / "state", old, new)
    assert {name: len(place.contacts) for name, place in new.locations.items()} == {"one": 1, "three": 0}
    assert new.locations["one"].settings.tokens == ("pit-9",)


def test_the_first_start_finds_no_file(tmp_path: Path) -> None:
    """And begins empty."""
    assert not StateFile(tmp_path / "state", GhlSandbox(GHL)).load()


def test_a_kill_while_writing_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new one takes its place only once it lies on the disk."""
    path, sandbox = tmp_path / "state", lofty_with_leads()
    file = StateFile(path, sandbox)
    file.save()
    before = path.read_bytes()
    next(sandbox.teams[1].ids)
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        file.save()
    assert path.read_bytes() == before
    assert StateFile(path, LoftySandbox(LOFTY)).load()


def test_what_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    """The file stays the one that it was."""
    file = StateFile(tmp_path / "state", lofty_with_leads())
    file.save()
    first = (tmp_path / "state").stat().st_ino
    file.save()
    assert (tmp_path / "state").stat().st_ino == first


@pytest.mark.parametrize(
    "content",
    [b"", b"not a pickle", pickle.dumps(("GhlSandbox", 0, {})), pickle.dumps(("GhlSandbox", 1, {})), pickle.dumps(3)],
    ids=["empty", "noise", "an older format", "without contacts", "something else"],
)
def test_a_state_that_cannot_be_read_is_refused_with_what_to_do(content: bytes, tmp_path: Path) -> None:
    """Another version's, or broken."""
    (tmp_path / "state").write_bytes(content)
    with pytest.raises(UnreadableState, match=r"state holds no state that this version can read .* down -v"):
        StateFile(tmp_path / "state", GhlSandbox(GHL)).load()


def test_the_state_of_the_other_vendor_is_refused(tmp_path: Path) -> None:
    """Each has its own file."""
    StateFile(tmp_path / "state", LoftySandbox(LOFTY)).save()
    with pytest.raises(UnreadableState, match="LoftySandbox"):
        StateFile(tmp_path / "state", GhlSandbox(GHL)).load()
