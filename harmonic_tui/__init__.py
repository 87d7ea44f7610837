"""The terminal console: shows a run live, plays what it makes, steers it. Knows only profiles, runs and errors."""
