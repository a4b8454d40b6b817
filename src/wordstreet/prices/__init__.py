"""Daily prices and the trading sessions they belong to."""
