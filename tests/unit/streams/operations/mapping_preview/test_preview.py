"""What a mapping makes of a lead, and what that would change in GHL: the same decisions as the worker's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streams.console.pages.views import mapping_view
from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.core.to_ghl.desired import resolve_contact
from streams.core.to_ghl.directory import Directory, fold
from streams.core.to_ghl.plan import CUSTOM, Settled
from streams.core.to_ghl.plan_contact import plan_contact
from streams.mapping import LEAD_ID_FIELD, map_contact
from streams.messages import Snapshot
from streams.operations.mapping_preview.preview import (
    MOST_CHARACTERS,
    Preview,
    Row,
    Step,
    differences,
    preview,
    shortened,
)
from streams.settings import Connection
from streams.settings.overlay import Overlay
from tests.unit.streams.mapping_versions.stage import CONFIG, settings

TEXT = """[mappings.acme]
[mappings.acme.fields]
firstName = { from = "firstName", transform = ["trim", "upper"] }
"custom:contact.plan" = "stage"
"""
STATE: dict[str, Any] = {
    "leadId": 77,
    "firstName": " Ada ",
    "lastName": "Example",
    "emails": ["ada@example.com"],
    "phones": ["no phone"],
    "stage": "New",
    "score": 7,
    "tags": [{"tagName": "Buyer"}],
    "assignedUser": "Ann",
    "_agent": {"name": "Ann", "email": "ann@example.com"},
}
DIRECTORY = Directory(
    {fold(LEAD_ID_FIELD): "f-lead", fold("Lofty stage"): "f-stage"}, {fold("ann@example.com"): "user-1"}
)


def connection(text: str = TEXT, **policies: Any) -> Connection:
    """The connection, with an edited mapping."""
    more = "".join(f"[connections.acme.policies]\n{key} = {value}\n" for key, value in policies.items())
    return settings(CONFIG + more).with_overlay(Overlay(1, {"acme": text})).connections["acme"]


def snapshot(state: dict[str, Any] | None = STATE) -> Snapshot:
    """A snapshot of the lead's contact."""
    return Snapshot(
        connection="acme", lead="77", kind="contact", id="77", state=state, version_ms=1, fingerprint="f", read_ms=2,
        update_time_ms=1, accepted_ms=1,
    )  # fmt: skip


def shown(**facts: Any) -> Preview:
    """The preview of the lead."""
    given: dict[str, Any] = {"directory": DIRECTORY, "link": None, **facts}
    return preview(
        given.get("of") or connection(),
        given.get("snapshot") or snapshot(),
        given["directory"],
        given["link"],
        given.get("found"),
    )


def row(of: Preview, target: str) -> Row:
    """One row."""
    return next(one for one in of.rows if one.target == target)


def written(state: dict[str, Any] = STATE, **changed: Any) -> LinkRow:
    """The link after the worker has written the lead, with some fields otherwise."""
    one = connection()
    desired = resolve_contact(map_contact(one.mapping, state, region="US"), DIRECTORY, "77").contact
    fields = {name: field_hash(value) for name, value in desired.fields.items() if value is not None}
    fields |= {name: field_hash(value) for name, value in changed.items()}
    return LinkRow(ghl_id="c1", fields=fields, tags=desired.tags)


def test_a_value_is_shown_on_its_way_step_by_step() -> None:
    """From Lofty's, through each transform, to GHL's."""
    first = row(shown(), "firstName")
    assert (first.lofty, first.value) == (" Ada ", "ADA")
    assert [(step.name, step.value) for step in first.steps] == [("trim", "Ada"), ("upper", "ADA")]


def test_a_value_that_cannot_be_read_shows_the_step_at_which_it_stops() -> None:
    """It is left out, as the worker does it, and flagged."""
    found = shown()
    phone = row(found, "phone")
    assert (phone.change, phone.value) == ("left out", None)
    assert phone.steps[-1].trouble
    assert any(flag.startswith("phone") for flag in found.flags)


