"""From a graph to kernels, their levels and where every value lies."""
