"""Where music comes from, a file for each kind of data set."""

from __future__ import annotations

from harmonic_core.data.sources import custom, demo
from harmonic_core.data.tracks import RefusedTrack, Track
from harmonic_core.profile.music import custom_folder, insist_on_music
from harmonic_core.profile.sections import Data


def find_tracks(data: Data, seed: int) -> tuple[list[Track], list[RefusedTrack]]:
    """Tracks of the chosen data set, and what lies there but cannot be music.

    Raises
    ------
    ProfileError
        If the data set is missing or of a kind that cannot be read.
    DataError
        If it holds nothing usable.
    """
    insist_on_music(data)
    if data.dataset == "demo":
        return demo.find_tracks(data.demo_minutes, seed), []
    return custom.find_tracks(custom_folder(data))
