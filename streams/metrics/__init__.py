"""Metrics: declared in `catalogue.py`, told and asked for in `metrics.py`."""

from streams.metrics.catalogue import CATALOGUE
from streams.metrics.metrics import Metrics
from streams.metrics.spec import PREFIX, Spec

__all__ = ["CATALOGUE", "PREFIX", "Metrics", "Spec"]
