"""Word on the street, tested against the tape."""
