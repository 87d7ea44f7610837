"""What the pictures of a run are drawn from: small arrays, handed from the trainer to the drawer in one file."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PictureData:
    """Mel spectrograms and latents after one epoch. Any of them may be empty.

    Attributes
    ----------
    epoch
        Epochs that the model was trained for.
    seconds : (frames,)
        Time of each frame.
    hertz : (n_mels,)
        Centre frequency of each mel band.
    top_db, dynamic_range_db
        Level in dB of a mel of one, and of the whole range from zero to one.
    originals, reconstructions : (items, n_mels, frames)
        Normalised log-mels of held-out segments, and of the same through the model.
    titles : (items,) of str
        Where each of them comes from.
    priors : (samples, n_mels, frames)
        Normalised log-mels decoded from draws of the prior.
    mu : (segments, latent_dim)
        Posterior means of held-out segments, in deviations of the posterior.
    genres, tracks : (segments,) of str
        What each of them belongs to; a genre that is not known is empty.
    learnt_mu, learnt_genres, learnt_tracks
        The same of segments that were trained on.
    """

    epoch: int
    seconds: NDArray[np.float32]
    hertz: NDArray[np.float32]
    top_db: float
    dynamic_range_db: float
    originals: NDArray[np.float16]
    reconstructions: NDArray[np.float16]
    titles: NDArray[np.str_]
    priors: NDArray[np.float16]
    mu: NDArray[np.float32]
    genres: NDArray[np.str_]
    tracks: NDArray[np.str_]
    learnt_mu: NDArray[np.float32]
    learnt_genres: NDArray[np.str_]
    learnt_tracks: NDArray[np.str_]

    def level_db(self, mel: NDArray[np.float16]) -> NDArray[np.float32]:
        """Level in dB relative to a full-scale sine of normalised log-mels, which are clamped to [0, 1]."""
        levels: NDArray[np.float32] = np.clip(mel.astype(np.float32), 0.0, 1.0)
        return (levels - 1.0) * np.float32(self.dynamic_range_db) + np.float32(self.top_db)

    def save(self, path: Path) -> None:
        """Write everything to the file `path`. Raises OSError where that cannot be."""
        arrays: dict[str, Any] = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
        with path.open("wb") as file:
            np.savez(file, **arrays)


def load_picture_data(path: Path) -> PictureData:
    """Read what `PictureData.save` wrote, without ever unpickling anything.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it holds something else.
    """
    with np.load(path, allow_pickle=False) as file:
        missing = {field.name for field in fields(PictureData)} - set(file.files)
        if missing:
            raise ValueError(f"{path}: no data for pictures: {', '.join(sorted(missing))} missing")
        values: dict[str, Any] = {field.name: file[field.name] for field in fields(PictureData)}
    scalars = {
        "epoch": int(values["epoch"]),
        "top_db": float(values["top_db"]),
        "dynamic_range_db": float(values["dynamic_range_db"]),
    }
    return PictureData(**{**values, **scalars})
