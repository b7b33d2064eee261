"""The graph of a training step: of `fit`, and of one's own."""
