"""From files to samples, from samples to mel spectrograms, and back to sound."""
