"""The page on which a person gives an app access, as both sandboxes show it. Answers in a browser, not JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit

from aiohttp import web

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:3rem auto;padding:0 1rem}}
button{{font:inherit;padding:.4rem 1.2rem;margin-right:.6rem}}</style></head>
<body><h1>{title}</h1>{body}</body></html>
"""


def ask_consent(
    title: str, asked: Iterable[str], choices: Sequence[tuple[str, str]], kept: Mapping[str, str]
) -> web.Response:
    """The page: what is asked for, for which account (`choices`: value and label), Approve and Deny.

    Posts `choice` and `decision` to its own address, with all of `kept`.
    """
    hidden = "".join(f'<input type="hidden" name="{escape(n)}" value="{escape(v)}">' for n, v in kept.items())
    radios = "".join(
        f'<p><label><input type="radio" name="choice" value="{escape(value)}"{" checked" if first else ""}> '
        f"{escape(label)}</label></p>"
        for first, (value, label) in zip((True, *(False,) * len(choices)), choices, strict=False)
    )
    wanted = "".join(f"<li><code>{escape(scope)}</code></li>" for scope in asked)
    buttons = "".join(
        f'<button name="decision" value="{value}">{value.capitalize()}</button>' for value in ("approve", "deny")
    )
    body = f'<ul>{wanted}</ul><form method="post">{hidden}{radios}<p>{buttons}</p></form>'
    return _html(title, body, 200)


def refuse_page(problem: str) -> web.Response:
    """The link cannot be right: nobody is sent anywhere."""
    return _html("This link does not work", f"<p>{escape(problem)}</p>", 400)


def send_back(redirect_uri: str, answer: Mapping[str, str]) -> web.Response:
    """On to the app, with the answer added to its address."""
    url = urlsplit(redirect_uri)
    query = urlencode([*parse_qsl(url.query, keep_blank_values=True), *answer.items()])
    return web.Response(status=302, headers={"Location": url._replace(query=query).geturl()})


async def form_of(request: web.Request) -> dict[str, str]:
    """The fields that the page posted."""
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _html(title: str, body: str, status: int) -> web.Response:
    text = _PAGE.format(title=escape(title), body=body)
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
