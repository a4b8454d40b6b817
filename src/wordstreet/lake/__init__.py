"""The Parquet store: every offset exactly once."""
