"""What hypothesis makes: values of any kind, and good messages that are wrong in one to three places.

`drawn` gives a number of examples at once, the same for the same seed. It is called in a process of its own (`draw`), as
what it costs must not slow down those who answer the attacked.
"""

from __future__ import annotations

import random
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from multiprocessing import get_context
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz import corpus

VERSION = "v"
"""Left as it is: a record of a newer version stops its reader, which is right (`streams/messages/message.py`)."""


def texts() -> st.SearchStrategy[str]:
    """Texts, with halves of surrogate pairs among their characters."""
    characters = st.characters(exclude_categories=())
    return st.one_of(st.sampled_from(corpus.texts()), st.text(characters, max_size=40))


def values() -> st.SearchStrategy[Any]:
    """Values of any kind."""
    leaves = st.one_of(
        st.sampled_from(corpus.values()), texts(), st.floats(), st.integers(-(10**25), 10**25), st.booleans(), st.none()
    )
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts(), inner, max_size=4), max_leaves=8
    )


@st.composite
def almost(draw: st.DrawFn, goods: list[Any]) -> Any:
    """A good message that is wrong in one to three places: a value is another, gone, wrapped, or under another name."""
    value = deepcopy(draw(st.sampled_from(goods)))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(value))
        if not places:
            return draw(values())
        holder, name = draw(st.sampled_from(places))
        match draw(st.sampled_from(["other", "other", "other", "gone", "wrapped", "text", "renamed", "more"])):
            case "other":
                holder[name] = deepcopy(draw(values()))
            case "gone":
                del holder[name]
            case "wrapped":
                holder[name] = [holder[name]]
            case "text":
                holder[name] = f"{holder[name]}{draw(texts())}"
            case "renamed" if isinstance(holder, dict):
                holder[draw(texts())] = holder.pop(name)
            case _:
                if isinstance(holder, dict):
                    holder[draw(texts())] = deepcopy(draw(values()))
    return value


@st.composite
def almost_bodies(draw: st.DrawFn, goods: list[Any]) -> bytes:
    """The same as bytes; now and then they are no longer JSON."""
    raw = corpus.written(draw(almost(goods)), escaped=draw(st.booleans()))
    match draw(st.sampled_from(["as it is"] * 6 + ["cut", "flipped", "marked", "followed", "twice", "random"])):
        case "cut":
            return raw[: draw(st.integers(0, max(0, len(raw) - 1)))]
        case "flipped" if raw:
            at = draw(st.integers(0, len(raw) - 1))
            return raw[:at] + draw(st.binary(min_size=1, max_size=3)) + raw[at + 1 :]
        case "marked":
            return b"\xef\xbb\xbf" + raw
        case "followed":
            return raw + draw(st.binary(max_size=5))
        case "twice" if raw[:1] == b"{" and len(raw) > 2:
            return raw[:-1] + b"," + raw[1:]
        case "random":
            return draw(st.binary(max_size=300))
    return raw


def drawn(goods: list[Any], number: int, chance: int) -> list[bytes]:
    """So many bodies that are almost one of these."""
    found: list[bytes] = []

    @seed(chance)
    @settings(
        max_examples=number,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(almost_bodies(goods))
    def take(body: bytes) -> None:
        found.append(body)

    take()
    random.Random(chance).shuffle(found)  # hypothesis begins with the simplest
    return found


def pool() -> ProcessPoolExecutor:
    """A process that draws."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def _places(value: Any, holder: Any = None, name: Any = None, depth: int = 0) -> Any:
    if holder is not None and name != VERSION:
        yield holder, name
    if depth > 20:
        return
    if isinstance(value, dict):
        for inner_name, inner in value.items():
            yield from _places(inner, value, inner_name, depth + 1)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _places(inner, value, number, depth + 1)
