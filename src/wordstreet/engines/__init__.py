"""The only place where rooms meet; engines wire and decide nothing."""
