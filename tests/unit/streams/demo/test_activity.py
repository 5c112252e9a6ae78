"""An agency's day: lifelike, the same for the same seed, and of a size that stays."""

from __future__ import annotations

from typing import Any

from connectors.sandbox import lofty as lofty_sandbox
from connectors.sandbox.ghl import GhlSandbox, GhlSandboxSettings, LocationSettings
from connectors.sandbox.ghl.people import APPOINTMENTS, act
from connectors.sandbox.ghl.rules import RULES
from connectors.sandbox.ghl.seeds import seed, shown
from connectors.sandbox.lofty import LoftySandbox
from connectors.sandbox.lofty import agent_activity as desk_work
from connectors.sandbox.lofty.people import make_leads, make_team
from streams.demo.activity import MOST_CHILDREN, ROUNDS, hour_of_edits, visit


def row(lead: int, notes: int = 0, tasks: int = 0) -> dict[str, Any]:
    """A lead as the sandbox shows it."""
    return {
        "lead": {"leadId": lead},
        "notes": [{"noteId": 1000 * lead + n} for n in range(notes)],
        "tasks": [{"id": 2000 * lead + n} for n in range(tasks)],
        "appointments": [],
    }


def contact(**more: Any) -> dict[str, Any]:
    """A contact as the sandbox shows it."""
    return {"id": "c1", "tags": [], "notes": [], "tasks": [], "appointments": [], **more}


def test_an_hour_is_a_few_bursts_and_the_same_for_the_same_seed() -> None:
    """Each burst touches one lead several times."""
    standing = [row(1, 1, 1), row(2, 1, 1)]
    bursts = list(hour_of_edits(standing, 7))
    assert len(bursts) == ROUNDS
    assert bursts == list(hour_of_edits(standing, 7))
    assert bursts != list(hour_of_edits(standing, 8))
    assert all(len({edit["id"] for edit in burst if edit["kind"] == "lead"}) == 1 for burst in bursts[:-1])


def test_a_team_keeps_its_size() -> None:
    """For the lead that goes another comes; of many notes and tasks the oldest go."""
    last = list(
        hour_of_edits([row(1, MOST_CHILDREN + 2, MOST_CHILDREN + 1), row(2, MOST_CHILDREN + 2, MOST_CHILDREN + 1)], 7)
    )[-1]
    gone = next(edit["id"] for edit in last if edit["kind"] == "lead" and edit["edit"] == "delete")
    stays = 3 - gone
    assert [edit["edit"] for edit in last if edit["kind"] == "lead"] == ["delete", "create"]
    assert [edit["id"] for edit in last if edit["kind"] == "note"] == [1000 * stays, 1000 * stays + 1]
    assert [edit["id"] for edit in last if edit["kind"] == "task"] == [2000 * stays]


def test_newcomers_do_not_meet() -> None:
    """Two with one e-mail address would be one contact in GHL."""
    emails = [
        edit["fields"]["emails"][0]
        for seed in range(20)
        for burst in hour_of_edits([row(1), row(2)], seed)
        for edit in burst
        if edit["kind"] == "lead" and edit["edit"] == "create"
    ]
    assert len(set(emails)) == 20


def test_a_visitor_does_what_a_person_can_do() -> None:
    """With each seed something; all that the demo's rules and switches are about comes up."""
    acts = [act for seed in range(60) for act in visit([contact()], "loc", seed, 1_790_000_000.0)]
    assert {act["do"] for act in acts} == {
        "add-tags",
        "create-note",
        "create-task",
        "update-contact",
        "book-appointment",
    }
    assert {act["do"] for act in acts} <= {*RULES, *APPOINTMENTS}
    assert all(act["location"] == "loc" and act["ids"]["contactId"] == "c1" for act in acts)


def test_ghl_takes_what_a_visitor_does() -> None:
    """A hundred visits, one after another, at the real sandbox."""
    sandbox = GhlSandbox(GhlSandboxSettings(locations=(LocationSettings("loc", ("t",)),)))
    seed(sandbox, {"location": "loc", "contacts": [{"firstName": "Ada", "email": "ada@example.com"}]})
    for number in range(100):
        contacts = [shown(one) for one in sandbox.location("loc").contacts.values()]
        for done in visit(contacts, "loc", number, 1_790_000_000.0):
            act(sandbox, done)
    (left,) = sandbox.location("loc").contacts.values()
    assert max(len(left.notes), len(left.tasks)) <= MOST_CHILDREN + 1


def test_lofty_takes_what_agents_do() -> None:
    """Thirty hours, one after another, at the real sandbox; the team keeps its size."""
    sandbox = LoftySandbox(lofty_sandbox.LoftySandboxSettings(teams=(lofty_sandbox.TeamSettings(1, ("k",)),)))
    team = desk_work.team_of(sandbox, 1)
    desk_work.seed(sandbox, team, {**make_team(), "leads": make_leads(6)})
    for number in range(30):
        for burst in hour_of_edits(desk_work.everything(team, with_trash=False), number):
            desk_work.edit_all(sandbox, team, burst)
    left = desk_work.everything(team, with_trash=False)
    assert len(left) == 6
    assert max(len(one["notes"]) for one in left) <= MOST_CHILDREN + ROUNDS


def test_where_nobody_is_nothing_is_done() -> None:
    """Before the first contact has arrived."""
    assert visit([], "loc", 1, 0.0) == []


def test_what_visitors_left_is_tidied_and_ours_is_not() -> None:
    """What has a marker belongs to the pipeline."""
    ours = [{"id": "ours", "body": "x\n[lofty-note:1]"}]
    notes = ours + [{"id": f"n{n}", "body": "by hand"} for n in range(MOST_CHILDREN + 1)]
    acts = visit([contact(notes=notes)], "loc", 1, 0.0)
    assert [act["ids"]["id"] for act in acts if act["do"] == "delete-note"] == ["n0"]
