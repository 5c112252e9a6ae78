"""`[connections.NAME]` as it is in the file."""

from __future__ import annotations

import re
from dataclasses import replace
from hashlib import blake2b
from typing import Annotated

from pydantic import Field

from streams.mapping import TagRules
from streams.mapping.lofty_sync import LoftySyncRules
from streams.settings.lofty_sync import LoftySyncTable
from streams.settings.model import (
    Appointments,
    Ghl,
    LocaleTag,
    Lofty,
    Paused,
    Policies,
    Region,
    SettingsTable,
    SweepSettings,
    TimeZone,
)
from streams.settings.stages import StagePairs, words_of

NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,62}$")
NAME_EXPECTED = "a name of small letters, digits, dashes and underscores"


class ConnectionTable(SettingsTable):
    """`[connections.NAME]` as it is in the file."""

    id: Annotated[str | None, Field(pattern=NAME.pattern, description=NAME_EXPECTED)] = None
    region: Region = "US"
    locale: LocaleTag = ""
    time_zone: TimeZone = ""
    mapping: str = "default"
    lofty: Annotated[Lofty, Field(description="a table [connections.NAME.lofty] with a team_id")]
    ghl: Annotated[Ghl, Field(description="a table [connections.NAME.ghl] with a location_id")]
    policies: Policies = Policies()
    sweep: SweepSettings = SweepSettings()
    appointments: Appointments = Appointments()
    opt_outs: bool = True
    stages: StagePairs = []  # noqa: RUF012  # pydantic copies it
    paused: Paused = []  # noqa: RUF012  # pydantic copies it
    back: LoftySyncTable = LoftySyncTable()
    tags: Annotated[TagRules, Field(strict=False)] = TagRules()

    def rules_back(self) -> LoftySyncRules:
        """What flows back, ready to run. Without pairs nobody asks where an opportunity is."""
        back = self.back.compiled()
        return replace(back, opt_outs=self.opt_outs, stage=back.stage if self.stages else None)

    def fingerprint(self, mapping: str) -> str:
        """Changes with all that decides what an entity should be in GHL. `mapping` is that of the mapping."""
        opt_outs = "opt-outs" if self.opt_outs else None
        stages = words_of(one.pair for one in self.stages)
        parts = (mapping, self.region, self.appointments.calendar, opt_outs, stages)
        return blake2b(" ".join(one for one in parts if one).encode(), digest_size=16).hexdigest()
