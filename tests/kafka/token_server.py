"""A small token server: gives tokens to clients by their secrets, and publishes the key that Kafka checks them with."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER, AUDIENCE = "https://login.example.com", "kafka"


class TokenServer:
    """`token(name)` makes one. Clients are `name` with the secret `secret-of-NAME`."""

    def __init__(self, port: int = 0) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        self._stranger = rsa.generate_private_key(65537, 2048)
        self.seconds = 300.0
        self.asked = 0
        self.is_broken = False
        self._number = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            """Answers."""

            def log_message(self, *_: Any) -> None:
                """Nothing."""

            def do_GET(self) -> None:
                self._answer(200, server.keys())

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode())
                self._answer(*server.answer(self.headers.get("Authorization", ""), form))

            def _answer(self, status: int, body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def keys(self) -> dict[str, Any]:
        """The key set that Kafka's validator reads."""
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [{**public, "kid": "one", "use": "sig", "alg": "RS256"}]}

    def token(
        self, name: str, *, seconds: float | None = None, audience: str = AUDIENCE, is_forged: bool = False
    ) -> str:
        """A token for a principal."""
        now = time.time()
        lives = self.seconds if seconds is None else seconds
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "sub": name,
            "iat": int(now) - 60,
            "exp": int(now + lives),
            "jti": str(self._number),
        }
        self._number += 1
        return jwt.encode(claims, self._stranger if is_forged else self._key, "RS256", headers={"kid": "one"})

    def answer(self, authorization: str, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        """What the token endpoint says."""
        self.asked += 1
        if self.is_broken:
            return 503, {"error": "temporarily_unavailable"}
        name, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if form.get("grant_type") != ["client_credentials"]:
            return 400, {"error": "unsupported_grant_type"}
        if secret != f"secret-of-{name}":
            return 401, {"error": "invalid_client", "error_description": "wrong client or secret"}
        if form.get("scope", ["kafka"]) != ["kafka"]:
            return 400, {"error": "invalid_scope"}
        audience = "another" if name == "stray" else AUDIENCE
        text = self.token(name, audience=audience, is_forged=name == "forger")
        return 200, {"access_token": text, "token_type": "Bearer", "expires_in": self.seconds}

    def run(self) -> None:
        """Serve, until `stop`."""
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def token_server() -> Iterator[TokenServer]:
    """Run one."""
    made = TokenServer()
    made.run()
    try:
        yield made
    finally:
        made.stop()