def test_a_lead_that_was_never_written_would_be_created() -> None:
    """Every value is set; empty ones are nobody's."""
    found = shown()
    assert (found.would, found.name) == ("create", "Ada  Example".replace("Ada ", " Ada "))
    assert {row(found, name).change for name in ("firstName", "email", "assignedTo", "custom:Lofty stage")} == {"set"}
    assert row(found, "source").change == "empty"


def test_what_stands_as_it_was_last_written_is_the_same() -> None:
    """Then nothing would be written."""
    link = written()
    found = shown(
        link=link, of=connection(TEXT.replace('"custom:contact.plan" = "stage"', '"custom:Lofty score" = false'))
    )
    stands = {one.change for one in found.rows if one.value is not None and one.change not in ("new field", "left out")}
    assert stands == {"same"}


def test_only_what_differs_from_what_was_last_written_would_be_set() -> None:
    """And what became empty is cleared, if we wrote it."""
    found = shown(link=written(firstName="EVE", source="web"))
    assert (row(found, "firstName").change, row(found, "source").change) == ("set", "clear")
    assert (row(found, "lastName").change, found.would) == ("same", "update")


def test_a_custom_field_that_the_location_lacks_is_created_or_left_out() -> None:
    """By the policy; one that is named by its key must be there."""
    found, strict = shown(), shown(of=connection(create_custom_fields="false"))
    assert row(found, "custom:Lofty score").change == "new field"
    assert (row(strict, "custom:Lofty score").change, row(found, "custom:contact.plan").change) == (
        "left out",
        "left out",
    )


def test_without_a_worker_custom_fields_are_unknown_and_nothing_is_guessed() -> None:
    """Standard fields are judged by what was last written."""
    found = shown(directory=None, link=written(firstName="EVE"))
    assert {one.change for one in found.rows if one.target.startswith("custom:")} == {"unknown"}
    assert (row(found, "firstName").change, found.would) == ("set", "update")
    assert not any("the location has none" in flag for flag in found.flags)


def test_what_ghl_holds_is_shown_and_an_edit_there_is_said() -> None:
    """It stays until Lofty's value changes."""
    held = {"firstName": "EVA", "lastName": "Example", "customFields": {"f-stage": "New"}, "assignedTo": "user-1"}
    found = shown(link=written(), found=held)
    first, last = row(found, "firstName"), row(found, "lastName")
    assert row(found, "assignedTo").found == "ann@example.com"
    assert (first.change, first.found, first.is_found_known) == ("same", "EVA", True)
    assert "changed it in GHL" in first.note
    assert (last.note, row(found, "custom:Lofty stage").found) == ("", "New")


def test_an_agent_who_is_no_user_in_ghl_is_said() -> None:
    """The contact stays with whom it is."""
    found = shown(directory=Directory(DIRECTORY.custom_fields, {}))
    assert (row(found, "assignedTo").change, row(found, "assignedTo").value) == ("left out", "ann@example.com")


def test_tags_show_what_is_added_and_removed() -> None:
    """Only ours."""
    found = shown(link=LinkRow(ghl_id="c1", tags=("old",)))
    assert (found.tags.wanted, found.tags.add, found.tags.remove) == (("buyer",), ("buyer",), ("old",))


@pytest.mark.parametrize(("policy", "would"), [("tag", "tag"), ("delete", "delete"), ("ignore", "nothing")])
def test_a_deleted_lead_shows_what_the_policy_does(policy: str, would: str) -> None:
    """Nothing is mapped."""
    gone = snapshot().model_copy(update={"state": None})
    found = shown(of=connection(lead_deleted=f'"{policy}"'), snapshot=gone, link=written())
    assert (found.would, found.rows) == (would, ())


def test_another_mapping_is_compared_field_by_field() -> None:
    """Only what differs: changed, added, taken away."""
    before = shown()
    after = shown(
        of=connection(
            TEXT.replace('"upper"', '"lower"').replace(
                "[mappings.acme.fields]", '[mappings.acme.fields]\nemail = false\nwebsite = "firstName"'
            )
        )
    )
    found = {
        one.target: (one.before, one.after, one.is_mapped_before, one.is_mapped_after)
        for one in differences(before, after)
    }
    assert found == {
        "firstName": ("ADA", "ada", True, True),
        "email": ("ada@example.com", None, True, False),
        "website": (None, "Ada", False, True),
    }
    assert differences(before, before) == ()


