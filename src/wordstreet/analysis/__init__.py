"""The statistics: pure functions on plain arrays."""
