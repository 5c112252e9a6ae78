"""The meaning, unit and example of a field come from the model itself."""

from __future__ import annotations

from typing import Literal

from streams.contract.fields import examples, meanings, unit_of, value_meanings
from streams.messages import Message


class Planted(Message):
    """A record of `size`. Times are epoch milliseconds.

    `state` is what came, also
    in two lines. `quota_*` are None without a quota.

    - `set`: it has the `table` from now on.
    - `gone`, `lost`: it is not there.
    """

    size: int = 0
    state: str = ""
    quota_left: int | None = None
    table: str = ""
    kind: Literal["set", "gone", "lost"] = "set"
    silent: str = ""


def test_the_sentences_that_name_a_field_are_its_meaning() -> None:
    """From paragraphs and from the points of a list; a field that no sentence names has none."""
    assert meanings(Planted) == {
        "v": meanings(Message)["v"],
        "size": "A record of `size`.",
        "state": "`state` is what came, also in two lines.",
        "quota_left": "`quota_*` are None without a quota.",
        "table": "it has the `table` from now on.",
    }


def test_the_points_of_a_list_are_the_meanings_of_values() -> None:
    """Also where one point has several."""
    assert value_meanings(Planted) == {
        "set": "it has the `table` from now on.",
        "gone": "it is not there.",
        "lost": "it is not there.",
    }


def test_the_end_of_a_name_is_the_unit() -> None:
    """A time, and how long something takes."""
    units = [unit_of(name) for name in ("at_ms", "new_interval_ms", "lease_seconds", "store_bytes", "lead")]
    assert units == ["epoch milliseconds", "milliseconds", "seconds", "bytes", ""]


def test_an_example_is_the_first_value_that_is_not_empty() -> None:
    """Of all samples of a model, wherever they are."""
    found = examples([Planted(state=""), Planted(state="came", size=3)])
    assert (found[Planted]["state"], found[Planted]["size"], found[Planted]["quota_left"]) == ("came", 0, None)
