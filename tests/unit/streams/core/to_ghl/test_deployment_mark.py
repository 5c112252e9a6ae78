"""A deployment's mark: it reads back, what is none is none, and it ages."""

from __future__ import annotations

import pytest

from streams.core.to_ghl.deployment_mark import (
    ALIVE_MS,
    KEPT_MS,
    deployment_id,
    is_alive,
    is_over,
    mark_name,
    mark_value,
    read_mark,
)
from streams.messages.worker_status import OtherDeployment

NOW_MS = 1_800_000_000_000
MARK = OtherDeployment(
    deployment="1a2b3c4d", connection="acme", topic_prefix="prod-", host="w-1", since_ms=NOW_MS - 5_000, seen_ms=NOW_MS
)


@pytest.mark.parametrize("mark", [MARK, MARK.model_copy(update={"topic_prefix": "", "host": ""})])
def test_a_mark_reads_back(mark: OtherDeployment) -> None:
    """Also one without a topic prefix, which is the default."""
    assert read_mark(mark_name(mark), mark_value(mark)) == mark


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Office hours", mark_value(MARK)),
        ("Lofty GHL deployment", mark_value(MARK)),
        ("Lofty GHL deployment 1 acme more", mark_value(MARK)),
        (mark_name(MARK), ""),
        (mark_name(MARK), "seen yesterday; since ever"),
        (mark_name(MARK), "seen 2026-11-29T16:00:00; since 2026-11-29T16:00:00"),
    ],
)
def test_what_is_no_mark_is_none(name: str, value: str) -> None:
    """A custom value of the location's own, and a mark whose text somebody has changed."""
    assert read_mark(name, value) is None


@pytest.mark.parametrize(
    ("age_ms", "alive", "over"),
    [
        (0, True, False),
        (ALIVE_MS - 1, True, False),
        (ALIVE_MS, False, False),
        (KEPT_MS, False, True),
        (-ALIVE_MS + 1, True, False),
        (-KEPT_MS, False, True),
    ],
)
def test_a_mark_ages(age_ms: int, alive: bool, over: bool) -> None:
    """One from the far future is of a wrong clock: it would never age."""
    now_ms = NOW_MS + age_ms
    assert (is_alive(MARK, now_ms), is_over(MARK, now_ms)) == (alive, over)


def test_a_deployment_is_a_cluster_with_a_prefix() -> None:
    """Each of both makes another one."""
    ids = {deployment_id(cluster, prefix) for cluster in ("a", "b") for prefix in ("", "x-")}
    assert len(ids) == 4
    assert deployment_id("a", "x-") == deployment_id("a", "x-")
