"""Which edits of accounts count, by rows of edits in any order."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.core.account_log import AccountLog
from streams.messages.account_edit import AccountEdit


def edit(number: int, based_on: int, **facts: Any) -> AccountEdit:
    """One edit."""
    known: dict[str, Any] = {"kind": "person", "name": "ann", "role": "viewer", "at_ms": number, "by": "root"}
    return AccountEdit(**{**known, "id": f"edit {number}", "based_on": based_on, **facts})


def test_of_two_edits_of_one_version_the_first_counts() -> None:
    """Whoever is too late decides again, on what is so then."""
    log = AccountLog()
    assert log.add(edit(1, 0))
    assert log.add(edit(2, 1, role="operator"))
    assert not log.add(edit(3, 1, role="admin"))
    found = log.get("person", "ann")
    assert found is not None
    assert (found.role, log.version, log.version_of("person", "ann")) == ("operator", 2, 2)
    assert log.counted == {"edit 1", "edit 2"}


def test_two_admins_cannot_take_the_role_from_each_other() -> None:
    """Both decided while the other was an admin; one of the edits does not count."""
    log = AccountLog()
    for number, name in enumerate(("ann", "ben")):
        assert log.add(edit(number, number, name=name, role="admin", password_hash="x"))
    log.add(edit(7, 2, name="ann", role="viewer", password_hash="x"))
    log.add(edit(8, 2, name="ben", role="viewer", password_hash="x"))
    assert log.admins() == {"ben"}


def test_who_was_removed_is_not_there_and_the_name_is_free() -> None:
    log = AccountLog()
    log.add(edit(1, 0))
    log.add(edit(2, 1, is_removed=True))
    assert log.get("person", "ann") is None
    assert list(log.all("person")) == []
    assert log.add(edit(3, 2, role="operator"))
    assert [one.role for one in log.all("person")] == ["operator"]


def test_a_person_and_a_program_may_have_one_name() -> None:
    log = AccountLog()
    log.add(edit(1, 0))
    log.add(edit(2, 1, kind="program", token_hash="sha256:x"))
    assert [one.kind for kind in ("person", "program") for one in log.all(kind)] == ["person", "program"]  # type: ignore[arg-type]  # a literal in a tuple


def test_links_and_tokens_are_good_until_their_time() -> None:
    """And not when disabled; an account without a link is not found by an empty one."""
    log = AccountLog()
    log.add(edit(1, 0, link_hash="sha256:l", link_until_ms=100))
    log.add(edit(2, 1, kind="program", token_hash="sha256:t", expires_ms=100))
    log.add(edit(3, 2, kind="program", name="ever", token_hash="sha256:e"))
    log.add(edit(4, 3, name="ben"))
    assert log.by_link("sha256:l", 99) is not None
    assert log.by_link("sha256:l", 100) is None
    assert log.by_link("", 99) is None
    assert log.by_token("sha256:t", 99) is not None
    assert log.by_token("sha256:t", 100) is None
    assert log.by_token("sha256:e", 10**15) is not None
    log.add(edit(5, 4, link_hash="sha256:l", link_until_ms=100, is_disabled=True))
    assert log.by_link("sha256:l", 99) is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 6))))
def test_whoever_reads_the_same_edits_has_the_same_accounts(edits: list[tuple[str, int]]) -> None:
    """Versions are counted without a gap, whatever comes."""
    logs = AccountLog(), AccountLog()
    for log in logs:
        for number, (name, based_on) in enumerate(edits):
            log.add(edit(number, based_on, name=name))
    assert list(logs[0].all("person")) == list(logs[1].all("person"))
    assert logs[0].version == len(logs[0].counted)
