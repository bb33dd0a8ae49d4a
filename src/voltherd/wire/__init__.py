"""Values to bytes and back, on the wire and at rest: envelopes, chunks of telemetry."""
