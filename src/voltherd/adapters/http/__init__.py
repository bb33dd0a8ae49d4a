"""Requests to other services over HTTP."""
