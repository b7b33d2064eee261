"""Forms: how the values of a column are written, decided once and saved with a model."""
