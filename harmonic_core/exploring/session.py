"""One exploration of a run: weights and music are loaded once, and then it answers."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from harmonic_core.errors import DataError, DiskError, HarmonicError, RunError
from harmonic_core.exploring.landscape import Landscape, look_around
from harmonic_core.exploring.requests import (
    AtCoordinates,
    AtMean,
    AtPoint,
    AtRandom,
    Decode,
    Map,
    Open,
    Original,
    Walk,
)
from harmonic_core.generation import Voice, draw, walk
from harmonic_core.run.directory import RunDirectory, open_run
from harmonic_core.training.material import Material, prepare_material
from harmonic_core.training.narrator import Narrator
from harmonic_core.training.signals import StoppedError
from harmonic_core.training.sounds import envelope, level_db
from harmonic_core.training.trained import Trained, load_trained, newest_weights

SLIDERS = 8
"""Directions whose coordinates are told of every segment."""

_MOST_SHARES = 64
_KEPT = 64
"""Newest sounds that are kept."""


class Exploration:
    """Answers what is asked about the model of a run. The same question has the same answer, for the same weights.

    Parameters
    ----------
    run
        Whose newest weights to look at.
    folder
        Where sounds go, the newest few dozen of them.
    device
        Where to compute.
    tell
        Gets to know what goes on.
    stopped
        Asked now and then.
    """

    def __init__(
        self,
        run: RunDirectory,
        folder: Path,
        device: str = "cpu",
        tell: Callable[[str], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._run, self._folder, self._device = run, folder, device
        self._tell, self._stopped = tell, stopped
        self._trained: Trained | None = None
        self._voice: Voice | None = None
        self._landscape: Landscape | None = None
        self._no_music = ""
        self._material: Material | None = None
        self._written: list[Path] = []

    def answer(self, request: Open | Map | Decode | Original | Walk) -> dict[str, Any]:
        """Do what is asked, and say what came of it.

        Raises
        ------
        HarmonicError
            If it cannot be done; the message says why.
        StoppedError
            If it was `stopped`.
        """
        match request:
            case Open():
                return self._open()
            case Map(method=method):
                found = self._known_landscape().map(method)
                return {"method": found.method, "places": _rounded(found.places)}
            case Decode(where=where):
                self._tell("decoding")
                return self._save(self._known_voice().sound(self._latent(where)))
            case Original(point=point):
                landscape = self._known_landscape()
                self._check(point)
                return self._save(landscape.samples(point, self._known_voice().samples))
            case Walk():
                return self._walk(request)

    def _open(self) -> dict[str, Any]:
        self._tell("loading weights")
        trained = load_trained(newest_weights(open_run(self._run.path)), self._device)
        if not all(tensor.isfinite().all() for tensor in trained.model.state_dict().values()):
            raise RunError(f"the weights of step {trained.step} are no numbers: the run diverged before")
        landscape: Landscape | None = None
        training, no_music = None, ""
        try:
            if self._trained is None or self._trained.profile.data != trained.profile.data or self._material is None:
                self._material = self._find_music(trained)
            training = self._material.training if len(self._material.training) else None
        except (HarmonicError, OSError) as error:
            no_music = str(error)
        self._tell("listening how loud the music is")
        voice = trained.voice(training)
        if self._material is not None and not no_music:
            try:
                landscape = look_around(voice, self._material, trained.profile.audio, self._tell, self._stopped)
            except (DataError, OSError) as error:
                # What was in the cache a moment ago may be gone by now.
                no_music, self._material = str(error), None
        self._trained, self._voice, self._landscape, self._no_music = trained, voice, landscape, no_music
        described = _described(landscape, trained.profile.audio.sample_rate) if landscape else {}
        return {**_weights(trained), "no_music": no_music, **described}

    def _find_music(self, trained: Trained) -> Material:
        @contextmanager
        def watch(total: float) -> Iterator[Callable[[float, str], None]]:
            yield lambda done, words: self._tell(f"making the music ready: {words}")

        with Narrator(self._run, self._tell, watch) as narrator:
            material = prepare_material(trained.profile, narrator, self._stopped)
        if material is None:
            raise StoppedError
        return material

    def _walk(self, request: Walk) -> dict[str, Any]:
        voice = self._known_voice()
        latents = walk(self._latent(request.start), self._latent(request.end), request.steps, request.way)
        self._tell(f"decoding {request.steps} steps")
        sound, starts = voice.continuous(latents)
        saved = self._save(sound)
        return {
            **saved,
            "starts_s": [round(start * saved["duration_s"], 3) for start in starts],
            "near": self._landscape.nearest(latents) if self._landscape else [],
        }

    def _latent(self, where: AtPoint | AtMean | AtCoordinates | AtRandom) -> Tensor:
        match where:
            case AtRandom(seed=seed, temperature=temperature):
                return draw(1, self._known_voice().model.latent_dim, seed, temperature)[0]
            case AtPoint(point=point):
                self._check(point)
                return self._known_landscape().mu[point]
            case AtMean(label=label, point=point):
                self._check(point)
                return self._known_landscape().mean_like(label, point)
            case AtCoordinates(coordinates=coordinates, base=base):
                landscape = self._known_landscape()
                if base is not None:
                    self._check(base)
                # More than there are directions say nothing.
                place = torch.tensor(coordinates[: len(landscape.directions.axes)], dtype=torch.float32)
                return landscape.directions.latent(place, None if base is None else landscape.mu[base])

    def _check(self, point: int) -> None:
        count = len(self._known_landscape().places)
        if point >= count:
            raise HarmonicError(f"there is no segment {point}: they are numbered from 0 to {count - 1}")

    def _known_voice(self) -> Voice:
        if self._voice is None:
            raise HarmonicError("no weights are loaded yet; ask to open them first")
        return self._voice

    def _known_landscape(self) -> Landscape:
        self._known_voice()
        if self._landscape is None:
            raise DataError(self._no_music or "there is no music to look at")
        return self._landscape

    def _save(self, sound: NDArray[np.float32]) -> dict[str, Any]:
        assert self._trained is not None
        rate = self._trained.profile.audio.sample_rate
        wav = io.BytesIO()
        soundfile.write(wav, sound, rate, format="WAV", subtype="PCM_16")
        path = self._folder / f"{(int(self._written[-1].stem) if self._written else 0) + 1:06d}.wav"
        try:
            path.write_bytes(wav.getvalue())
        except OSError as error:
            raise DiskError(f"{path}: cannot be written: {error.strerror or error}") from error
        self._written.append(path)
        for old in self._written[:-_KEPT]:
            old.unlink(missing_ok=True)
        self._written = self._written[-_KEPT:]
        return {
            "path": os.fspath(path),
            "duration_s": len(sound) / rate,
            "level_db": round(level_db(sound), 2),
            "envelope": envelope(sound),
        }


def _weights(trained: Trained) -> dict[str, Any]:
    return {
        "weights": trained.weights,
        "step": trained.step,
        "epoch": trained.epoch,
        "latent_dim": trained.model.latent_dim,
        "segment_s": trained.profile.data.segment_length,
        "has_refiner": trained.refine is not None,
    }


def _described(landscape: Landscape, sample_rate: int) -> dict[str, Any]:
    directions = landscape.directions
    return {
        "points": [
            {
                "track": each.cached.track.title,
                "at_s": round(each.start / sample_rate, 2),
                "held_out": each.is_held_out,
            }
            for each in landscape.places
        ],
        "labels": landscape.labels,
        "estimated": sorted(landscape.estimated),
        "shares": [round(share, 6) for share in directions.shares[:_MOST_SHARES].tolist()],
        "coordinates": _rounded(directions.coordinates(landscape.mu)[:, :SLIDERS].numpy()),
    }


def _rounded(values: NDArray[np.float32]) -> list[list[float]]:
    return [[round(float(value), 4) for value in row] for row in values]
