"""From mentions and prices to a verdict: pure statistics, unknown is NaN and never zero."""