def test_would_agrees_with_the_workers_plan() -> None:
    """Whatever was written before."""
    one = connection(create_custom_fields="false")
    desired = resolve_contact(map_contact(one.mapping, STATE, region="US"), DIRECTORY, "77").contact
    for link in (
        None,
        LinkRow(),
        written(),
        written(firstName="EVE"),
        LinkRow(ghl_id="c1", tags=("buyer",)),
        written(source="x"),
    ):
        plan = plan_contact(desired, link, 0, search_lag_ms=0)
        would = shown(of=one, link=link).would
        assert (would == "nothing") == isinstance(plan, Settled)
    assert f"{CUSTOM}f-lead" in written().fields


def doubled(times: int) -> Any:
    """A list that unfolds to 2 to that power of ones, as `[@,@]|[@,@]|…` makes it."""
    value: Any = 1
    for _ in range(times):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    ("value", "short"),
    [
        (None, None),
        (7, 7),
        ("Ada", "Ada"),
        ([1, 2], [1, 2]),
        ({"a": ["b"]}, {"a": ["b"]}),
        (doubled(5), doubled(5)),
        (doubled(12), "(a list that holds more than can be shown)"),
        ({"a": doubled(12)}, "(an object that holds more than can be shown)"),
        ([["x" * 5000]] * 10, "(a list that holds more than can be shown)"),
        (list(range(1000)), "(a list that holds more than can be shown)"),
        ("x" * 5000, f"{'x' * MOST_CHARACTERS}… (5000 characters)"),
    ],
    ids=[str(number) for number in range(11)],
)
def test_what_unfolds_to_much_is_told_by_its_kind(value: Any, short: Any) -> None:
    """In each place of a row: whoever carries and shows a preview is busy with little."""
    one = shown()
    row = replace(one.rows[0], lofty=value, steps=(Step("trim", value),), value=value, found=value)
    [first, *others] = shortened(replace(one, rows=(row, *one.rows[1:]))).rows
    assert (first.lofty, first.steps[0].value, first.value, first.found) == (short, short, short, short)
    assert others == list(one.rows[1:])


def test_fields_that_cost_much_together_end() -> None:
    """Each within its own steps, two hundred of them not."""
    expression = "|".join(["`1`", *["[@,@]"] * 13])
    fields = "".join(f"\"custom:F{number}\" = '''{expression}'''\n" for number in range(200))
    found = preview(connection(f"[mappings.acme]\n[mappings.acme.fields]\n{fields}"), snapshot(), None, None)
    failing = [row for row in found.rows if "ExpressionTooCostly" in row.note]
    assert 100 < len(failing) < 200


def test_what_is_left_out_of_a_list_or_of_the_custom_attributes_is_shown() -> None:
    """By the field's own note, and among the flags."""
    attributes = [{"attributeName": name, "value": "1"} for name in ("Plan A", "Plan-A", "名前")]
    state = STATE | {"emails": ["ada@example.com", "b@example.com", "n/a at home"], "customAttributes": attributes}
    text = TEXT.replace("[mappings.acme.fields]", 'custom_attributes = "all"\n[mappings.acme.fields]')
    found = preview(connection(text), snapshot(state), DIRECTORY, None)
    email = next(row for row in found.rows if row.target == "email")
    assert email.value == "ada@example.com"
    assert email.note == (
        "'n/a at home' cannot be read as an e-mail address; 1 more value left out: the field takes one"
    )
    assert f"email: {email.note.split('; ')[0]}" in found.flags
    assert [flag.partition(": ")[0] for flag in found.flags if "cannot tell" in flag] == ["Lofty Plan-A"]
    assert {"custom:Lofty Plan A", "custom:Lofty 名前"} <= {row.target for row in found.rows}
    on_page = mapping_view.preview(found)
    assert [flag for flag in on_page.flags if flag.startswith(("email", "phone"))] == []
    assert [flag.partition(": ")[0] for flag in on_page.flags if "cannot tell" in flag] == ["Lofty Plan-A"]
    assert "1 more value left out" in next(one.flag for one in on_page.fields if one.ghl_field == "email")
