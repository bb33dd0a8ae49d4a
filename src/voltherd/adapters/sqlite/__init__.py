"""Asset facts and event documents in SQLite."""
