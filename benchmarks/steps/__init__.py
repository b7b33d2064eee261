"""Training steps of several libraries, side by side; see `benchmarks.step`."""
