"""How contractions and Winograd convolutions are cut into register tiles and tasks."""
