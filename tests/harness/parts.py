"""The two parts of the tests: `make test` runs one, `make test-rest` the other, which is marked `thorough`.

A test is thorough that is marked so, or that runs on a real Kafka and is not marked `in_make_test`.
"""

from __future__ import annotations

import pytest

REAL_KAFKA = "real_kafka"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs on a real Kafka, before `-m` chooses."""
    for item in items:
        if is_on_real_kafka(item) and item.get_closest_marker("in_make_test") is None:
            item.add_marker(pytest.mark.thorough)


def is_on_real_kafka(item: pytest.Item) -> bool:
    """Whether a test asks for a real Kafka, by itself or as one of the two that `broker` gives it in turn."""
    call = getattr(item, "callspec", None)
    by_turn = call is not None and call.params.get("broker") == "real"
    return by_turn or REAL_KAFKA in getattr(item, "fixturenames", ())
