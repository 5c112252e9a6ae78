"""What the sandbox says no with: Lofty's codes and words, in the form in which each was seen."""

from __future__ import annotations

from typing import Any

from connectors.sandbox.shared.refusal import VendorRefusal


class LoftyRefusal(VendorRefusal):
    """An answer other than 2xx. `content` is its JSON body."""

    def __init__(self, status: int, content: Any) -> None:
        self.status = status
        self.content = content
        super().__init__(f"{status} {content}")


def coded(status: int, code: int, message: str) -> LoftyRefusal:
    """The form with a code: `{"code":200100,"message":"…"}`."""
    return LoftyRefusal(status, {"code": code, "message": message})


def inside(status: int, code: int, message: str) -> LoftyRefusal:
    """The form with the code inside the message."""
    return LoftyRefusal(status, {"message": f"BaseApplicationException:errorCode={code},errorMsg={message}"})


def bare(status: int, message: str) -> LoftyRefusal:
    """The form that the document gives every error: a JSON string."""
    return LoftyRefusal(status, message)


def lead_not_exist() -> LoftyRefusal:
    """Missing, trashed, or not visible yet: Lofty does not tell which."""
    return inside(404, 20006, "Lead not exist")


def not_exist(what: str) -> LoftyRefusal:
    """A note or an appointment that is not there."""
    return inside(404, 20007, f"{what} not exist")


def invalid(message: str) -> LoftyRefusal:
    """A parameter that cannot be."""
    return coded(400, 20012, message)


def bad_credentials() -> LoftyRefusal:
    """A key, token or client that Lofty does not know (any more)."""
    return coded(401, 20004, "Bad credentials")
