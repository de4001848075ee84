"""Telemetry: to the host's log, or to an OpenTelemetry collector."""
