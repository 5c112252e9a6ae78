"""Lines of the log: one each, for people or machines, with what they are about and without any secret."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from io import StringIO

import orjson
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from streams.logs import HIDDEN, SHORTEST_SECRET, Form, Redaction, about, set_up_logs

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
    """What one piece of work is about does not stand in the lines of another."""
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
