"""What people read: one page and one JSON file from the same figures."""
