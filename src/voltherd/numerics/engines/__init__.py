"""Ways to run the one cell step; every engine gives the same numbers."""
