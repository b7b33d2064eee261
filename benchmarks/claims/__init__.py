"""Claims of papers at the scale of a laptop, each by one command: `python -m benchmarks.claims.NAME`.

Each prints a table over three seeds, writes its plot to build/claims/NAME.html and NAME.svg, and says
whether the claim was found. What a method's rate is gets chosen on rows held out from training, with
a seed that no result uses; results are measured on test images. `docs/claims.md` holds what was found.
"""
