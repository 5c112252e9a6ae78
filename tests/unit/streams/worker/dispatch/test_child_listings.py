"""What contacts had when they were listed is remembered for a while, and not too much of it."""

from __future__ import annotations

from streams.core.to_ghl.adopt import HeldChild
from streams.worker.dispatch.child_listings import MOST_REMEMBERED, REMEMBERED_SECONDS, Held, Listings

STEP = "find note"


def held(count: int = 1) -> Held:
    """A listing of so many notes."""
    return {("note", str(number)): HeldChild(f"n{number}") for number in range(count)}


def test_a_listing_counts_for_its_contact_step_and_epoch_and_for_a_while() -> None:
    """A later owner of the partition may follow one who has written."""
    now = [0.0]
    listings = Listings(lambda: now[0])
    listings.put("c1", STEP, 7, held())
    found = [listings.get(*key) for key in (("c1", STEP, 7), ("c1", "find task", 7), ("c2", STEP, 7), ("c1", STEP, 8))]
    assert found == [held(), None, None, None]
    now[0] = REMEMBERED_SECONDS
    assert listings.get("c1", STEP, 7) is None


def test_what_was_taken_out_is_not_found_again() -> None:
    """It may have been deleted since."""
    listings = Listings()
    listings.put("c1", STEP, 7, held())
    for _ in range(2):
        kept = listings.get("c1", STEP, 7)
        assert kept is not None
        kept.pop(("note", "0"), None)
    assert kept == {}


def test_what_is_about_to_be_deleted_is_not_found_again() -> None:
    """In its contact's listings only."""
    listings = Listings()
    for contact in ("c1", "c2"):
        listings.put(contact, STEP, 7, held(2))
    listings.drop("c1", "n1")
    listings.drop("c3", "n1")
    assert (listings.get("c1", STEP, 7), listings.get("c2", STEP, 7)) == (held(1), held(2))


def test_the_oldest_listings_are_forgotten_first() -> None:
    """Whatever was taken out of them since."""
    listings = Listings()
    for number in range(3):
        listings.put(f"c{number}", STEP, 7, held(MOST_REMEMBERED // 2 - 1))
    assert [listings.get(f"c{number}", STEP, 7) is None for number in range(3)] == [True, False, False]
    listings.put("c2", STEP, 7, held(MOST_REMEMBERED // 2 - 1))
    assert listings.get("c1", STEP, 7) is not None


def test_who_took_something_up_and_what_is_being_deleted_is_known_for_a_while() -> None:
    """What is taken up once more is there from then on; what is old goes with the next one."""
    now = [0.0]
    listings = Listings(lambda: now[0])
    listings.take("n1", "acme:1:note:1")
    listings.take("n2", "acme:1:note:2")
    listings.drop("c1", "n3")
    now[0] = REMEMBERED_SECONDS - 1
    listings.take("n1", "acme:2:note:1")
    assert [listings.is_taken("n1", but) for but in ("acme:1:note:1", "acme:2:note:1")] == [True, False]
    assert (listings.is_taken("n2", "acme:2:note:2"), listings.is_going("n3")) == (True, True)
    now[0] = REMEMBERED_SECONDS
    listings.take("n4", "acme:1:note:4")
    listings.drop("c1", "n5")
    taken = [listings.is_taken(one, "") for one in ("n1", "n2", "n4")]
    assert (taken, [listings.is_going(one) for one in ("n3", "n5")]) == ([True, False, True], [False, True])
