"""Endpoints that add, change and remove connections, one by one and by a table."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SecretStr

from streams.console.api.connection_imports import ENDPOINTS as TABLE_ENDPOINTS
from streams.console.api.endpoint import Endpoint, Input
from streams.console.api.installations import ENDPOINTS as INSTALLATION_ENDPOINTS
from streams.console.services.connection_edits import EditableConnection
from streams.settings.model import Direction

NAME = Field(
    max_length=63, pattern=r"^[a-z0-9][a-z0-9_-]*$", description="small letters, digits, dashes and underscores"
)
SETTINGS = Field(description="as in [connections.NAME] of the configuration file: lofty, ghl, mapping, policies, ...")
VERSION = Field(ge=0, description="the version of this connection that was changed")


class PastedCredentials(Input):
    """Credentials that are pasted: they are sealed, and never shown again."""

    lofty_api_key: SecretStr | None = None
    ghl_token: SecretStr | None = None

    @property
    def pasted(self) -> dict[str, str]:
        """Those that are given."""
        found = {"lofty_api_key": self.lofty_api_key, "ghl_token": self.ghl_token}
        return {name: one.get_secret_value() for name, one in found.items() if one is not None}


class NewConnection(PastedCredentials):
    """A connection, with the credentials that are at hand; the others can be pasted later."""

    name: str = NAME
    settings: dict[str, Any] = SETTINGS


class ClonedConnection(PastedCredentials):
    """A connection with the settings of another one."""

    name: str = NAME
    team_id: str = Field(min_length=1, max_length=100, description="the Lofty team's id")
    location_id: str = Field(min_length=1, max_length=100, description="the GHL location's id")


class ChangedConnection(Input):
    """All settings of a connection."""

    settings: dict[str, Any] = SETTINGS
    expected_version: int = VERSION


class ConnectionLabel(Input):
    """Another name to be shown by."""

    label: str = NAME
    expected_version: int = VERSION


class OnVersion(Input):
    """The version that somebody looked at."""

    expected_version: int = VERSION


class PausedConnection(OnVersion):
    """The directions that are paused; all where none is named."""

    directions: list[Direction] = Field(default_factory=list, max_length=2)


class PastedCredential(Input):
    """A credential: it is sealed, and never shown again."""

    value: SecretStr


ENDPOINTS = (
    *TABLE_ENDPOINTS,
    *INSTALLATION_ENDPOINTS,
    Endpoint(
        *("POST", "/connections", "add-connection", "connections"),
        *("Add a connection. It works once it has its credentials.", "settings", EditableConnection),
        lambda call: call.services.connection_edits.add(call.by, call.body.name, call.body.settings, call.body.pasted),
        body=NewConnection,
        errors=(409,),
        concerns="deployment",
    ),
    Endpoint(
        *("GET", "/connections/{connection}/settings", "get-connection-settings", "connections"),
        *("A connection as it can be changed.", "viewer", EditableConnection),
        lambda call: call.services.connection_edits.get(call.path["connection"]),
        errors=(404,),
    ),
    Endpoint(
        *("PUT", "/connections/{connection}/settings", "change-connection", "connections"),
        *("Replace all settings of a connection.", "settings", EditableConnection),
        lambda call: call.services.connection_edits.change(call.by, **call.path, **call.arguments),
        body=ChangedConnection,
        errors=(404, 409),
    ),
    Endpoint(
        *("PUT", "/connections/{connection}/label", "rename-connection", "connections"),
        *("Give a connection another name to be shown by; its id stays.", "settings", EditableConnection),
        lambda call: call.services.connection_edits.rename(call.by, **call.path, **call.arguments),
        body=ConnectionLabel,
        errors=(404, 409),
    ),
    Endpoint(
        *("POST", "/connections/{connection}/clone", "clone-connection", "connections"),
        *("Add a connection with the settings of this one.", "settings", EditableConnection),
        lambda call: call.services.connection_edits.clone(
            *(call.by, call.path["connection"], call.body.name, call.body.team_id, call.body.location_id),
            call.body.pasted,
        ),
        body=ClonedConnection,
        errors=(404, 409),
        concerns="deployment",
    ),
    Endpoint(
        *("POST", "/connections/{connection}/pause", "pause-connection", "connections"),
        *("Make no more requests for a connection; what comes in waits.", "operator", EditableConnection),
        lambda call: call.services.connection_edits.pause(call.by, **call.path, **call.arguments),
        body=PausedConnection,
        errors=(404, 409),
    ),
    Endpoint(
        *("POST", "/connections/{connection}/resume", "resume-connection", "connections"),
        *("Let a connection go on: what waited is written.", "operator", EditableConnection),
        lambda call: call.services.connection_edits.resume(call.by, **call.path, **call.arguments),
        body=OnVersion,
        errors=(404, 409),
    ),
    Endpoint(
        *("PUT", "/connections/{connection}/credentials/{secret}", "paste-credential", "connections"),
        *("Keep a credential (lofty_api_key or ghl_token), sealed.", "settings", EditableConnection),
        lambda call: call.services.connection_edits.paste(
            call.by, **call.path, value=call.body.value.get_secret_value()
        ),
        body=PastedCredential,
        errors=(404,),
    ),
    Endpoint(
        *("POST", "/connections/{connection}/remove", "remove-connection", "connections"),
        *("Remove a connection, its subscriptions at Lofty, tokens and credentials. What is in GHL stays.", "settings"),
        *(
            EditableConnection,
            lambda call: call.services.connection_edits.remove(call.by, **call.path, **call.arguments),
        ),
        body=OnVersion,
        errors=(404, 409),
    ),
)
