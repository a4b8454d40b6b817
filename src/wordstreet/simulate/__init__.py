"""A seeded world with a known truth."""
