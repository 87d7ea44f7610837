"""Samples copied out of a run, with a picture and a note on what they are. Nothing is ever written over."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harmonic_core.errors import DataError, DiskError
from harmonic_tui.runs.library import Library, takes_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harmonic_core.run.samples import Sample
    from harmonic_core.run.stars import Star
    from harmonic_tui.pictures.spectra import Spectra

FOLDER = Path("exports")
_PICTURE = 1040, 512
"""Pixels of a picture across and down."""


def export(
    library: Library,
    spectra: Spectra,
    sample: Sample,
    star: Star | None,
    folder: Path,
    colours: NDArray[np.uint8],
) -> Path:
    """Copy all takes of a sample, the picture of each, and what is known of it. To be called in a thread.

    Parameters
    ----------
    library, sample, star
        What is exported, and what its listener thinks of it.
    spectra, colours
        Pictures and their colours, (256, 3).
    folder
        Where to; made if it is missing.

    Returns
    -------
    Path
        A new folder in `folder`, of its own name.

    Raises
    ------
    DiskError
        If something cannot be read or written; what was written until then is left.
    """
    stem = Path(sample.item.record).stem
    try:
        folder.mkdir(parents=True, exist_ok=True)
        place = _new_folder(folder, f"step-{sample.step:08d}-{stem}")
        sounds = {}
        for take in takes_of(sample):
            source = library.path(sample, take)
            shutil.copyfile(source, place / source.name)
            sounds[take] = {"sound": source.name, **_picture(spectra, source, place, colours)}
        about = {
            "run": library.run.name,
            "run_path": str(library.run.path.resolve()),
            **sample.model_dump(exclude={"files", "envelope"}),
            "starred": bool(star and star.starred),
            "note": star.note if star else "",
            "takes": sounds,
        }
        # A path that is no valid UTF-8 is written as escapes.
        (place / "about.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        where = error.filename or folder
        raise DiskError(f"{where}: not exported: {error.strerror or error}") from error
    return place


def _new_folder(folder: Path, name: str) -> Path:
    for number in range(1, 100_000):
        place = folder / (name if number == 1 else f"{name}-{number}")
        try:
            place.mkdir()
        except FileExistsError:
            continue
        return place
    raise DiskError(f"{folder / name}: not exported: there are too many of that name")


def _picture(spectra: Spectra, source: Path, place: Path, colours: NDArray[np.uint8]) -> Mapping[str, object]:
    """Draw a sound beside its copy, and tell what the picture shows."""
    import numpy as np
    from PIL import Image

    from harmonic_tui.pictures.spectra import resampled, window_of

    try:
        spectrum = spectra.of(source)
    except DataError as error:
        return {"trouble": str(error)}
    scale = spectrum.scale
    top, bottom = window_of(spectrum)
    levels = (spectrum.mel_db[::-1] - bottom) / (top - bottom)
    shown = np.clip(resampled(levels, _PICTURE[1], _PICTURE[0]), 0, 1)
    name = f"{source.stem}.png"
    Image.fromarray(colours[(shown * 255 + 0.5).astype(int)]).save(place / name)
    return {
        "picture": name,
        "mel_bands": scale.n_mels,
        "from_hz": round(float(spectrum.centres_hz[0]), 1),
        "to_hz": round(float(spectrum.centres_hz[-1]), 1),
        "from_db": bottom,
        "to_db": top,
        "duration_s": spectrum.duration_s,
        "sample_rate": spectrum.sample_rate,
    }
