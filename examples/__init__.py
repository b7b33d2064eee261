"""Whole programs on real data, each run by `python -m examples.NAME`."""
