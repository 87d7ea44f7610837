"""Profiles: TOML files that say everything about a run. No torch, no terminal."""
