"""Forms: how the texts of a column are written, decided once and applied as they are."""
