"""Whether the music that a profile names can be there at all: looked at before anything heavy starts."""

from __future__ import annotations

from pathlib import Path

from harmonic_core.errors import ProfileError
from harmonic_core.profile.sections import Data
from harmonic_core.text import plain


def custom_folder(data: Data) -> Path:
    """Folder of the `custom` data set."""
    return data.custom_dir or data.dataset_dir or Path("data/custom")


def insist_on_music(data: Data) -> None:
    """Refuse a data set that cannot be read, or whose folder is missing.

    Raises
    ------
    ProfileError
        With the way out.
    """
    if data.dataset == "custom":
        folder = custom_folder(data)
        if not folder.is_dir():
            problem = "is not a folder" if folder.exists() else "no such folder"
            raise ProfileError(
                f"{plain(str(folder))}: {problem}; name the folder of your audio with `--custom-dir path/to/audio`"
            )
    elif data.dataset != "demo":
        named = {"gtzan": data.gtzan_dir, "maestro": data.maestro_dir}.get(data.dataset) or data.dataset_dir
        raise ProfileError(
            f"dataset {data.dataset!r}: this version trains on `demo` and `custom` only; point it at the folder of "
            f"audio with `--dataset custom --custom-dir {plain(str(named or Path('data') / data.dataset))}`"
        )
