"""Playback: a helper process that owns the sound card, and the player that talks to it."""
