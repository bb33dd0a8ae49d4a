"""Training of learned estimates; what is trained is a value that estimation applies."""
