"""The pictures of a model at any moment, not only of a run while it trains."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from harmonic_core.creating.studio import Studio
from harmonic_core.data.segments import TrainingSegments, ValidationSegments
from harmonic_core.errors import DataError, DiskError, HarmonicError
from harmonic_core.evaluation import pictures
from harmonic_core.evaluation.curves import curves
from harmonic_core.evaluation.picture_data import PictureData
from harmonic_core.evaluation.picture_style import picture_style
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import read_rows
from harmonic_core.text import plain
from harmonic_core.training.material import Material, prepare_material
from harmonic_core.training.narrator import Narrator
from harmonic_core.training.picture_source import PictureSource
from harmonic_core.training.signals import StoppedError

Figures = dict[str, Callable[[], Figure]]
"""What draws each picture, by its file's name."""


def draw_pictures(studio: Studio, folder: Path) -> tuple[list[Path], str]:
    """Draw the pictures of a model into a folder, all of them or none.

    Of a run whose music is at hand they are those of its `visualizations/`. Where there is no music, they are what the
    model makes up, and a map where it is known how its music lies.

    Parameters
    ----------
    studio
        The model.
    folder
        Where to; made if it is not there.

    Returns
    -------
    pictures
        Their paths.
    no_music
        Why there is no music to show; empty where there is.

    Raises
    ------
    DiskError
        If the folder cannot be written.
    StoppedError
        If it was stopped.
    """
    run = studio.opened.run
    material, no_music = None, "the model was given away without it"
    if run is not None:
        try:
            material, no_music = _music(studio, run), ""
        except (HarmonicError, OSError) as error:
            no_music = plain(str(error), 400)
    figures = _figures_of_music(studio, material) if material else _figures_alone(studio)
    if (drawn := curves(read_rows(run.metrics) if run else [], studio.opened.trained.epoch)) is not None:
        figures["curves.png"] = lambda: drawn
    try:
        with _beside(folder) as temporary, picture_style():
            for name, figure in figures.items():
                if studio.stopped():
                    raise StoppedError
                studio.tell(f"drawing {name}")
                figure().savefig(temporary / name)
            folder.mkdir(parents=True, exist_ok=True)
            for name in figures:
                (temporary / name).replace(folder / name)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DiskError(f"{plain(str(folder))}: cannot be written: {reason}") from error
    return [folder / name for name in figures], no_music


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A folder on the same disk as `folder` for as long as the block lasts."""
    place = folder.absolute().parent
    place.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name[:100]}.", suffix=".tmp", dir=place))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _music(studio: Studio, run: RunDirectory) -> Material:
    @contextmanager
    def watch(total: float) -> Iterator[Any]:
        yield lambda done, words: studio.tell(f"making the music ready: {words}")

    with Narrator(run, studio.tell, watch) as narrator:
        material = prepare_material(studio.opened.trained.profile, narrator, studio.stopped)
    if material is None:
        raise StoppedError
    if not len(material.training):
        raise DataError("there is no music that it was trained on")
    return material


def _figures_of_music(studio: Studio, material: Material) -> Figures:
    data = _gathered(studio, material.validation, material.training)
    return {
        "reconstructions.png": lambda: pictures.reconstructions(data),
        "latent_tsne.png": lambda: pictures.latent_map(data),
        "novel_samples.png": lambda: pictures.novel_samples(data),
        "mel_spectrograms.png": lambda: pictures.mel_spectrograms(data),
    }


def _figures_alone(studio: Studio) -> Figures:
    trained = studio.opened.trained
    nothing = ValidationSegments([], trained.profile.segment_samples, 1)
    data = _gathered(studio, nothing, None)
    figures: Figures = {"novel_samples.png": lambda: pictures.novel_samples(data)}
    try:
        known = studio.latents()
    except HarmonicError:
        return figures
    count = len(known.mu)
    unknown = [""] * count
    latents = replace(
        data,
        mu=(known.mu / known.deviation).numpy(),
        genres=np.array(known.labels.get("genre", unknown)),
        tracks=np.array(known.labels.get("track", unknown)),
    )

    def latent_map() -> Figure:
        figure = pictures.latent_map(latents)
        figure.suptitle(f"Latents of {count} segments of its music, epoch {trained.epoch}")
        return figure

    return {"latent_tsne.png": latent_map, **figures}


def _gathered(studio: Studio, held_out: ValidationSegments, training: TrainingSegments | None) -> PictureData:
    trained = studio.opened.trained
    profile = trained.profile
    source = PictureSource(trained.features, held_out, training, profile.evaluation, profile.audio, studio.seed)
    studio.tell("encoding music")
    data = source.gather(trained.model, trained.epoch)
    trained.model.eval()
    return data
