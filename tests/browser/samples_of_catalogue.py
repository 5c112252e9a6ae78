"""The catalogue: all of it, one subject, and nothing."""

from __future__ import annotations

from streams.console.pages.views.catalogue_view import CatalogueView, catalogue_view
from streams.console.services.catalogue import catalogue_page


def _view(words: str) -> CatalogueView:
    return catalogue_view(catalogue_page(words=words), None, None, None, words)


SAMPLES = (
    ("catalogue", "catalogue.html", _view("")),
    ("catalogue-narrowed", "catalogue.html", _view("appointment")),
    ("catalogue-empty", "catalogue.html", _view("nothing of the kind")),
)
