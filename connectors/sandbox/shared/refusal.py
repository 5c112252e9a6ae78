"""What both sandboxes say no with."""

from __future__ import annotations

from typing import Any


class VendorRefusal(Exception):
    """An exception that knows its answer: `status` and `content`, its JSON body. Each vendor has its own."""

    status: int
    content: Any
