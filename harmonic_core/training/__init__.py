"""The life of a run: from tracks to a trained model, with everything that has to be kept on the way."""
