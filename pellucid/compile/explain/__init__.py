"""What a compiled program does, and how fast."""
