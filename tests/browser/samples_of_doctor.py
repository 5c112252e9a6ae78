"""A check of everything: under way, with something to fix, for some connections only, and with nothing to do."""

from __future__ import annotations

from dataclasses import replace

from streams.console.pages.views.doctor_view import doctor_runs_view, doctor_view
from streams.console.services.doctor import CheckLine, DoctorRun

NOW = 1_780_000_000_000

LINES = (
    CheckLine("configuration", "file", "", "ok", "2 connections, no problem", ""),
    CheckLine("Kafka", "kafka:9092", "", "ok", "answers, with 31 topics", ""),
    CheckLine("workers", "workers", "", "ok", "2 alive", ""),
    CheckLine("parked", "connection acme", "acme", "wrong", "3 parked", "lofty-ghl parked list --connection acme"),
    CheckLine(
        *("tokens", "ghl of harbor", "harbor", "wrong", "access was not granted yet"),
        "lofty-ghl connect ghl --connection harbor",
    ),
    CheckLine(
        *("notifications", "office", "", "wrong", "there is no connection 'harbour'"),
        "correct connections of the recipient office in [[notifications.recipients]]; did you mean harbor?",
    ),
    CheckLine("disk", "data_dir /var/lib/lofty-ghl", "", "warning", "900 MiB are left", "make room in /var/lib"),
    CheckLine("access", "GHL of harbor", "harbor", "not looked at", "no key decrypts tokens", "see the lines tokens"),
    CheckLine(
        *("access", "Lofty of acme", "acme", "away", "https://api.lofty.com does not answer (timeout)"),
        "check this machine's firewall, and base_url of the connection",
    ),
    CheckLine("access", "GHL of acme", "acme", "ok", "the token is accepted", ""),
    CheckLine("scopes", "GHL of acme", "acme", "ok", "reading is allowed; write scopes are not tested", ""),
    CheckLine("fields", "acme", "acme", "ok", "the mapping's fields exist, or will be created", ""),
)
RUNNING = DoctorRun(id="5d0c7012", by="ann", began_ms=NOW - 4_000, done=5, of=13)
DONE = replace(RUNNING, ended_ms=NOW, result=LINES)
FINE = replace(DONE, id="5d0c7011", result=tuple(one for one in LINES if one.level == "ok"))
OF_SOME = replace(DONE, by="", connections=("acme",), result=tuple(one for one in LINES if one.connection == "acme"))

SAMPLES = (
    ("doctor-runs", "doctor_runs.html", doctor_runs_view((RUNNING, DONE, FINE, OF_SOME))),
    ("doctor-runs-empty", "doctor_runs.html", doctor_runs_view(())),
    ("doctor", "doctor.html", doctor_view(DONE)),
    ("doctor-running", "doctor.html", doctor_view(RUNNING)),
    ("doctor-fine", "doctor.html", doctor_view(FINE)),
    ("doctor-of-some", "doctor.html", doctor_view(OF_SOME)),
)
