"""The family town: it is as it says, the same for the same seed, and its agents can go on for long."""

from __future__ import annotations

import random
from collections import Counter

from connectors.sandbox.lofty import LoftySandbox, LoftySandboxSettings, TeamSettings
from tests.chaos.family_desk import FamilyDesk
from tests.chaos.town import make_town

LEADS = 400


def test_a_town_has_the_parts_that_it_describes() -> None:
    """Of its leads 15 % are couples with one telephone, 5 % have one e-mail, 10 % a name only; no two have one name."""
    town = make_town(LEADS, 4, random.Random(1))
    leads = [lead for team in town for lead in team.leads]
    assert len(leads) == LEADS == len({lead["firstName"] for lead in leads})
    phones, emails = (
        Counter(value for lead in leads for value in lead[name][:1]).values() for name in ("phones", "emails")
    )
    assert (sum(n for n in phones if n == 2), sum(n for n in emails if n == 2)) == (0.15 * LEADS, 0.05 * LEADS)
    assert sum(not (lead["phones"] or lead["emails"]) for lead in leads) == 0.10 * LEADS
    assert sum(lead["phones"][0].startswith("(123)") for lead in leads if lead["phones"]) == 0.03 * LEADS
    assert sum(len(team.contacts) for team in town) > 0.13 * LEADS
    assert make_town(LEADS, 4, random.Random(1)) == town


def test_its_agents_do_all_that_happens_to_families() -> None:
    """Three thousand edits, each of them one that Lofty takes; what is merged or deleted is edited no more."""
    sandbox = LoftySandbox(LoftySandboxSettings(tuple(TeamSettings(9000 + n, (f"key-{n}",)) for n in range(4))))
    desk = FamilyDesk(sandbox, random.Random(2))
    desk.move_in(make_town(LEADS, 4, random.Random(1)))
    for _ in range(1_500):
        desk.edit_something()
    desk.forget()
    desk.part_with_some()
    for _ in range(200):
        desk.edit_something()
    assert desk.merged_unknown > 4
    desk.remember()
    for _ in range(1_500):
        desk.edit_something()
    assert len(desk.done) == 13, desk.done
    living = sum(not one.is_deleted for team in sandbox.teams.values() for one in team.records["lead"].values())
    assert living == sum(len(desk.leads(team)) for team in sandbox.teams)
