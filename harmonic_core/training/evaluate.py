"""Measuring the model of a run, a checkpoint or an export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.segments import ValidationSegments
from harmonic_core.errors import DataError
from harmonic_core.evaluation.closeness import Ears
from harmonic_core.evaluation.validation import mean_spectrum_db
from harmonic_core.run.evaluations import Report
from harmonic_core.run.resume import ResumePoint
from harmonic_core.text import plain
from harmonic_core.training.material import prepare_material
from harmonic_core.training.measurement import MOST_SEGMENTS, Budget, Measurement
from harmonic_core.training.narrator import Narrator
from harmonic_core.training.signals import StoppedError
from harmonic_core.training.trained import load_trained


def evaluate(
    point: ResumePoint,
    journal: Narrator,
    *,
    folder: Path | None = None,
    device: str | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Report:
    """Measure the weights at `point` on music that they were not trained on. Nothing is written.

    Parameters
    ----------
    point
        A run (its newest checkpoint), a checkpoint or an export.
    journal
        Tells what goes on.
    folder
        Audio to measure on, all of it, instead of the profile's held-out tracks.
    device
        Where to compute. Default: what the profile says.
    stopped
        Asked now and then.

    Raises
    ------
    HarmonicError
        If there are no weights, or no music.
    StoppedError
        If `stopped` says so.
    """
    if folder is not None and not folder.is_dir():
        raise DataError(f"{plain(str(folder))}: no such folder; name the folder of your audio with `--data DIR`")
    trained = load_trained(point, device)
    profile, model, place = trained.profile, trained.model, trained.features.window.device
    if folder is not None:
        data = {"dataset": "custom", "dataset_dir": None, "custom_dir": (folder,), "validation_split": 0.0}
        profile = profile.model_copy(update={"data": profile.data.model_copy(update=data)})
    material = prepare_material(profile, journal, stopped)
    if material is None:
        raise StoppedError
    training = material.training
    if folder is not None:
        held_out = ValidationSegments(training.tracks, profile.segment_samples, MOST_SEGMENTS)
    else:
        held_out = ValidationSegments(_tracks_of(material.validation), profile.segment_samples, MOST_SEGMENTS)
    if not len(held_out):
        raise DataError("nothing is held out in this run, so there is nothing to evaluate on; name music with `--data`")
    ears = Ears(profile.audio).to(place)
    to_beat = mean_spectrum_db(held_out, ears.features, model.band_mean, profile.train.batch_size)
    measurement = Measurement(profile, ears, material.training if folder is None else None, held_out, to_beat)
    return measurement.report(
        model,
        trained.refine,
        Budget(stopped=stopped),
        weights=trained.weights,
        step=trained.step,
        epoch=trained.epoch,
        music=material.summary,
        tell=journal.log,
    )


def _tracks_of(segments: ValidationSegments) -> list[CachedTrack]:
    return list({cached.track.title: cached for cached, _ in segments.places}.values())
