"""Measurements of Pellucid beside other libraries. Each is run by `python -m benchmarks.NAME`."""
