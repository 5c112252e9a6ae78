"""Lines of the log: one each, for people or machines, with what they are about and without any secret."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from io import StringIO

import orjson
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from streams.telemetry.logs import (
    HIDDEN,
    REPEAT_SECONDS,
    REPEATS,
    SHORTEST_SECRET,
    Form,
    Redaction,
    Repeats,
    about,
    set_up_logs,
)

SECRET = "pit-0f3c-not-a-real-one"

log = logging.getLogger("lofty_ghl.test")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The root logger is the process's: put back what the test changes."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.contextvars.clear_contextvars()


def lines(form: Form, level: str = "info") -> StringIO:
    """Logs as a command sets them up."""
    stream = StringIO()
    set_up_logs(level, form, [SECRET], stream)
    return stream


def test_a_line_for_people_tells_what_it_is_about() -> None:
    """Time, level, logger, sentence, facts."""
    told = lines("text")
    with about(connection="acme", entity="acme:7:contact:7"):
        log.warning("waits %.1f s", 2)
    (line,) = told.getvalue().splitlines()
    assert line.endswith("WARNING  lofty_ghl.test  waits 2.0 s connection=acme entity=acme:7:contact:7")


def test_a_line_for_machines_is_one_document() -> None:
    """Also with a traceback."""
    told = lines("json")
    with about(connection="acme"):
        try:
            raise ValueError("two\nlines")
        except ValueError:
            log.exception("failed")
    (line,) = told.getvalue().splitlines()
    found = orjson.loads(line)
    assert (found["event"], found["level"], found["connection"]) == ("failed", "error", "acme")
    assert "ValueError: two" in found["exception"]


async def test_works_side_by_side_keep_their_names() -> None:
    """The subject of one piece of work is not in the lines of another."""
    told = lines("json")

    async def work(name: str) -> None:
        with about(connection=name):
            await asyncio.sleep(0)
            log.info("%s", name)

    await asyncio.gather(*(work(str(number)) for number in range(20)))
    found = [orjson.loads(line) for line in told.getvalue().splitlines()]
    assert len(found) == 20
    assert all(one["connection"] == one["event"] for one in found)


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_stands_in_a_line(form: Form) -> None:
    """Neither in a sentence, nor in a fact, nor in a traceback."""
    told = lines(form)
    with about(entity=f"of {SECRET}"):
        try:
            raise ValueError(f"refused: {SECRET}")
        except ValueError:
            log.exception("with %s", SECRET)
    assert SECRET not in told.getvalue()
    assert told.getvalue().count(HIDDEN) == 3


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdefghijkl0123",
        "Authorization: token abcdefghijkl0123",
        "grant_type=refresh_token&refresh_token=abcdefghijkl0123",
        '{"access_token": "abcdefghijkl0123"}',
        "client_secret=abcdefghijkl0123",
    ],
)
def test_what_looks_like_a_credential_is_hidden_although_nobody_knew_it(text: str) -> None:
    """A vendor's answer may bring a new one."""
    assert "abcdefghijkl0123" not in Redaction().text(text)


@given(secret=st.text(min_size=SHORTEST_SECRET), before=st.text(), after=st.text())
def test_a_known_secret_is_hidden_wherever_it_stands(secret: str, before: str, after: str) -> None:
    """Whatever signs it is made of."""
    assert secret not in Redaction([secret]).text(f"{before}{secret}{after}").replace(HIDDEN, "")


@given(
    secrets=st.lists(st.text("ab", min_size=SHORTEST_SECRET, max_size=9), min_size=1, max_size=8),
    text=st.text("ab-", max_size=40),
)
def test_many_secrets_are_hidden_as_an_expression_of_all_of_them_would(secrets: list[str], text: str) -> None:
    """The first from the left, and of those that begin there the longest; also when many begin alike."""
    everyone = re.compile("|".join(map(re.escape, sorted(secrets, key=len, reverse=True))))
    assert Redaction(secrets).text(text) == everyone.sub(HIDDEN, text)


@pytest.mark.parametrize("odd", ["\n", "\r", "\x1b[2J", "\x00", "\u2028", "\u202e", "\x85", "\ud800", "\x7f"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_nobody_writes_a_line_of_their_own(form: Form, odd: str) -> None:
    """In the sentence, in what it is about, in an error's words: one line stays one line, and its traceback is set in."""
    forged = f"x{odd}2026-01-01T00:00:00Z INFO     lofty_ghl.gateway  all is well"
    told = lines(form)
    log.warning("a body has the key %s", forged)
    with about(entity=forged):
        log.warning("waits")
    try:
        raise ValueError(forged)
    except ValueError:
        log.exception("failed")
    written = told.getvalue().encode()  # nothing in it that cannot be written
    split = written.decode().splitlines()
    assert not [line for line in split if line.startswith("2026-01-01")]
    assert len([line for line in split if not line.startswith("    ")]) == 3


def test_kafkas_chatter_is_kept_to_warnings_unless_everything_is_wanted() -> None:
    """An operator reads our lines."""
    told = lines("text")
    logging.getLogger("aiokafka.consumer").info("chatter")
    logging.getLogger("aiokafka.consumer").warning("a reason to look")
    assert "chatter" not in told.getvalue()
    assert "a reason to look" in told.getvalue()
    told = lines("text", "debug")
    logging.getLogger("aiokafka.consumer").info("chatter")
    assert "chatter" in told.getvalue()


def _record(name: str, sentence: str, *values: object, repeats: bool = False) -> logging.LogRecord:
    record = logging.LogRecord(name, logging.ERROR, __file__, 1, sentence, values, None)
    if repeats:
        record.__dict__.update(REPEATS)
    return record


@pytest.mark.parametrize(
    ("name", "sentences", "repeats"),
    [
        ("aiokafka", ["Unable connect to node with id %s: %s"] * 50, False),
        ("aiokafka.consumer.fetcher", [f"Failed fetch from {number}" for number in range(50)], False),
        ("faust.transport.consumer", ["[^--Fetcher]: Crashed"] * 50, False),
        ("lofty_ghl.gateway", ["Kafka did not take it"] * 50, True),
    ],
)
def test_what_repeats_is_told_once_a_minute_with_its_number(name: str, sentences: list[str], repeats: bool) -> None:
    """Without a broker, libraries say the same many times a second."""
    now = 0.0
    repeating = Repeats(lambda: now)
    passed = [repeating.filter(_record(name, one, repeats=repeats)) for one in sentences]
    now = REPEAT_SECONDS
    later = _record(name, sentences[0], repeats=repeats)
    passes_later = repeating.filter(later)

    assert passed == [True] + [False] * 49
    assert passes_later
    assert "49 times more" in later.getMessage()


def test_what_is_ours_or_another_message_is_told_each_time() -> None:
    """Only repeats of one kind are held back."""
    repeating = Repeats(lambda: 0.0)
    ours = [repeating.filter(_record("lofty_ghl.worker", "as before")) for _ in range(3)]
    others = [repeating.filter(_record("aiokafka", text)) for text in ("one", "two", "three")]

    assert ours == others == [True] * 3


def test_messages_of_ever_new_kinds_take_no_memory_without_bound() -> None:
    """A library may write values into its sentences."""
    repeating = Repeats(lambda: 0.0)
    passed = [repeating.filter(_record("aiokafka", f"odd {'x' * number}")) for number in range(2000)]

    assert all(passed[:190])
    assert len(repeating._told) <= 500
