"""Findings and import reports as terminal text, HTML and JSON: values in, text out."""
