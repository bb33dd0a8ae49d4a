"""The application beside the fleet: ingest, store, twin, triage, API."""
