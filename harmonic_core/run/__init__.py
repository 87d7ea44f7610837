"""The run directory: the one thing that the trainer and the console share. No torch, no terminal."""
