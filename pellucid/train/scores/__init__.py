"""How good a model is: its scores beside baselines, with intervals, and what makes them suspect."""
