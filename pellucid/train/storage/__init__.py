"""What a run leaves on disk: checkpoints, models, the folder and its lock."""
