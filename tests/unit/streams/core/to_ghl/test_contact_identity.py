"""What is known as ours on a contact that was there before us, and what is only reported."""

from __future__ import annotations

from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.core.to_ghl.contact_identity import KEPT, adopted_contact, kept_words
from streams.core.to_ghl.plan import UNKNOWN, DesiredContact
from streams.core.to_ghl.planning import Rules
from streams.mapping import TagRules, compile_mapping

WANTED = DesiredContact(
    {"firstName": "Ann", "email": None, "city": None, "custom:f-phone": None},
    ("buyer",),
    "77",
    only_ours=frozenset({"custom:f-phone"}),
)
CONTACT = {
    "id": "c1",
    "firstName": "Ann",
    "email": "ann@x.test",
    "customFields": {"f-phone": "+15305550199"},
    "tags": ["buyer", "lofty-vip", "golf"],
}


def test_of_what_an_earlier_memory_may_have_written_only_what_nobody_else_writes_is_ours() -> None:
    """Tags that the mapping calls ours, and fields that are named for Lofty. The rest stays, and is reported."""
    rules = Rules(compile_mapping(tags=TagRules(owned=("lofty-*",))), "US")
    facts = adopted_contact(WANTED, CONTACT, LinkRow(), rules=rules, before=LinkRow())
    assert (facts["tags"], facts["doubtful_tags"]) == (("buyer",), ("lofty-vip",))
    assert facts["fields"] == {"firstName": field_hash("Ann"), "custom:f-phone": UNKNOWN}
    words = kept_words(WANTED, CONTACT, facts["fields"], facts["doubtful_tags"])
    assert words == (f"email: {KEPT}", f"tags: golf: {KEPT}")
