"""The engine that runs compiled steps, and what it needs."""
