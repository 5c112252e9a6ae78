"""What a gateway is measured against: aiohttp and aiokafka, and nothing between them.

python -m tests.bench.intake_bare BOOTSTRAP TOPIC PORT
"""

from __future__ import annotations

import sys

from aiohttp import web
from aiokafka import AIOKafkaProducer

PRODUCER: web.AppKey[AIOKafkaProducer] = web.AppKey("producer", AIOKafkaProducer)


async def _take(request: web.Request) -> web.Response:
    await request.app[PRODUCER].send_and_wait(request.app["topic"], await request.read())
    return web.json_response({"result": "accepted"})


async def _stop(app: web.Application) -> None:
    await app[PRODUCER].stop()


async def _app(bootstrap: str, topic: str) -> web.Application:
    app = web.Application()
    app[PRODUCER] = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=2)
    app["topic"] = topic
    await app[PRODUCER].start()
    app.on_cleanup.append(_stop)
    app.router.add_post("/ghl/webhooks", _take)
    return app


if __name__ == "__main__":
    web.run_app(_app(sys.argv[1], sys.argv[2]), host="127.0.0.1", port=int(sys.argv[3]), print=None, access_log=None)
