"""Metrics: declared in `catalogue.py`, counted and read in `metrics.py`."""

from streams.telemetry.metrics.catalogue import CATALOGUE
from streams.telemetry.metrics.metrics import Metrics
from streams.telemetry.metrics.spec import PREFIX, Spec

__all__ = ["CATALOGUE", "PREFIX", "Metrics", "Spec"]
