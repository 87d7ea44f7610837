"""What a trained model is given away as: exports that need no run, reports, and the API for programs."""
