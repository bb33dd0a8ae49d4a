"""The command line: plain verbs, thin."""
