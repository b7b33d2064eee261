"""Claims of papers at the scale of a laptop, each by one command: `python -m benchmarks.claims.NAME`.

Each prints a table of three seeds, writes a plot to build/claims/NAME.html, and says whether the
claim was found. Images are Fashion-MNIST, 2 × 2 pixels averaged where a network is deep.
"""
