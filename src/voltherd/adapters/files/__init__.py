"""Readers of telemetry files, one module per format."""
