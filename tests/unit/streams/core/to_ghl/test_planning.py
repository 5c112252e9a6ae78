"""What is no longer known when an earlier owner may have been writing another state."""

from __future__ import annotations

from typing import Any

import pytest

from streams.core.fingerprint import fingerprint
from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.plan import UNKNOWN
from streams.core.to_ghl.planning import Rules, doubts
from streams.mapping import compile_mapping
from streams.messages import Snapshot


def snapshot(kind: str, state: dict[str, Any] | None) -> Snapshot:
    """A state of a lead, or of what hangs on it."""
    return Snapshot(
        connection="c",
        lead="7",
        kind=kind,  # type: ignore[arg-type]  # the parameters of a test are plain texts
        id="7" if kind == "contact" else "5",
        state=state,
        version_ms=1,
        fingerprint=fingerprint(state),
        read_ms=0,
        update_time_ms=0,
        accepted_ms=0,
    )


@pytest.mark.parametrize(
    ("kind", "before", "policy", "is_unknown"),
    [
        ("contact", None, "delete", True),
        ("contact", None, "tag", False),
        ("note", None, "tag", True),
        ("note", {"content": "x", "deleteFlag": True}, "tag", True),
    ],
)
def test_after_a_deletion_that_may_have_been_carried_out_nothing_is_known(
    kind: str, before: dict[str, Any] | None, policy: Any, is_unknown: bool
) -> None:
    """It has come back meanwhile, and the link says that GHL holds it as it is wanted."""
    link = LinkRow(ghl_id="g", fields={"body": "h"})
    row = OutboxRow(snapshot=snapshot(kind, {"content": "x"}), before=(snapshot(kind, before),))
    rules = Rules(compile_mapping(), "US", lead_deleted=policy)

    assert doubts(row, rules, Directory(), link)["fields"] == {"body": UNKNOWN if is_unknown else "h"}
