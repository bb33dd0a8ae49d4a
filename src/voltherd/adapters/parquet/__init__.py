"""The canonical store: Parquet, by vehicle and day, through DuckDB."""
