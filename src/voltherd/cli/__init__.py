"""The command line: thin, plain verbs."""
