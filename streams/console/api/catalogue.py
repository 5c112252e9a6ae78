"""The endpoint of the catalogue."""

from __future__ import annotations

from pydantic import Field

from streams.catalogue.row import RowKind, State, Vendor
from streams.console.api.endpoint import ApiCall, Endpoint, Input
from streams.console.services.catalogue import CataloguePage, catalogue_page


class CatalogueQuery(Input):
    """Narrows to a state, a vendor, a kind, and to entries with all of the words in `q`."""

    state: State | None = None
    vendor: Vendor | None = None
    kind: RowKind | None = None
    q: str = Field("", max_length=200)


async def _catalogue(call: ApiCall) -> CataloguePage:
    query: CatalogueQuery = call.query
    return catalogue_page(query.state, query.vendor, query.kind, query.q)


ENDPOINTS = (
    Endpoint(
        *("GET", "/catalogue", "get-catalogue", "catalogue"),
        *(
            "Every trigger and action of both vendors: what works and by which setting, and what does not and why.",
            "viewer",
            CataloguePage,
        ),
        _catalogue,
        query=CatalogueQuery,
        concerns="person",
    ),
)
