"""Handles what the vendors' consent pages send back: exchanges the code, and hands the sealed tokens to the worker."""

from __future__ import annotations

import html
import logging
import time
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from aiohttp import web

from connectors.errors import CallbackRefused, ConnectorError, GrantRefused
from connectors.http.transport import AiohttpTransport
from streams.gateway.exchange_limit import ExchangeLimit
from streams.gateway.live_connections import LiveConnections
from streams.gateway.rejection_log import RejectionLog
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.messages.installation import MOST_INSTALLATIONS, Installation, installation_key
from streams.messages.partitioning import partition_of
from streams.messages.topics import CONNECTIONS, TopicNames
from streams.oauth.authorization import accept_ghl
from streams.oauth.consent_link import connection_of
from streams.oauth.grants import Grants
from streams.oauth.installation import accept_installation, begins_in_marketplace
from streams.oauth.token_records import send_token
from streams.telemetry.metrics import Metrics

log = logging.getLogger("lofty_ghl.gateway")

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>lofty-ghl</title><style>body{{font:1.1rem/1.5 system-ui;max-width:34rem;margin:4rem auto;padding:0 1rem}}</style>
<h1>{title}</h1><p>{text}</p>{link_back}</html>"""
_LINK_BACK = '<p><a href="{href}">Back to the console</a></p>'
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class OAuthCallbacks:
    """The handlers of `GET /oauth/ghl/callback` and `GET /oauth/lofty/callback`."""

    def __init__(
        self,
        connections: LiveConnections,
        batching_producer: BatchingProducer,
        metrics: Metrics,
        until_granted: Callable[[int, int], Awaitable[None]],
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """`until_granted` waits until this gateway's console shows what was granted at a partition and offset; not for long."""
        self._has_console = connections.now.settings.console.enabled
        self._connections = connections
        self._batching_producer = batching_producer
        self._metrics = metrics
        self._until_granted = until_granted
        self._now_ms = now_ms
        self._limit = ExchangeLimit()
        self._rejections = RejectionLog(log, now_ms)

    async def ghl(self, request: web.Request) -> web.Response:
        """Exchange the code. The page says what was granted, or why it was not."""
        if begins_in_marketplace(request.query):
            return await self._installed(request)
        try:
            grants = self._grants()
            connection = connection_of(grants, request.query, self._now_ms())
            async with AiohttpTransport() as transport:
                granted = await accept_ghl(grants, connection, request.query, transport, self._now_ms())
            offset = await send_token(grants, granted, self._batching_producer)
            await self._until_granted(granted.partition, offset)
        except CallbackRefused as error:
            log.warning("GHL access was not granted: %s", error)
            return self._page("refused", 400, "Not connected", str(error))
        except ConnectorError as error:
            log.error("GHL access was granted, but its code could not be exchanged: %s", error)
            return self._page("failed", 503, "Not connected", f"GoHighLevel did not issue the tokens: {error}")
        except Exception:
            log.exception("GHL access was granted, but its tokens could not be stored")
            return self._page("failed", 503, "Not connected", "Kafka cannot be reached. Start again in a few minutes.")
        log.info("connection %s was granted access to GHL", granted.connection)
        lacks = f" Missing scopes: {', '.join(granted.missing)}." if granted.missing else ""
        words = f"Connection {granted.connection} is connected.{lacks}"
        return self._page("granted", 200, "Connected", words, f"/{quote(granted.connection, safe='')}/steps")

    async def _installed(self, request: web.Request) -> web.Response:
        """Keep an installation that began in GHL's marketplace. Its locations wait until a person pairs them."""
        wait_ms = self._limit.wait_ms(self._now_ms())
        if wait_ms > 0:
            self._rejections.record("too many installations", "2 codes at once and 30 a minute are exchanged")
            text = "Too many people install the app at this moment. Load this page again in a minute: your code was not used yet."
            answer = self._page("busy", 429, "Try again in a minute", text)
            answer.headers["Retry-After"] = str(-(-wait_ms // 1000))
            return answer
        self._limit.begin(self._now_ms())
        try:
            return await self._exchanged(request)
        finally:
            self._limit.end()

    async def _exchanged(self, request: web.Request) -> web.Response:
        once_more = "If it was used or is too old, install the app in GoHighLevel's marketplace once more."
        try:
            grants = self._grants()
            async with AiohttpTransport() as transport:
                found = await accept_installation(grants, request.query, transport, self._now_ms())
            known = self._connections.installed
            if len(known) >= MOST_INSTALLATIONS and found.subject not in known:
                return self._full(found)
            await self._store(grants, found)
        except (CallbackRefused, GrantRefused) as error:
            log.warning("an installation from GHL's marketplace was not accepted: %s", error)
            return self._page("refused", 400, "Not installed", f"GoHighLevel does not accept the code. {once_more}")
        except ConnectorError as error:
            log.error("an installation from GHL's marketplace could not be accepted: %s", error)
            return self._page("failed", 503, "Not installed", f"GoHighLevel did not answer as expected. {once_more}")
        except Exception:
            log.exception("the tokens of an installation from GHL's marketplace could not be stored")
            text = "It could not be stored, and its code cannot be used twice. In a few minutes, install the app in GoHighLevel's marketplace once more."
            return self._page("failed", 503, "Not installed", text)
        log.info("GHL's %s %s installed the app: %d locations wait", found.kind, found.subject, len(found.locations))
        text = "The app is installed. Nothing is read or written before somebody pairs its locations with accounts of Lofty, in the console under Connections, Installations."
        return self._page("granted", 200, "Installed", text)

    async def _store(self, grants: Grants, found: Installation) -> None:
        kafka = grants.settings.kafka
        topic, partition = TopicNames(kafka.topic_prefix).of(CONNECTIONS), partition_of(CONNECTIONS, kafka.partitions)
        key = installation_key(found.subject).encode()
        await self._batching_producer.produce([Record(topic, partition, key, found.to_bytes())])

    def _full(self, found: Installation) -> web.Response:
        log.error(
            *("the installation of GHL's %s %s was refused, as %d are kept already", found.kind, found.subject),
            MOST_INSTALLATIONS,
        )
        text = (
            f"{MOST_INSTALLATIONS} installations are kept already, and no more are taken. Whoever runs this service discards some in "
            "the console, under Connections, Installations. Then install the app in GoHighLevel's marketplace once more."
        )
        return self._page("refused", 503, "Not installed", text)

    async def lofty(self, _: web.Request) -> web.Response:
        """Lofty's answer does not say which connection it is for: the person pastes it where they began."""
        text = "Copy this page's address from the browser, and paste it where you started: into the console, or into the command that waits for it."
        return self._page("shown", 200, "Almost connected", text)

    def _grants(self) -> Grants:
        grants = self._connections.now.grants
        if grants is None:
            raise CallbackRefused("ghl", "no connection uses OAuth")
        return grants

    def _page(self, result: str, status: int, title: str, text: str, on: str = "") -> web.Response:
        """The page. `on` is where its link leads, beneath the console's connections."""
        self._metrics.intake.labels("oauth", result).inc()
        link_back = _LINK_BACK.format(href=f"/console/connections{on}") if self._has_console else ""
        body = _PAGE.format(title=html.escape(title), text=html.escape(text), link_back=link_back)
        return web.Response(text=body, status=status, content_type="text/html", headers=_HEADERS)
