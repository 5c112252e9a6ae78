"""No Grafana: it demands what Grafana would read, may write where Grafana would, and answers /api/health."""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

assert Path(os.environ["GF_SECURITY_ADMIN_PASSWORD__FILE"]).read_text(encoding="utf-8").strip()
assert list(Path("/etc/grafana/provisioning/datasources").glob("*.yml"))
assert list(Path("/var/lib/grafana/dashboards").glob("*.json"))
Path("/var/lib/grafana/grafana.db").touch()


class Health(BaseHTTPRequestHandler):
    """Answers one path."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/api/health" else 501)
        self.end_headers()
        self.wfile.write(b'{"database": "ok", "version": "a stand-in, no Grafana"}')


HTTPServer(("0.0.0.0", 3000), Health).serve_forever()
