"""A broker in this process, for the demo and for tests."""
