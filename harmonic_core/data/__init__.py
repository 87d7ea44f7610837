"""Music for training: where it comes from, how it is decoded once, divided and cut."""
