"""Every value of a lead that a mapping carries is in the desired contact, or named in a flag."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.to_ghl.desired import resolve_appointment, resolve_contact, resolve_note, resolve_task
from streams.core.to_ghl.directory import Directory, fold
from streams.core.to_ghl.plan import CUSTOM
from streams.mapping import MappedContact, compile_mapping, map_contact, map_task
from streams.mapping.contact import MIRROR_PREFIX
from streams.mapping.ghl_fields import CUSTOM_TYPES, STANDARD, clean, custom_key
from streams.mapping.locale import Locale, Reading, locale_of
from streams.mapping.steps import unset_step
from tests.unit.streams.mapping.odd_leads import UNHURRIED, json_values, odd_children, whole_lead

SOURCES = ["firstName", "emails", "phones", "segments", "score", "birthday", "leadTypes", "groups"]
ODD = [
    "a, b; c",
    "1.234,56",
    "1.234",
    "3/4/2026",
    "\x00",
    "\ud83c",
    "\u200b",
    "\u202eabc",
    "a@b.co",
    "+15125550134",
    "US",
    "😀",
]
values = json_values | st.sampled_from(ODD) | st.lists(st.sampled_from(ODD), max_size=4)
leads = st.dictionaries(st.sampled_from(SOURCES), values, max_size=8)
TRANSFORMS: list[Any] = [
    [],
    ["trim"],
    ["number"],
    ["date"],
    ["phone"],
    ["email"],
    ["list"],
    [{"list": ",;"}],
    [{"join": ", "}],
    ["lower"],
]
fields = st.builds(
    lambda source, transform, kind: {"from": source, "transform": transform, **({"type": kind} if kind else {})},
    st.sampled_from(SOURCES),
    st.sampled_from(TRANSFORMS),
    st.none(),
)
customs = st.builds(
    lambda source, transform, kind: {"from": source, "transform": transform, "type": kind},
    st.sampled_from(SOURCES),
    st.sampled_from(TRANSFORMS),
    st.sampled_from(sorted(CUSTOM_TYPES)),
)
mappings = st.builds(
    lambda standard, custom: {"extends": False, "fields": standard | {f"custom:{n}": one for n, one in custom.items()}},
    st.dictionaries(st.sampled_from(sorted(STANDARD)), fields, max_size=4),
    st.dictionaries(st.sampled_from(["Ab", "Über", "名前", "🏠", "שם"]), customs, max_size=4),
)
locales = st.sampled_from([locale_of("US"), locale_of("DE"), Locale()])
NAMES = [
    "名前",
    "Имя",
    "name",
    "Name",
    "pre-approval",
    "Pre approval",
    "🏠",
    "🏡",
    "שם",
    "की",
    "का",
    "é",
    "",
    " ",
    "\x00",
    "a\u200bb",
]
attributes = (
    st.lists(
        json_values
        | st.fixed_dictionaries(
            {
                "attributeName": st.sampled_from(NAMES) | json_values,
                "value": values,
                "attributeType": st.sampled_from(["text", "number", "date", "currency", "multi_select", None, 7]),
            }
        ),
        max_size=6,
    )
    | json_values
)


def given_values(value: Any) -> list[Any]:
    """What somebody said in a value: its elements, without those that say nothing."""
    said = unset_step()(value, Reading())
    return [one for one in (said if isinstance(said, list) else [said]) if one is not None]


def is_flagged(mapped: MappedContact, target: str) -> bool:
    return any(flag.startswith(f"{target}: ") for flag in mapped.flags)


def missing(mapped: MappedContact, target: str, found: Any, said: list[Any]) -> Iterator[str]:
    """What was said and is neither there nor flagged."""
    if not said or is_flagged(mapped, target):
        return
    if found is None:
        yield f"{target}: nothing of {said!r}"
    if isinstance(found, str):
        texts = [one for one in said if isinstance(one, str)]
        if target not in ("email", "phone", "country", "dateOfBirth") and len(said) > 1:
            for text in texts:
                if clean(text).strip().lower() not in found.lower() and text.strip():
                    yield f"{target}: {text!r} is not in {found!r}"


@UNHURRIED
@given(leads, mappings, locales)
def test_every_value_is_carried_or_flagged(lead: dict[str, Any], written: dict[str, Any], locale: Locale) -> None:
    """For any lead, any mapping that leaves nothing out itself, and any locale; also of what the location lacks."""
    mapping = compile_mapping("mine", {"mine": written}, locale=locale)
    mapped = map_contact(mapping, {"leadId": 1, **lead}, region="US")
    for target, one in written["fields"].items():
        reference = target.removeprefix("custom:")
        found = mapped.custom if target.startswith("custom:") else mapped.fields
        said = given_values(lead.get(one["from"]))
        kind = one.get("type", "TEXT")
        if kind not in ("TEXT", "LARGE_TEXT", "SINGLE_OPTIONS", "RADIO") or one["transform"] in (["date"], ["number"]):
            assert not (said and found.get(reference) is None and not is_flagged(mapped, reference))
        else:
            assert list(missing(mapped, reference, found.get(reference), said)) == []
    empty = resolve_contact(mapped, Directory(), "1")
    for reference, value in mapped.custom.items():
        assert value is None or any(repr(reference) in flag for flag in empty.flags)


@UNHURRIED
@given(attributes, locales)
def test_every_custom_attribute_is_carried_or_flagged(given_attributes: Any, locale: Locale) -> None:
    """Names in every alphabet, names that GHL cannot tell apart, no names."""
    mapping = compile_mapping("mine", {"mine": {"extends": False, "custom_attributes": "all"}}, locale=locale)
    mapped = map_contact(mapping, {"leadId": 1, "customAttributes": given_attributes}, region="US")
    if not isinstance(given_attributes, list):
        assert not given_attributes or any(flag.startswith("customAttributes: ") for flag in mapped.flags)
        return
    seen = set[str]()
    for position, one in enumerate(given_attributes):
        row = one if isinstance(one, dict) else {"value": one}
        name = row.get("attributeName")
        if not given_values(row.get("value")):
            continue
        reference = MIRROR_PREFIX + clean(name).strip() if isinstance(name, str) and clean(name).strip() else ""
        is_carried = bool(reference) and mapped.custom.get(reference) is not None and reference not in seen
        seen.add(reference)
        places = (f"{reference}: ", f"customAttributes[{position}]: ")
        assert is_carried or any(flag.startswith(places) for flag in mapped.flags), (position, mapped.flags)
    carried = [reference for reference in mapped.custom if reference.startswith(MIRROR_PREFIX)]
    assert len({custom_key(one) for one in carried}) == len(carried)
    directory = Directory({fold(one): f"id-{n}" for n, one in enumerate(mapped.custom)})
    resolved = resolve_contact(mapped, directory, "1")
    assert sum(name.startswith(CUSTOM) for name in resolved.contact.fields) == len({fold(one) for one in mapped.custom})


def attribute(name: Any, value: Any, kind: str = "text") -> dict[str, Any]:
    return {"attributeName": name, "attributeType": kind, "value": value}


def test_names_in_every_alphabet_are_carried_and_those_that_collide_are_flagged() -> None:
    """By their names: GHL makes keys of Latin letters only."""
    mapping = compile_mapping("mine", {"mine": {"custom_attributes": "all"}}, locale=locale_of("DE"))
    rows = [
        attribute("名前", "花子"),
        attribute("Имя", "Аня"),
        attribute("🏠", "house"),
        attribute("Betrag", "1.234,56", "currency"),
    ]
    rows += [
        attribute("Pre-approval", "yes"),
        attribute("Pre approval", "no"),
        attribute("pre_approval", ""),
        attribute("", "lost"),
    ]
    mapped = map_contact(mapping, whole_lead(customAttributes=rows), region="DE")
    carried = {
        name: value for name, value in mapped.custom.items() if name in mapped.custom_types and value is not None
    }
    assert [carried[f"Lofty {name}"] for name in ("名前", "Имя", "🏠", "Betrag", "Pre-approval")] == [
        *("花子", "Аня", "house", 1234.56, "yes")
    ]
    assert "Lofty Pre approval" not in carried
    assert [flag for flag in mapped.flags if "left out: " in flag] == [
        "Lofty Pre approval: 'no' is left out: GHL cannot tell it from 'Pre-approval': rename one in Lofty, or map it to a "
        "field of another name",
        "customAttributes[7]: 'lost' is left out: it has no name",
    ]
    mapped = map_contact(mapping, whole_lead(customAttributes=[attribute("Stage", "mine")]), region="DE")
    assert mapped.custom["Lofty stage"] == "New Leads"
    assert [flag for flag in mapped.flags if "Stage" in flag] == [
        "Lofty Stage: 'mine' is left out: the mapping fills 'Lofty stage' with something else: map it to another field"
    ]
    rows_again = [attribute("Same", ""), attribute("Same", "one"), attribute("Same", "two")]
    again = map_contact(mapping, whole_lead(customAttributes=rows_again), region="DE")
    assert again.custom["Lofty Same"] == "one"
    assert next(flag for flag in again.flags if "two" in flag).startswith("Lofty Same: 'two' is left out")


@pytest.mark.parametrize(
    ("value", "options", "found"),
    [
        ("a, b; c", [], ["a", "b", "c"]),
        ("Pool|Garage\nGarden", [], ["Pool", "Garage", "Garden"]),
        ("Austin, TX; Dallas", ["Austin, TX", "Dallas"], ["Austin, TX", "Dallas"]),
        ("Dallas, Austin, TX, Waco", ["Austin, TX"], ["Dallas", "Austin, TX", "Waco"]),
        ('["a, b", "c"]', [], ["a, b", "c"]),
        ("[not JSON", [], ["[not JSON"]),
        (["a, b", " ", "c"], [], ["a, b", "c"]),
        ("  ", [], None),
    ],
)
def test_several_values_in_one_box_are_several(value: Any, options: list[str], found: list[str] | None) -> None:
    """An option that has a comma stays whole."""
    field = {"from": "segments", "type": "MULTIPLE_OPTIONS", "options": options}
    mapping = compile_mapping("mine", {"mine": {"fields": {"custom:Options": field}}})
    assert map_contact(mapping, whole_lead(segments=value), region="US").custom["Options"] == found


def test_what_a_field_cannot_take_of_a_list_is_flagged() -> None:
    """One number, one e-mail address, one telephone number."""
    mapping = compile_mapping("mine", {"mine": {"fields": {"custom:Sum": {"from": "segments", "type": "NUMERICAL"}}}})
    lead = whole_lead(
        segments=["1", "2", "3"], emails=["a@b.co", "A@B.co", "c@d.co"], phones=["+15125550134", "5125550134"]
    )
    mapped = map_contact(mapping, lead, region="US")
    assert (mapped.custom["Sum"], mapped.fields["email"], mapped.fields["phone"]) == (1, "a@b.co", "+15125550134")
    assert mapped.flags == (
        "email: 1 more value left out: the field takes one",
        "address1: 2 more addresses left out, because a contact has one",
        "Sum: 2 more values left out: the field takes one",
    )


def test_unreadable_values_of_a_list_are_flagged_and_not_without_end() -> None:
    """Five of them by name."""
    mapping = compile_mapping("mine", {"mine": {"fields": {"custom:N": {"from": "segments", "transform": ["number"]}}}})
    mapped = map_contact(mapping, whole_lead(segments=[f"x{n}" for n in range(99)] + ["7"]), region="US")
    flags = [flag for flag in mapped.flags if flag.startswith("N: ")]
    assert (mapped.custom["N"], len(flags), flags[-1]) == ("7", 6, "N: 94 more of its values left out")


@UNHURRIED
@given(odd_children)
def test_what_a_child_loses_is_flagged(state: dict[str, Any]) -> None:
    """Texts that are none, days that are none, agents that GHL does not know."""
    children = (resolve_note(state), resolve_task(map_task(state), Directory()))
    appointment = resolve_appointment(state, Directory(), users={})
    for name in ("content", "subject", "body", "address"):
        value = state.get(name)
        if isinstance(value, (dict, list)) and value:
            assert any(flag.startswith(f"{name}: ") for flag in appointment.flags)
            assert any(flag.startswith(f"{name}: ") for flag in children[1].flags)
    if isinstance(state.get("content"), (dict, list)) and state["content"]:
        assert any(flag.startswith("content: ") for flag in children[0].flags)


def test_a_childs_flags_name_what_is_left_out() -> None:
    state = {
        "id": 5,
        "content": {"x": 1},
        "deadline": "soon",
        "_agent": {"email": "ann@team.example"},
        "address": "x" * 201,
    }
    task = resolve_task(map_task(state), Directory())
    assert (*task.flags, *task.left_out) == (
        "content: a table cannot be read as text",
        "address: shortened to 200 characters",
        "deadline: 'soon' cannot be read as a date",
        "assignedTo: no GHL user has the e-mail ann@team.example",
    )


def test_times_in_a_text_are_those_of_the_connection_and_the_text_of_an_earlier_release_stays() -> None:
    """A note's head and an appointment's times, in words."""
    note = {"noteId": 1, "creatorName": "Ann", "createTime": "2026-04-22 02:15:30", "content": "said"}
    desired = resolve_note(note, locale_of("US"))
    assert desired.fields["body"].startswith("Ann in Lofty, 2026-04-21 22:15 EDT<br><br>said")
    assert [one.startswith("Ann in Lofty, 2026-04-22 02:15 UTC") for one in desired.earlier["body"]] == [True, True]
    state = {
        "id": 5,
        "startAt": "2026-04-22T02:15:00GMT",
        "endAt": "2026-04-22T03:00:00GMT",
        "timeZoneCode": "Europe/Paris",
    }
    meeting = resolve_appointment(state, Directory(), users={}, locale=locale_of("US"))
    assert "When: 2026-04-22 04:15 CEST to 2026-04-22 05:00 CEST" in meeting.fields["body"]
    assert "When: 2026-04-22 02:15 UTC to 2026-04-22 03:00 UTC" in meeting.earlier["body"][0]
