"""Frozen values that every room understands; nothing here computes."""
