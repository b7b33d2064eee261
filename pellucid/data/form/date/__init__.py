"""Dates, times and durations as texts: the form of a column, and how it is decided."""
