"""The pages of a lead in Lofty and in GoHighLevel."""

from __future__ import annotations

from urllib.parse import quote, urlencode


def ghl_href(location: str, contact: str) -> str:
    """The page of a contact in GoHighLevel."""
    return (
        f"https://app.gohighlevel.com/v2/location/{quote(location, safe='')}/contacts/detail/{quote(contact, safe='')}"
    )


def lofty_href(lead: str) -> str:
    """The page of a lead in Lofty."""
    return f"https://crm.lofty.com/admin/home/detail?{urlencode({'leadId': lead})}"
