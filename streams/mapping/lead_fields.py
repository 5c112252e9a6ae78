"""The names that a mapping's expressions may read at the top of a Lofty lead.

Those of `LeadResponse` in Lofty's OpenAPI document, those seen live, and two of our own.
"""

from __future__ import annotations

AGENT = "_agent"
"""Put there by the fetch stage: `{"email": …, "name": …}` of the assigned agent; absent when he is not known."""

ADDRESS = "_address"
"""Put there by the mapping: one whole address (`streetAddress`, `city`, `state`, `zipCode`, `county`)."""

LEAD_FIELDS: frozenset[str] = frozenset(
    """
    leadId leadUserId teamId firstName lastName birthday language emails phones phoneStatuses
    leadTypes leadType source leadSource stage stageId score assignedUserId assignedUser lenderUserId
    pondId pondName hiddenFlag ownershipScope ownershipId cannotText cannotCall cannotEmail unsubscription
    streetAddress city state zipCode createTime assignTime lastUpdateTime lastTouch lastVisit
    tags groups segments leadInquiry leadPropertyList customAttributes customRoleList leadFamilyMemberList
    buyingTimeFrame sellingTimeFrame preQual fthb houseToSell mortgage buyHouse withBuyerAgent withListingAgent
    opportunity referredBy facebook twitter assignCompletionStatus
    """.split()  # noqa: SIM905  # sixty names, one a line, would hide what belongs together
) | {AGENT, ADDRESS}
