"""Repeatable comparisons with what a user would otherwise pick."""
