"""OpenTelemetry, where it is installed (`lofty-ghl[tracing]`) and switched on. Otherwise none of it is imported.

It is switched on and set up by OpenTelemetry's own variables: `OTEL_EXPORTER_OTLP_ENDPOINT` (or `..._TRACES_ENDPOINT`) says
where spans go, `OTEL_TRACES_SAMPLER` how many, `OTEL_RESOURCE_ATTRIBUTES` what else is said of this process, and
`OTEL_SDK_DISABLED=true` switches it off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from streams.telemetry.tracing import NoTracing, Span, Tracing, parent_of

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class TracingNotInstalled(RuntimeError):
    """Tracing is switched on, and its packages are not there."""


def tracing_of(environ: Mapping[str, str], process: str) -> tuple[Tracing, Callable[[], None]]:
    """The tracing that the environment asks for, and what to call in the end, so that the last spans leave.

    Raises `TracingNotInstalled` where it asks for spans and the packages are missing.
    """
    wanted = next((name for name in ENDPOINTS if environ.get(name)), None)
    if wanted is None or environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return NoTracing(), lambda: None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise TracingNotInstalled(
            f"{wanted} asks for traces, and {error.name} is not installed: "
            "install lofty-ghl[tracing], or take the variable away"
        ) from None
    tracing = OtelTracing(BatchSpanProcessor(OTLPSpanExporter()), process)
    return tracing, tracing.close


class OtelTracing:
    """Spans by OpenTelemetry's SDK, handed to a processor."""

    is_on = True

    def __init__(self, processor: Any, process: str) -> None:
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        self._trace = trace
        name = {"service.name": f"lofty-ghl-{process}"}
        # Never the global provider: two processes' parts may live in one, in tests and in the demo.
        self._provider = TracerProvider(resource=Resource.create(name))
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("lofty_ghl")

    def start_span(self, name: str, **facts: str | int) -> Span:
        """A new trace, with its first span."""
        return _Started(
            self._tracer.start_span(
                name, context=self._trace.set_span_in_context(self._trace.INVALID_SPAN), attributes=facts
            )
        )

    def record_span(self, name: str, parent: str, began_ns: int, ended_ns: int, **facts: str | int) -> None:
        """A span of a trace that is under way."""
        ids = parent_of(parent)
        if ids is None:
            return
        flags = self._trace.TraceFlags(int(parent[-2:], 16))
        context = self._trace.SpanContext(*ids, is_remote=True, trace_flags=flags)
        above = self._trace.set_span_in_context(self._trace.NonRecordingSpan(context))
        self._tracer.start_span(name, context=above, start_time=began_ns, attributes=facts).end(ended_ns)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


class _Started:
    def __init__(self, span: Any) -> None:
        self._span = span

    @property
    def traceparent(self) -> str:
        context = self._span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def end(self, **facts: str | int) -> None:
        for key, value in facts.items():
            self._span.set_attribute(key, value)
        self._span.end()
