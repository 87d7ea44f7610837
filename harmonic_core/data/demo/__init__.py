"""The demo data set: music in six styles that the program writes and plays itself, the same for the same seed."""

from harmonic_core.data.demo.tracks import DemoTrack, plan, render

__all__ = ["DemoTrack", "plan", "render"]
