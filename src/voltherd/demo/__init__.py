"""The whole chain in one process, on a simulated fleet."""
