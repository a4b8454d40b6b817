"""What each command of the command line does: wire an engine, word its answer."""
