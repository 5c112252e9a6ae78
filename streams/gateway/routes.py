"""Which address of the gateway is answered by which handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from streams.gateway.ghl_webhooks import GhlWebhooks
from streams.gateway.live_connections import LiveConnections
from streams.gateway.lofty_webhooks import LoftyWebhooks
from streams.gateway.oauth_callbacks import OAuthCallbacks
from streams.gateway.webhooks import WebhookDependencies
from streams.kafka.batching_producer import BatchingProducer
from streams.kafka.parking import Parking
from streams.messages.size_limits import SizeLimits
from streams.messages.topics import TopicNames
from streams.oauth.grants import CALLBACK
from streams.telemetry.metrics import Metrics
from streams.telemetry.tracing import Tracing


def add_webhook_routes(
    app: web.Application,
    connections: LiveConnections,
    names: TopicNames,
    batching_producer: BatchingProducer,
    metrics: Metrics,
    now_ms: Callable[[], int],
    tracing: Tracing,
    until_granted: Callable[[int, int], Awaitable[None]],
) -> None:
    """The webhooks of both vendors and, where tokens can be kept, the addresses to which their consent pages lead."""
    settings = connections.now.settings
    limits = SizeLimits.of(settings.gateway.max_body_bytes)
    parking = Parking(names, settings.kafka.partitions, metrics.put_aside, limits)
    deps = WebhookDependencies(settings, connections, names, batching_producer, parking, metrics, now_ms, tracing)
    app.router.add_post("/lofty/{secret}", LoftyWebhooks(deps).handle)
    app.router.add_post("/ghl/webhooks", GhlWebhooks(deps).handle)
    if settings.oauth_secrets.token_keys is not None:
        callbacks = OAuthCallbacks(connections, batching_producer, metrics, until_granted, now_ms)
        app.router.add_get(CALLBACK.format(vendor="ghl"), callbacks.ghl)
        app.router.add_get(CALLBACK.format(vendor="lofty"), callbacks.lofty)
