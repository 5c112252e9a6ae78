"""What a mail server or a webhook's server answers, made safe to show: without the credentials by which we deliver.

A server may repeat what it was sent, and in another form: a webhook's path alone, a password in base64 as `AUTH` sends it.
Secrets go first, then the text is shortened: a secret that a cut has shortened is not recognised. Pure.
"""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote, urlsplit

from pydantic import SecretStr

from connectors.http.error_texts import error_texts
from streams.settings import Settings
from streams.settings.secrets import secret_values
from streams.telemetry.logs import HIDDEN, SHORTEST_SECRET, Redaction

LONGEST_QUOTED = 200
"""Characters of an answer that are shown."""


class Quoting:
    """Quotes answers for a deployment whose secrets it knows. `webhooks` are those that were set in the console."""

    def __init__(self, settings: Settings, webhooks: Iterable[SecretStr] = ()) -> None:
        whole, pasted = set(secret_values(settings)), [one.get_secret_value() for one in webhooks]
        whole.update(pasted)
        for url in (*(one.get_secret_value() for one in settings.notification_secrets.webhooks.values()), *pasted):
            whole.update(_parts(url))
        smtp, password = settings.notifications.smtp, settings.notification_secrets.smtp_password
        if password is not None:
            username = smtp.username if smtp is not None and smtp.username else ""
            whole.update(_as_sent(username, password.get_secret_value()))
        self._redact = Redaction(form for secret in whole for form in _written(secret))
        short = sorted((one for one in whole if 0 < len(one) < SHORTEST_SECRET), key=len, reverse=True)
        self._short = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, short))})(?!\w)") if short else None

    def text(self, says: str) -> str:
        """A text of another side in one line, short and without secrets; empty where it says nothing."""
        hidden = self._redact.text(says)
        if self._short is not None:
            hidden = self._short.sub(HIDDEN, hidden)
        [tidy] = error_texts([hidden])
        return tidy[:LONGEST_QUOTED]


def _parts(url: str) -> Iterator[str]:
    """What of a webhook's address lets somebody post there: all behind the host, and who signs in."""
    try:
        split = urlsplit(url)
    except ValueError:
        return
    yield from (split.path, split.query, f"{split.path}?{split.query}")
    long = (*split.path.split("/"), *re.split("[=&;]", split.query), split.username or "", split.password or "")
    yield from (one for one in long if len(one) >= SHORTEST_SECRET)


def _as_sent(username: str, password: str) -> Iterator[str]:
    """A password as `AUTH PLAIN` and `AUTH LOGIN` send it."""
    for sent in (password, f"\0{username}\0{password}", f"{username}\0{username}\0{password}"):
        yield b64encode(sent.encode()).decode()


def _written(secret: str) -> Iterable[str]:
    """A secret as a page, a JSON document or an address has it."""
    return {
        secret,
        quote(secret, safe=""),
        quote(secret),
        unquote(secret),
        html.escape(secret),
        json.dumps(secret)[1:-1],
    }
