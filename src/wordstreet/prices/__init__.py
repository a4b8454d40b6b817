"""Daily prices from files, and the trading calendars they must fit."""
