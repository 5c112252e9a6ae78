"""Endpoints of the checks of everything."""

from __future__ import annotations

from streams.console.api.endpoint import Endpoint
from streams.console.services.doctor import DoctorRun

ENDPOINTS = (
    Endpoint(
        *("GET", "/doctor", "get-checks", "doctor"),
        *("The newest checks of everything.", "viewer", tuple[DoctorRun, ...]),
        lambda call: call.services.runs.doctor.all(),
        concerns="filtered",
    ),
    Endpoint(
        *("GET", "/doctor/{id}", "get-check", "doctor"),
        *("One check: its progress, then what was looked at, how it is and what to do.", "viewer", DoctorRun),
        lambda call: call.services.runs.doctor.get(call.path["id"]),
        errors=(404,),
        concerns="filtered",
    ),
    Endpoint(
        *("POST", "/doctor", "start-check", "doctor"),
        *(
            "Check everything that the sync needs, as `lofty-ghl doctor` does. Nothing is changed.",
            "operator",
            DoctorRun,
        ),
        lambda call: call.services.runs.doctor.start_check(call.by),
        errors=(429,),
        concerns="filtered",
    ),
)
