"""Ports kept in memory, for tests and for runs that leave nothing behind."""
