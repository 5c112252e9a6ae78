"""Trace ids as they travel."""

from __future__ import annotations

import pytest

from streams.telemetry.opentelemetry import TracingNotInstalled, tracing_of
from streams.telemetry.tracing import NoTracing, headers_of, of_headers, parent_of, trace_id

TRACE = f"00-{'ab' * 16}-{'cd' * 8}-01"


def test_each_change_has_a_trace_of_its_own() -> None:
    """Also where nothing is recorded: by its id a log line is found."""
    traces = {NoTracing().start_span("intake").traceparent for _ in range(100)}
    assert len({trace_id(one) for one in traces}) == 100
    assert all(parent_of(one) is not None for one in traces)


def test_headers_bring_what_they_were_given() -> None:
    """In either shape in which Kafka's clients hand headers out."""
    headers = headers_of(TRACE)
    assert of_headers(list(headers)) == of_headers(dict(headers)) == TRACE
    assert headers_of("") == ()


@pytest.mark.parametrize("strange", [b"", b"hello", b"\xff\xfe", TRACE[:-1].encode(), TRACE.upper().encode()])
def test_a_header_that_is_no_traceparent_is_none(strange: bytes) -> None:
    """Anybody may produce: what they write there is checked before it travels."""
    assert of_headers([("traceparent", strange)]) == ""


def test_tracing_is_off_unless_an_endpoint_is_named() -> None:
    """And off again where OpenTelemetry's own switch says so."""
    assert tracing_of({}, "worker")[0].is_on is False
    off = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"}
    assert tracing_of(off, "worker")[0].is_on is False


def test_a_missing_extra_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans were asked for: to go on without them in silence would be wrong."""
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(TracingNotInstalled, match=r"lofty-ghl\[tracing\]"):
        tracing_of({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, "worker")
