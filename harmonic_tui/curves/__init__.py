"""Figures of runs as curves: read, kept, thinned, smoothed, compared. Nothing here draws."""
