"""Whether a request comes from our own pages, and to which pages a sign-in may lead. Pure.

Browsers send `Sec-Fetch-Site` and `Origin`, which no page can change.
At least one of them is required; every browser since 2020 sends `Origin` with each POST.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

HOME = "/console/"
_CONSOLE_PATH = re.compile(r"/console(/[A-Za-z0-9._~:@%+-]*)*(\?[A-Za-z0-9._~:@%+=&/?-]*)?")


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


def safe_path(text: str) -> str:
    """The path to open after a sign-in, if it is one of the console's; otherwise its first page."""
    is_safe = len(text) <= 2000 and _CONSOLE_PATH.fullmatch(text) and "//" not in text and "/../" not in text
    return text if is_safe and not text.endswith("/..") else HOME
