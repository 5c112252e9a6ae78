"""Broken answers: what a fault of the kind `mangle` makes of a good one.

| how | the result |
| --- | --- |
| `surrogate` | half an emoji (`\\ud83c`) follows each `text` |
| `control` | a raw vertical tab follows each `text` |
| `bytes` | a byte that is not UTF-8 follows each `text` |
| `number` | `NaN` replaces each `"text"` |
| `deep` | a list that is nested 200,000 deep replaces each `"text"` |
| `mark` | a byte order mark precedes it |
| `html` | it is a firewall's page, with the status of the answer |
| `cut` | it ends in its middle, where its length promises more |
| `huge` | it has 64 MiB |
| `bomb` | a hundred kilobytes that unpack to 100 MiB |

An answer without `text` is not changed.
"""

from __future__ import annotations

import zlib
from typing import Literal

How = Literal["surrogate", "control", "bytes", "number", "deep", "mark", "html", "cut", "huge", "bomb"]

_BEHIND: dict[str, bytes] = {"surrogate": b"\\ud83c", "control": b"\x0b", "bytes": b"\xff"}
_INSTEAD: dict[str, bytes] = {"number": b"NaN", "deep": b"[" * 200_000 + b"]" * 200_000}
_PAGE = b"<!doctype html><html><head><title>Attention Required!</title></head><body>Sorry, you have been blocked</body></html>"
_MEGABYTE = 1024**2


def mangled(content: bytes, how: How, text: str) -> tuple[bytes, dict[str, str]]:
    """The body and the headers that the fault makes of a body. `Content-Length` of `cut` promises the whole."""
    wanted = text.encode()
    if wanted not in content:
        return content, {}
    if how in _BEHIND:
        return content.replace(wanted, wanted + _BEHIND[how]), {}
    if how in _INSTEAD:
        return content.replace(b'"' + wanted + b'"', _INSTEAD[how]), {}
    match how:
        case "mark":
            return b"\xef\xbb\xbf" + content, {}
        case "html":
            return _PAGE, {"Content-Type": "text/html; charset=UTF-8"}
        case "cut":
            return content[: len(content) // 2], {"Content-Length": str(len(content))}
        case "huge":
            return content + b" " * (64 * _MEGABYTE), {}
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(content), *(packer.compress(b" " * _MEGABYTE) for _ in range(100)), packer.flush()]
    return b"".join(parts), {"Content-Encoding": "gzip"}
