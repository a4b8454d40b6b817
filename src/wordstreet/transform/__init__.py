"""From raw records to tables: parse, clean, match, score. Pure."""
