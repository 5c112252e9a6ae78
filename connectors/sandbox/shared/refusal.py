"""How both sandboxes refuse a request."""

from __future__ import annotations

from typing import Any


class VendorRefusal(Exception):
    """An answer other than 2xx: `status`, and `content`, its JSON body."""

    def __init__(self, status: int, content: Any) -> None:
        self.status = status
        self.content = content
        super().__init__(f"{status} {content}")
