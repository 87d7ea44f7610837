"""Making music with a trained model: from nothing, from the music that it knows, and out of other music."""
