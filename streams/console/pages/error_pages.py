"""Error pages: each says what happened and what to do next."""

from __future__ import annotations

import logging
from typing import Any

from aiohttp import web

from streams.console.auth.guard import SAFE_METHODS
from streams.console.errors import ConsoleError, Malformed, NotSignedIn, Unavailable
from streams.console.malformed import FORM, as_malformed
from streams.console.pages.kept_forms import keep
from streams.console.pages.layout import Handler, Layout, form_of
from streams.console.pages.render import href
from streams.console.pages.sign_in import sign_in_view
from streams.console.pages.views.page_view import ErrorView, Hyperlink
from streams.console.services.kafka_errors import PAGE_SECONDS, at_most

log = logging.getLogger("lofty_ghl.console")

ERROR_SECONDS = 1.0
"""How long an error page waits for the numbers in its menu."""

_HOME = Hyperlink("Go to the overview", href("/"))
_BY_STATUS = {
    404: ErrorView(404, "Page not found", "The address is wrong, or the page does not exist any longer.", (_HOME,)),
    405: ErrorView(
        405, "This cannot be opened", "This address accepts forms only. Go back, and use the button there.", (_HOME,)
    ),
    413: ErrorView(413, "Too large", "The text is larger than the gateway accepts.", (_HOME,)),
}
_FAILED = ErrorView(
    500,
    "Something went wrong",
    "The gateway's log says what happened. If you were changing something, check whether it was done before you try again.",
    (_HOME,),
)


def friendly(layout: Layout) -> Any:
    """Error pages in place of errors; who has not signed in is sent to the sign-in."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if request.method not in SAFE_METHODS:
                return await handler(request)
            with at_most(PAGE_SECONDS):
                return await handler(request)
        except NotSignedIn as error:
            if request.method == "GET":
                return layout.redirect(href("/sign-in", go_on=request.path_qs))
            return await _sign_in_again(layout, request) or await _answer(layout, request, _trouble(error, request))
        except Malformed as error:  # of which no page may show a part
            return web.Response(text=f"{error.title}: {error.words}\n", status=error.status)
        except ConsoleError as error:
            return await _answer(layout, request, _trouble(error, request))
        except web.HTTPException as error:
            if error.status not in _BY_STATUS:
                raise
            return await _answer(layout, request, _BY_STATUS[error.status])
        except Exception as error:
            if refused := as_malformed(error):
                return web.Response(text=f"{refused.title}: {refused.words}\n", status=refused.status)
            log.exception("%s %s failed", request.method, request.path)
            return await _answer(layout, request, _FAILED)

    return middleware


async def _sign_in_again(layout: Layout, request: web.Request) -> web.Response | None:
    """The sign-in, which keeps the form that came without a session; None for a form that is not one of our pages'."""
    guard = layout.guard
    if request.method != "POST" or request.content_type != FORM or not guard.is_from_our_page(request):
        return None
    try:
        kept = keep(request.path_qs, await form_of(request))
    except Malformed:
        return None
    if kept is None:
        return None
    answer = await layout.page(request, "sign_in.html", sign_in_view(guard, request, kept=kept), status=401)
    guard.greet(request, answer)
    return answer


def _trouble(error: ConsoleError, request: web.Request) -> ErrorView:
    way = Hyperlink("Sign in", href("/sign-in")) if isinstance(error, NotSignedIn) else _HOME
    may_pass = isinstance(error, Unavailable) and request.method == "GET"
    again = (Hyperlink("Try again", request.path_qs),) if may_pass else ()
    return ErrorView(error.status, error.title, error.words, (*again, way))


async def _answer(layout: Layout, request: web.Request, view: ErrorView) -> web.Response:
    with at_most(ERROR_SECONDS):
        return await layout.page(request, "trouble.html", view, status=view.status)
