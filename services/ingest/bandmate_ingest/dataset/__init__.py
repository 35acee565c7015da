"""Assembles cleaned pieces into Parquet shards: duplicates, splits, increments."""
