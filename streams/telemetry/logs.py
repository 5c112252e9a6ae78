"""Logs of the long-running processes: one line each, for people (`text`) or machines (`json`), with no secret in any.

Everything goes through the standard library's loggers, ours as well as Kafka's and Faust's, and is rendered by structlog.
What a piece of work is about (`connection`, `entity`) is bound once, with `about`, and is in every line below it.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor

Form = Literal["text", "json"]

CHATTY = ("aiokafka", "faust", "mode", "aiohttp.access", "streams.kafka.tables")
"""Loggers that are kept to warnings, unless everything is wanted."""

LIBRARIES = ("aiokafka", "faust", "mode", "rdkafka", "asyncio")
"""Loggers whose repeated messages are logged once a minute: without a broker they come many times a second."""

REPEATS = {"repeats": True}
"""`extra` of a message of ours that may come with each request: it is treated like those of libraries."""

REPEAT_SECONDS = 60.0
MOST_KINDS = 500
"""At most so many kinds of messages are distinguished, so that texts that are never alike do not fill the memory."""

HIDDEN = "[hidden]"

SHORTEST_SECRET = 6
"""A shorter text would hide innocent words."""

_CREDENTIALS = re.compile(
    r"(?P<before>\b(?:bearer|token|basic)\s+|\b(?:access_token|refresh_token|client_secret|code)[\"']?\s*[=:]\s*[\"']?)"
    r"(?P<secret>[\w.~+/=-]{12,})",
    re.IGNORECASE,
)
"""What looks like a credential wherever it is: an `Authorization` header's value, or a field of a token's exchange."""


class Redaction:
    """Takes secrets out of texts: those that are known, and what looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: dict[str, list[str]] = {}
        """By how they begin, the longest first: one look at each place of a text, however many connections there are."""
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Take these out, too."""
        for secret in secrets:
            if len(secret) < SHORTEST_SECRET:
                continue
            alike = self._known.get(secret[:SHORTEST_SECRET], [])
            if secret not in alike:
                # Another list: another thread may read the one before.
                self._known[secret[:SHORTEST_SECRET]] = sorted([*alike, secret], key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without secrets."""
        if not text:
            return text
        if self._known:
            text = self._without_known(text)
        return _CREDENTIALS.sub(rf"\g<before>{HIDDEN}", text)

    def _without_known(self, text: str) -> str:
        kept: list[str] = []
        begin, at, last = 0, 0, len(text) - SHORTEST_SECRET
        while at <= last:
            found = self._known.get(text[at : at + SHORTEST_SECRET])
            secret = next((one for one in found if text.startswith(one, at)), None) if found else None
            if secret is None:
                at += 1
                continue
            kept += (text[begin:at], HIDDEN)
            begin = at = at + len(secret)
        return "".join((*kept, text[begin:])) if kept else text

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        """As a structlog processor, over every value of a line."""
        return {key: self._value(value) for key, value in event.items()}

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case int() | float() | None:
                return value
            case _:
                return self.text(str(value))


class Repeats(logging.Filter):
    """Lets a message that repeats pass once in `seconds`, with the number of those that were held back since."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, seconds: float = REPEAT_SECONDS) -> None:
        super().__init__()
        self._clock = clock
        self._seconds = seconds
        self._told: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the message is logged now."""
        if record.name.partition(".")[0] not in LIBRARIES and not getattr(record, "repeats", False):
            return True
        # The sentence without its values: numbers in it are values, too.
        kind = (record.name, record.levelno, _NUMBER.sub("#", str(record.msg))[:200])
        now = self._clock()
        told_at, held_back = self._told.get(kind, (float("-inf"), 0))
        if now - told_at < self._seconds:
            self._told[kind] = (told_at, held_back + 1)
            return False
        if len(self._told) >= MOST_KINDS:
            self._told.clear()
        self._told[kind] = (now, 0)
        if held_back:
            times = "once" if held_back == 1 else f"{held_back} times"
            record.msg, record.args = f"{record.getMessage()} (the like {times} more since it was last said)", ()
        return True


_NUMBER = re.compile(r"\d+")


_redaction = Redaction()
"""What takes secrets out of this process's log lines."""


def hide_secrets(secrets: Iterable[str]) -> None:
    """Take these out of log lines from now on: credentials that were pasted while this process runs."""
    _redaction.add(secrets)


def set_up_logs(level: str, form: Form, secrets: Iterable[str] = (), stream: TextIO = sys.stderr) -> None:
    """Log lines of `level` and above to a stream. Kafka's and Faust's own chatter is kept to warnings unless all is wanted."""
    hide_secrets(secrets)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    renderer: Processor = structlog.processors.JSONRenderer(sort_keys=True) if form == "json" else _Line()
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _redaction,
            renderer,
        ],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    handler.addFilter(Repeats())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING if level.upper() != "DEBUG" else logging.NOTSET)


@contextmanager
def about(**names: str) -> Iterator[None]:
    """What the work below is about, for each of its lines."""
    with structlog.contextvars.bound_contextvars(**names):
        yield


class _Line:
    """One line for people: time, level, logger, the sentence, and what it is about; a traceback below."""

    def __call__(self, _logger: object, _method: str, event: EventDict) -> str:
        at, level, name = event.pop("at"), event.pop("level"), event.pop("logger", "")
        sentence, traceback = event.pop("event"), event.pop("exception", "")
        facts = "".join(f" {key}={value}" for key, value in sorted(event.items()))
        below = "".join(f"\n    {escaped(line)}" for line in str(traceback).splitlines())
        return escaped(f"{at} {level.upper():<8} {name}  {sentence}{facts}") + below


_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def escaped(text: str) -> str:
    """A text in one line: what would end it, move the cursor or turn the writing is shown as its code.

    Whoever sends us something writes into our log; they must not be able to write lines of their own.
    """
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)
