"""Whether a request that changes something comes from our own pages. Pure.

Browsers say where a request comes from, and no page can make them say otherwise: `Sec-Fetch-Site` and `Origin`.
At least one of them must be there; every browser since 2020 sends `Origin` with each POST.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit


def origin_problem(headers: Mapping[str, str], host: str, public_url: str | None) -> str:
    """Why a request is not from our pages; empty when it is. `host` is the request's own `Host`."""
    site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
    if site is None and origin is None:
        return "it says neither Origin nor Sec-Fetch-Site"
    if site is not None and site != "same-origin":
        return f"it comes from another site (Sec-Fetch-Site: {site[:40]})"
    if origin is not None and not _is_ours(origin, host, public_url):
        return f"it comes from {origin[:100]}"
    return ""


def is_secure(url_scheme: str, host: str, forwarded_proto: str | None, public_url: str | None) -> bool:
    """Whether the browser came by https: by our own TLS, as a trusted proxy says, or at the public address."""
    if url_scheme == "https" or (forwarded_proto or "").split(",")[-1].strip() == "https":
        return True
    public = urlsplit(public_url or "")
    return public.scheme == "https" and public.netloc == host


def _is_ours(origin: str, host: str, public_url: str | None) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False  # such as http://[
    if parts.scheme not in ("http", "https"):
        return False
    if parts.netloc == host:
        return True
    public = urlsplit(public_url or "")
    return bool(public.netloc) and (parts.scheme, parts.netloc) == (public.scheme, public.netloc)
