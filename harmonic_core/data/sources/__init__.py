"""Where music comes from, a file for each kind of data set."""

from __future__ import annotations

from pathlib import Path

from harmonic_core.data.sources import custom, demo
from harmonic_core.data.tracks import RefusedTrack, Track
from harmonic_core.errors import DataError
from harmonic_core.profile.sections import Data


def find_tracks(data: Data, seed: int) -> tuple[list[Track], list[RefusedTrack]]:
    """Tracks of the chosen data set, and what lies there but cannot be music.

    Raises
    ------
    DataError
        If the data set is missing or holds nothing usable.
    """
    match data.dataset:
        case "demo":
            return demo.find_tracks(data.demo_minutes, seed), []
        case "custom":
            return custom.find_tracks(data.custom_dir or data.dataset_dir or Path("data/custom"))
        case other:
            folder = {"gtzan": data.gtzan_dir, "maestro": data.maestro_dir}.get(other) or data.dataset_dir
            raise DataError(
                f"dataset {other!r}: this version trains on `demo` and `custom` only; point it at the folder of audio "
                f"with `--dataset custom --custom-dir {folder or Path('data') / other}`"
            )
