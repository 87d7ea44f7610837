"""Searching for good settings: a study of many runs, supervised without torch."""
