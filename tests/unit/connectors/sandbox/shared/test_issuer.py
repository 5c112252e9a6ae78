"""Codes and tokens of the sandboxes' OAuth servers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.sandbox.shared.issuer import CODE_SECONDS, Grant, Issuer

GRANT = Grant("client-1", "loc1", ("a", "b"))


def issuer(grace: float = 30.0, *, rotates: bool = True) -> Issuer:
    """Tokens that live for 100 seconds, to be refreshed for 1,000."""
    return Issuer(100.0, 1_000.0, grace, rotates)


def test_a_code_is_good_until_it_is_spent_or_old() -> None:
    """Looking at it spends nothing."""
    one = issuer()
    spent, old = one.code(GRANT, "https://x.test", 0.0), one.code(GRANT, "https://x.test", 0.0)
    assert one.find_code(spent, 0.0) == one.find_code(spent, 1.0)
    one.spend_code(spent)
    assert one.find_code(spent, 1.0) is None
    assert one.find_code(old, CODE_SECONDS - 1) is not None
    assert one.find_code(old, CODE_SECONDS) is None


def test_an_access_token_lives_its_time() -> None:
    """And is remembered afterwards."""
    one = issuer()
    issued = one.issue(GRANT, 0.0)
    assert one.find_access(issued.access, 99.9) is GRANT
    assert one.find_access(issued.access, 100.0) is None
    assert (one.knows(issued.access), one.knows("other")) == (True, False)


def test_a_refresh_token_is_good_once_and_within_the_grace_for_the_same_pair() -> None:
    """Afterwards it is not, while its successor is."""
    one = issuer()
    first = one.issue(GRANT, 0.0)
    second = one.refresh(first.refresh, 10.0)
    assert second is not None
    assert one.refresh(first.refresh, 39.9) == second
    assert one.refresh(first.refresh, 40.0) is None
    assert one.refresh(second.refresh, 40.0) is not None
    assert second.refresh != first.refresh


def test_a_refresh_token_that_does_not_rotate_stays() -> None:
    """Each use gives another access token."""
    one = issuer(rotates=False)
    first = one.issue(GRANT, 0.0)
    second, third = one.refresh(first.refresh, 1.0), one.refresh(first.refresh, 900.0)
    assert second is not None
    assert third is not None
    assert {second.refresh, third.refresh} == {first.refresh}
    assert len({first.access, second.access, third.access}) == 3
    assert one.refresh(first.refresh, 1_000.0) is None


def test_what_is_revoked_is_over_for_good() -> None:
    """Codes, access and refresh tokens of the grants that fit; others go on."""
    one, mine, other = issuer(), Grant("client-1", "loc1"), Grant("client-1", "loc2")
    code, issued, kept = one.code(mine, "u", 0.0), one.issue(mine, 0.0), one.issue(other, 0.0)
    counts = [one.revoke(lambda grant: grant.subject == "loc1") for _ in range(2)]
    assert counts == [1, 0]
    assert one.find_code(code, 1.0) is None
    assert one.find_access(issued.access, 1.0) is None
    assert one.refresh(issued.refresh, 1.0) is None
    assert one.find_access(kept.access, 1.0) is other


def test_what_is_expired_can_be_refreshed() -> None:
    """Only the access tokens that live are counted."""
    one = issuer()
    first = one.issue(GRANT, 0.0)
    assert one.expire(lambda grant: grant.subject == "loc1", 5.0) == 1
    assert one.expire(lambda grant: True, 5.0) == 0
    assert one.find_access(first.access, 5.0) is None
    assert one.refresh(first.refresh, 5.0) is not None


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5)), max_size=25))
def test_of_a_chain_only_the_newest_refresh_token_leads_on(uses: list[tuple[int, int]]) -> None:
    """Whichever is used when: an older one never gives anything but the pair that it gave before."""
    one, now = issuer(), 0.0
    chain = [one.issue(Grant("client-1", "loc1"), now)]
    for pause, back in uses:
        now += pause
        place = max(0, len(chain) - 1 - back)
        got = one.refresh(chain[place].refresh, now)
        if place < len(chain) - 1:
            assert got in (None, chain[place + 1])
        elif got is not None:
            chain.append(got)
    assert len({issued.access for issued in chain}) == len(chain)
