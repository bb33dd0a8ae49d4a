"""Detectors, one phenomenon a file: windows of telemetry in, verdicts out."""
