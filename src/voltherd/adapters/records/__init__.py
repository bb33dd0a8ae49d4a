"""The cloud's record store: commits land in SQLite and are kept in Parquet."""
