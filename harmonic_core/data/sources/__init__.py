"""Where music comes from, a file for each kind of data set."""

from __future__ import annotations

from pathlib import Path

from harmonic_core.data.sources import combined, custom, gtzan, maestro
from harmonic_core.data.tracks import Music
from harmonic_core.profile.music import Collection, insist_on_music, music_folders
from harmonic_core.profile.sections import Data


def find_tracks(data: Data, seed: int) -> Music:
    """Look through the folders of the chosen data set; nothing is opened but lists of recordings.

    Parameters
    ----------
    data
        What to look for, and where.
    seed
        Decides what the embedded data set plays.

    Returns
    -------
    music
        In a fixed order. With several folders, or the data set `combined`, titles begin with the folder's name.

    Raises
    ------
    ProfileError
        If a folder is missing.
    DataError
        If one holds nothing that is expected in it.
    """
    insist_on_music(data)
    if data.dataset == "demo":
        # All of its instruments would be loaded too.
        from harmonic_core.data.sources import demo

        return demo.find_tracks(data.demo_minutes, seed)
    parts = [(folder, _find_in(folder, kind, data)) for kind, folder in music_folders(data)]
    return combined.join(parts) if len(parts) > 1 or data.dataset == "combined" else parts[0][1]


def _find_in(folder: Path, kind: Collection, data: Data) -> Music:
    if kind == "custom":
        return custom.find_tracks(folder)
    return gtzan.find_tracks(folder, data) if kind == "gtzan" else maestro.find_tracks(folder, data)
