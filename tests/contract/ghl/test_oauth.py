"""What our OAuth dialogues and the sandbox say is valid by GHL's own document, but for what it gets wrong."""

from __future__ import annotations

import pytest

from connectors.ghl.oauth import OAUTH_OPERATIONS
from connectors.http.operation import Operation
from tests.contract.faults import judge
from tests.contract.ghl.excuses import EXCUSES
from tests.contract.ghl.play import Exchange
from tests.contract.ghl.test_conformity import faults_of
from tests.contract.openapi import OpenApi


@pytest.mark.parametrize("ours", OAUTH_OPERATIONS, ids=lambda one: one.name)
def test_the_catalogue_says_what_the_document_says(documents: OpenApi, ours: Operation) -> None:
    """Method, path and scopes; the version where it names one."""
    theirs = documents.by_id(ours.name)
    versions = [one["schema"]["enum"] for one in theirs.parameters if one["name"] == "Version"]
    scopes = [scope for one in theirs.content.get("security", []) for names in one.values() for scope in names]
    assert (ours.method, ours.path) == (theirs.method, theirs.template)
    assert versions in ([], [[ours.version]])
    assert list(ours.scopes) == scopes


def test_the_catalogue_has_every_operation(documents: OpenApi) -> None:
    """All of `apps/oauth.json`."""
    theirs = {one.operation_id for one in documents.operations if one.pointer.startswith("http://specs/apps/oauth")}
    assert {one.name for one in OAUTH_OPERATIONS} == theirs


@pytest.mark.parametrize("ours", OAUTH_OPERATIONS, ids=lambda one: one.name)
def test_each_operation_is_valid_on_the_wire(
    documents: OpenApi, exchanges: tuple[Exchange, ...], ours: Operation
) -> None:
    """Request and answer, success and refusals."""
    described = documents.by_id(ours.name)
    own = [one for one in exchanges if documents.find(one.request.method, one.request.url) == described]
    faults = [fault for one in own for fault in faults_of(documents, one)]
    statuses = {one.response.status for one in own}
    assert statuses & {200, 201}
    assert statuses & {400, 401, 403}
    assert judge(faults, EXCUSES)[0] == []
