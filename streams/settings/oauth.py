"""`[oauth]`: the apps by which connections are given access, where they do not use fixed credentials."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from streams.settings.model import BaseUrl, Present, SettingsTable


class GhlApp(SettingsTable):
    """Our app in GHL's marketplace. Addresses are GHL's own unless a sandbox plays it.

    `agency` says that agencies give access for all of their locations: their token brings each location's.
    """

    client_id: Annotated[Present, Field(description="the app's client id, from the marketplace's portal")]
    version_id: str | None = None
    agency: bool = False
    authorize_url: BaseUrl = "https://marketplace.gohighlevel.com/v2/oauth/chooselocation"
    base_url: BaseUrl = "https://services.leadconnectorhq.com"


class LoftyApp(SettingsTable):
    """Our app in Lofty's portal. `server` is which of the two token servers that Lofty documents is asked."""

    client_id: Annotated[Present, Field(description="the app's client id, from Lofty's portal")]
    redirect_uri: BaseUrl | None = None
    server: Literal["help_centre", "developer"] = "help_centre"
    authorize_url: BaseUrl = "https://lofty.com/page/vendor-auth.html"
    server_url: BaseUrl | None = None


class OAuth(SettingsTable):
    """The apps."""

    ghl: GhlApp | None = None
    lofty: LoftyApp | None = None


class OAuthSecrets(BaseModel):
    """What the environment has of them. None of it shows in a `repr`."""

    model_config = ConfigDict(frozen=True)

    ghl_client_secret: SecretStr | None = None
    lofty_client_secret: SecretStr | None = None
    token_keys: SecretStr | None = None
