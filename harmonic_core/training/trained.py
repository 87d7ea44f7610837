"""A trained model as a run, a checkpoint or an export holds it, ready to be measured or played."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.audio.vocoder import Refine
from harmonic_core.data.segments import TrainingSegments
from harmonic_core.errors import HarmonicError, RunError
from harmonic_core.evaluation.level import level_offset
from harmonic_core.evaluation.validation import typical_segments
from harmonic_core.generation import Voice
from harmonic_core.model.build import build_model
from harmonic_core.model.vae import VAE
from harmonic_core.profile.resolve import load, put_together
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.toml_file import read_recorded
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.resume import ResumePoint
from harmonic_core.text import plain
from harmonic_core.training.checkpoint import checkpoint_steps
from harmonic_core.training.device import choose_device
from harmonic_core.training.proof import position_of
from harmonic_core.training.refining import refine_of
from harmonic_core.training.resume import Source, find_source
from harmonic_core.training.weights import load_weights

_USUAL = 16
_EXPORT = re.compile(r"harmonic_vae_epoch_(\d+)\.pt$")


@dataclass(frozen=True)
class Trained:
    """A model and everything that is needed to hear it.

    Attributes
    ----------
    profile
        What it was trained by.
    model
        In evaluation mode.
    features
        What it sees, on its device.
    refine
        The network of its vocoder; None where there is none that betters it.
    weights, step, epoch
        Where it comes from: a file or folder, updates made, epochs closed.
    """

    profile: Profile
    model: VAE
    features: LogMel
    refine: Refine | None
    weights: str
    step: int
    epoch: int

    def voice(self, training: TrainingSegments | None, seed: int | None = None) -> Voice:
        """What renders its latents.

        Parameters
        ----------
        training
            Music that it was trained on, by which its sounds become as loud as music; None where that is not at hand.
        seed
            Decides the vocoder's first phase. Default: the profile's.
        """
        return Voice(
            model=self.model,
            features=self.features,
            refine=self.refine,
            offset=0.0 if training is None else self._offset(training),
            samples=self.profile.segment_samples,
            steps=self.profile.evaluation.griffin_lim_steps,
            seed=self.profile.run.seed if seed is None else seed,
        )

    def _offset(self, training: TrainingSegments) -> float:
        chosen = typical_segments(training, _USUAL)
        pcm = training.batch(chosen, training.epoch_starts(0))[:, : training.segment_samples]
        mel = self.features(torch.from_numpy(pcm).to(self.features.window.device))
        return level_offset(self.model, self.features, self.profile.audio, [mel])


def newest_weights(run: RunDirectory) -> ResumePoint:
    """The newest weights of a run that were trained at all: a checkpoint, or an export where none is left.

    Raises
    ------
    RunError
        If there are none yet; the message says when the first ones come.
    """
    if any(checkpoint_steps(run)):
        return ResumePoint(run)
    numbered = {int(match[1]): path for path in _exports(run) if (match := _EXPORT.search(path.name))}
    if numbered:
        return ResumePoint(run, export=numbered[max(numbered)])
    if run.export("best").is_file():
        return ResumePoint(run, export=run.export("best"))
    try:
        profile = load(run.profile)
    except HarmonicError:
        raise RunError(f"{plain(str(run.path))}: no weights yet; they come with the first checkpoint") from None
    every = min(profile.output.checkpoint_every, profile.train.epochs)
    raise RunError(f"no weights yet: the first checkpoint comes after epoch {every}, or when it is asked for")


def load_trained(point: ResumePoint, device: str | None = None) -> Trained:
    """Load what lies at `point`; of a run the newest checkpoint.

    Parameters
    ----------
    point
        A run, a checkpoint or an export.
    device
        Where to compute. Default: what the profile says.

    Raises
    ------
    HarmonicError
        If there are no whole weights, or they are of another model than this version builds.
    """
    source = find_source(point)
    name = str(point.export or (source.checkpoint and source.checkpoint.path))
    profile = _profile_of(source, name)
    place = choose_device(device or profile.run.device)[0]
    model = build_model(profile.model, profile.audio, profile.segment_frames)
    load_weights(model, _weights_of(source), name)
    model.to(place).eval()
    features = LogMel(profile.audio).to(place)
    home = point.run.path if point.run else Path(point.export or point.checkpoint or ".").parent
    step, epoch = _position_of(source)
    refine = refine_of(RunDirectory(home).vocoder, features, profile.audio)
    return Trained(profile, model, features, refine, name, step, epoch)


def _profile_of(source: Source, name: str) -> Profile:
    if source.export is not None:
        return put_together(name, [read_recorded(source.export["profile"], name)])
    assert source.checkpoint is not None
    return load(source.checkpoint.profile)


def _weights_of(source: Source) -> dict[str, Tensor]:
    if source.export is not None:
        exported: dict[str, Tensor] = source.export["model"]
        return exported
    assert source.checkpoint is not None
    return source.checkpoint.judged_weights()


def _position_of(source: Source) -> tuple[int, int]:
    if source.export is not None:
        return source.export["step"], source.export["epoch"]
    assert source.checkpoint is not None
    return source.checkpoint.step, position_of(source.checkpoint)["epoch"]


def _exports(run: RunDirectory) -> list[Path]:
    try:
        return [path for path in run.path.iterdir() if path.is_file()]
    except OSError:
        return []
