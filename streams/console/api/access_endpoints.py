"""The endpoints about who has access, and what they did."""

from __future__ import annotations

from streams.console.api import audit, people, sign_in
from streams.console.api.endpoint import Endpoint

ACCESS_ENDPOINTS: tuple[Endpoint, ...] = (*sign_in.ENDPOINTS, *people.ENDPOINTS, *audit.ENDPOINTS)
