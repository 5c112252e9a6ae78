"""Lofty's refusals: its codes and words, in the form in which each was seen."""

from __future__ import annotations

from connectors.sandbox.shared.refusal import VendorRefusal


def coded(status: int, code: int, message: str) -> VendorRefusal:
    """The form with a code: `{"code":200100,"message":"…"}`."""
    return VendorRefusal(status, {"code": code, "message": message})


def inside(status: int, code: int, message: str) -> VendorRefusal:
    """The form with the code inside the message."""
    return VendorRefusal(status, {"message": f"BaseApplicationException:errorCode={code},errorMsg={message}"})


def bare(status: int, message: str) -> VendorRefusal:
    """The form that the document gives every error: a JSON string."""
    return VendorRefusal(status, message)


def lead_not_exist() -> VendorRefusal:
    """Missing, trashed, or not visible yet: Lofty does not say which."""
    return inside(404, 20006, "Lead not exist")


def not_exist(what: str) -> VendorRefusal:
    """A note or an appointment that is not there."""
    return inside(404, 20007, f"{what} not exist")


def invalid(message: str) -> VendorRefusal:
    """A parameter that cannot be."""
    return coded(400, 20012, message)


def bad_credentials() -> VendorRefusal:
    """A key, token or client that Lofty does not know."""
    return coded(401, 20004, "Bad credentials")
