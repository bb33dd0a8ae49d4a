"""Models learned from recorded cells, and their training; what is trained is a value."""
