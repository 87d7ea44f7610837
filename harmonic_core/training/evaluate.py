"""Measuring the model of a run, a checkpoint or an export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.segments import ValidationSegments
from harmonic_core.errors import DataError
from harmonic_core.evaluation.closeness import Ears
from harmonic_core.evaluation.validation import mean_spectrum_db
from harmonic_core.model.build import build_model
from harmonic_core.profile.resolve import load, put_together
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.toml_file import read_recorded
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.evaluations import Report
from harmonic_core.run.resume import ResumePoint
from harmonic_core.text import plain
from harmonic_core.training.device import choose_device
from harmonic_core.training.material import prepare_material
from harmonic_core.training.measurement import MOST_SEGMENTS, Budget, Measurement
from harmonic_core.training.narrator import Narrator
from harmonic_core.training.proof import position_of
from harmonic_core.training.refining import refine_of
from harmonic_core.training.resume import Source, find_source
from harmonic_core.training.signals import StoppedError
from harmonic_core.training.weights import load_weights


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
    source = find_source(point)
    profile = _profile_of(source, point)
    if folder is not None:
        data = {"dataset": "custom", "dataset_dir": None, "custom_dir": (folder,), "validation_split": 0.0}
        profile = profile.model_copy(update={"data": profile.data.model_copy(update=data)})
    place = choose_device(device or profile.run.device)[0]
    model = build_model(profile.model, profile.audio, profile.segment_frames)
    load_weights(model, _weights_of(source), str(point.export or point.checkpoint or point.run))
    model.to(place).eval()
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
    step, epoch = _place_of(source)
    ears = Ears(profile.audio).to(place)
    to_beat = mean_spectrum_db(held_out, ears.features, model.band_mean, profile.train.batch_size)
    measurement = Measurement(profile, ears, material.training if folder is None else None, held_out, to_beat)
    home = point.run.path if point.run else Path(point.export or point.checkpoint or ".").parent
    return measurement.report(
        model,
        refine_of(RunDirectory(home).vocoder, ears.features, profile.audio),
        Budget(stopped=stopped),
        weights=_name_of(source, point),
        step=step,
        epoch=epoch,
        music=material.summary,
        tell=journal.log,
    )


def _tracks_of(segments: ValidationSegments) -> list[CachedTrack]:
    return list({cached.track.title: cached for cached, _ in segments.places}.values())


def _weights_of(source: Source) -> dict[str, Tensor]:
    if source.export is not None:
        exported: dict[str, Tensor] = source.export["model"]
        return exported
    assert source.checkpoint is not None
    return source.checkpoint.judged_weights()


def _place_of(source: Source) -> tuple[int, int]:
    if source.export is not None:
        return source.export["step"], source.export["epoch"]
    assert source.checkpoint is not None
    return source.checkpoint.step, position_of(source.checkpoint)["epoch"]


def _name_of(source: Source, point: ResumePoint) -> str:
    return str(point.export or (source.checkpoint and source.checkpoint.path))


def _profile_of(source: Source, point: ResumePoint) -> Profile:
    if source.export is not None:
        name = str(point.export)
        return put_together(name, [read_recorded(source.export["profile"], name)])
    assert source.checkpoint is not None
    return load(source.checkpoint.profile)
