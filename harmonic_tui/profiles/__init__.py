"""Profiles as the console offers them: what they need, what was changed in them, and how they are started."""
