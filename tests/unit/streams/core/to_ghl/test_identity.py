"""Whose a contact is: the table in `identity.py`, row by row and at random."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from streams.core.to_ghl.identity import Person, Policy, Verdict, family_of, judge, person_of

ANN = Person(email="ann@x.test", phone="+15305550104", name="ann vale", lofty_id="1")
BEN = Person(email="ben@x.test", phone="+15305550104", name="ben vale", lofty_id="2")


def person(of: Person, **changes: Any) -> Person:
    """A person that differs in some of it. The Lofty id is unknown unless given."""
    return Person(**{"email": of.email, "phone": of.phone, "name": of.name, **changes})


CASES: list[tuple[str, Person, Person, Verdict, Verdict]] = [
    ("has this lead's Lofty id, whatever else it says", ANN, person(BEN, lofty_id="1"), "own", "own"),
    ("e-mail equal", ANN, person(ANN), "own", "shared"),
    ("e-mail equal, another name and telephone", ANN, person(BEN, email=ANN.email, phone="+1999"), "own", "shared"),
    ("e-mail equal, and the name is one of the family", person(ANN, family=frozenset({"ben vale"})),
     person(BEN, email=ANN.email), "apart", "apart"),
    ("telephone and name equal, another e-mail", ANN, person(ANN, email="old@x.test"), "own", "shared"),
    ("a couple", ANN, BEN, "apart", "apart"),
    ("a couple, and one e-mail is not known", person(ANN, email=""), person(BEN), "apart", "apart"),
    ("telephone alone", ANN, Person(phone=ANN.phone), "own", "apart"),
    ("telephone, and the lead has no name", person(ANN, name="", email=""), person(BEN), "own", "apart"),
    ("telephone, no name, two e-mails", person(ANN, name=""), person(BEN), "apart", "apart"),
    ("nothing equal that we see", ANN, person(BEN, phone="+1999"), "apart", "apart"),
    ("nothing known on either side", Person(lofty_id="1"), Person(), "apart", "apart"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "mine", "found", "nobodys", "livings"), CASES, ids=[case[0] for case in CASES])
def test_each_case_is_judged_as_the_table_says(
    what: str, mine: Person, found: Person, nobodys: Verdict, livings: Verdict
) -> None:
    """A contact that is no living lead's, and the same one as another living lead's."""
    assert judge(mine, found, is_living=False) == nobodys
    assert judge(mine, found, is_living=True) == livings


@pytest.mark.parametrize(("found", "policies", "verdict"), [
    (BEN, {"shared_phone": "same"}, "shared"),
    (person(BEN, email=ANN.email), {"shared_email": "apart"}, "apart"),
    (person(BEN, email=ANN.email), {"shared_email": "apart", "shared_phone": "same"}, "apart"),
])  # fmt: skip
def test_a_policy_decides_where_the_table_says_so(found: Person, policies: dict[str, Policy], verdict: Verdict) -> None:
    """Between two living leads."""
    assert judge(ANN, found, is_living=True, **policies) == verdict


@pytest.mark.parametrize("found", [BEN, person(ANN), person(BEN, phone="+1999")])
@pytest.mark.parametrize("policy", ["same", "apart"])
def test_what_a_person_decided_is_above_rules_and_policies(found: Person, policy: Policy) -> None:
    """But not above the Lofty id; and no living lead loses its contact by it."""
    policies: dict[str, Policy] = {"shared_email": policy, "shared_phone": policy}
    assert judge(ANN, found, is_living=True, decided="same", **policies) == "shared"
    assert judge(ANN, found, is_living=False, decided="same", **policies) == "own"
    assert judge(ANN, found, is_living=True, decided="apart", **policies) == "apart"
    assert judge(ANN, found, is_living=False, decided="apart", **policies) == "apart"
    assert judge(ANN, person(found, lofty_id="1"), is_living=True, decided="apart", **policies) == "own"


def test_another_living_leads_contact_is_never_this_ones_unless_it_has_this_ones_id() -> None:
    """Every combination of what two people have in common, under every policy."""
    values = ("", "a", "b")
    sides = [Person(e, p, n, i) for e, p, n, i in product(values, values, values, ("", "1", "2"))]
    policies: tuple[Policy, ...] = ("same", "apart")
    for mine, found in product([one for one in sides if one.lofty_id == "1"], sides):
        for email, phone in product(policies, policies):
            verdict = judge(mine, found, is_living=True, shared_email=email, shared_phone=phone)
            assert (verdict == "own") == (found.lofty_id == "1")


def test_people_are_compared_without_case_and_double_blanks() -> None:
    """By first and last name, else by the whole name."""
    one = person_of({"firstName": "Ann ", "lastName": " VALE", "email": "Ann@X.test"}, "1")
    assert one == Person(email="ann@x.test", name="ann vale", lofty_id="1")
    assert person_of({"name": "Ann  Vale"}, "").name == "ann vale"


def test_a_family_is_read_from_the_lead() -> None:
    """What is not as Lofty's document has it names nobody."""
    state = {"leadFamilyMemberList": [{"firstName": "Ben", "lastName": "Vale"}, {"firstName": None}, "x"]}
    assert family_of(state) == frozenset({"ben vale"})
    assert family_of({"leadFamilyMemberList": "x"}) == family_of({}) == frozenset()
