"""voltherd: open, AI-powered battery management for electric fleets."""
