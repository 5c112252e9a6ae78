"""The one sentence of a lead's page."""

from __future__ import annotations

import pytest

from streams.console.services.verdict import answer_of
from streams.operations.history.story import Explanation
from streams.operations.history.timeline import Pending
from streams.settings.model import Policies


def test_a_lead_that_lofty_has_is_as_lofty_has_it() -> None:
    assert answer_of(Explanation("acme:1", ghl_id="g1"), Policies()).level == "ok"


@pytest.mark.parametrize(
    ("policy", "words"), [("tag", "tag lofty-deleted"), ("ignore", "leaves"), ("delete", "not done so yet")]
)
def test_a_lead_that_was_deleted_in_lofty_is_never_as_lofty_has_it(policy: str, words: str) -> None:
    """It says that it is gone, and why GHL still has it."""
    policies = Policies.model_validate({"lead_deleted": policy})
    answer = answer_of(Explanation("acme:1", ghl_id="g1", is_gone=True), policies)
    assert (answer.level, answer.words) == ("idle", "It was deleted in Lofty, and is still in GHL")
    assert words in answer.because


def test_what_waits_is_said_first() -> None:
    """A deletion may be on its way."""
    waits = Explanation("acme:1", ghl_id="g1", is_gone=True, pending=[Pending("acme:1:contact:1", "its turn")])
    assert answer_of(waits, Policies()).level == "busy"
