"""A process that is to its supervisor what a worker is, and does nothing else. It imports nothing of the product, so that it starts at once.

    python small_child.py BEHAVIOUR --process 1/2 --socket PATH

It appends its id to the file `PATH.pids`. `refuse` exits with 2, `fail` with 70, `deaf` ends by no request, `never` is never ready.
"""

from __future__ import annotations

import os
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

BEHAVIOUR, _, PROCESS, _, SOCKET = sys.argv[1:]
METRICS = f'# HELP work Work.\n# TYPE work gauge\nwork{{process="{PROCESS.partition("/")[0]}"}} 1\n'


class Answers(BaseHTTPRequestHandler):
    """Health and metrics."""

    def do_GET(self) -> None:
        """Answer a supervisor."""
        body = {"/metrics": METRICS, "/budgets": '[{"budget": "loc"}]'}.get(self.path, "ready").encode()
        self.send_response(503 if self.path == "/readyz" and BEHAVIOUR == "never" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        """A Unix socket has none."""
        return "unix"

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Behave."""
    with Path(f"{SOCKET}.pids").open("a") as pids:
        pids.write(f"{os.getpid()}\n")
    if BEHAVIOUR in ("refuse", "fail"):
        os._exit(2 if BEHAVIOUR == "refuse" else 70)
    server = socketserver.ThreadingUnixStreamServer(SOCKET, Answers)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    while asked := os.read(0, 1):
        if asked == b"s" and BEHAVIOUR != "deaf":
            os._exit(0)
    os._exit(70)


main()
