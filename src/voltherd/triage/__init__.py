"""Findings from verdicts: merged per cause, ordered, told in plain words."""
