"""Whether an exported model computes what the original does, on sound and in batches of several sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from harmonic_core.data.demo.tracks import plan, render
from harmonic_core.data.segments import spread_evenly
from harmonic_core.evaluation.validation import typical_segments
from harmonic_core.profile.sections import Profile
from harmonic_core.sharing.exported import GRAPHS, read_exported
from harmonic_core.sharing.graphs import Graph
from harmonic_core.training.material import Material

Values = NDArray[np.float32]
Part = Callable[[Values], list[Values]]

TOLERANCE = 1e-3
"""Largest difference of any number that an export may show."""
_SEGMENTS = 8
_BATCHES = (1, 3)


@dataclass(frozen=True)
class Sound:
    """What to compare on.

    Attributes
    ----------
    samples : (segments, segment_samples)
        In [−1, 1].
    origin
        What it is, in words.
    """

    samples: Values
    origin: str


@dataclass(frozen=True)
class Difference:
    """Largest absolute difference between the original and the export, by output.

    Attributes
    ----------
    mel, mu, logvar, decoded
        Of the features in normalised dB, as computed in single precision or in double, whichever is nearer; of the
        posterior's means and log variances; of decoded mels in normalised dB.
    batches
        Sizes of the batches that were compared.
    sound
        What was compared on.
    """

    mel: float
    mu: float
    logvar: float
    decoded: float
    batches: tuple[int, ...]
    sound: str

    @property
    def largest(self) -> float:
        """The largest of all; infinite where one is no number."""
        values = (self.mel, self.mu, self.logvar, self.decoded)
        return max(values) if all(np.isfinite(values)) else float("inf")


def sound_to_compare(profile: Profile, material: Material | None) -> Sound:
    """Segments to compare on: held-out ones, else such that were trained on, else music that the program makes."""
    if material is not None and len(material.validation):
        order = np.sort(spread_evenly(len(material.validation))[:_SEGMENTS])
        pcm = np.concatenate([material.validation.batch(int(index), 1) for index in order])
        return Sound(pcm.astype(np.float32) / 32768.0, f"{len(pcm)} held-out segments of its music")
    if material is not None and len(material.training):
        chosen = np.sort(typical_segments(material.training, _SEGMENTS))
        pcm = material.training.batch(chosen, material.training.epoch_starts(0))[:, : profile.segment_samples]
        return Sound(pcm.astype(np.float32) / 32768.0, f"{len(pcm)} segments of its music")
    tracks = [render(track, profile.audio.sample_rate) for track in plan(0.5, profile.run.seed)]
    music = np.concatenate(tracks)
    wanted = _SEGMENTS * profile.segment_samples
    sound = np.resize(music, wanted).reshape(_SEGMENTS, -1)
    return Sound(sound, f"{len(sound)} segments of music made by the program")


def compare(original: Graph, path: Path, export_format: str, sound: Sound) -> Difference:
    """Run an export that was just written, and its original, on the same sound.

    Parameters
    ----------
    original
        On the CPU.
    path
        The file, or for `onnx` the folder.
    export_format
        `onnx`, `torchscript` or `safetensors`.
    sound
        What on.
    """
    features, encode, decode = _PARTS[export_format](path)
    (mel,) = _torch_part(original.features)(sound.samples)
    # Single precision itself is heard 120 dB below the loudest.
    (exact,) = _torch_part(original.exact_features)(sound.samples)
    mu, logvar = _torch_part(original.encode)(mel)
    noise = np.random.default_rng(0).standard_normal(mu.shape, dtype=np.float32)
    latents = np.concatenate((mu, mu + np.exp(0.5 * logvar) * noise, noise))
    (decoded,) = _torch_part(original.decode)(latents)
    sizes = sorted({*(size for size in _BATCHES if size <= len(mel)), len(mel)})
    worst = [0.0] * 4
    for size in sizes:
        heard = _in_batches(features, sound.samples, size)[0]
        found = [
            np.minimum(np.abs(heard - mel), np.abs(heard - exact)),
            *(theirs - ours for theirs, ours in zip(_in_batches(encode, mel, size), (mu, logvar), strict=True)),
            _in_batches(decode, latents, size)[0] - decoded,
        ]
        # The maximum with what is no number is that.
        worst = [float(np.maximum(before, np.abs(each).max())) for before, each in zip(worst, found, strict=True)]
    mel_apart, mu_apart, logvar_apart, decoded_apart = worst
    return Difference(mel_apart, mu_apart, logvar_apart, decoded_apart, tuple(sizes), sound.origin)


def _in_batches(part: Part, given: Values, size: int) -> list[Values]:
    found = [part(given[first : first + size]) for first in range(0, len(given), size)]
    return [np.concatenate(each) for each in zip(*found, strict=True)]


def _torch_part(function: Callable[..., Any]) -> Part:
    def part(given: Values) -> list[Values]:
        with torch.no_grad():
            found = function(torch.from_numpy(given))
        return [each.numpy() for each in (found if isinstance(found, tuple) else (found,))]

    return part


def _onnx_parts(path: Path) -> tuple[Part, ...]:
    import onnxruntime

    def part(graph: str) -> Part:
        session = onnxruntime.InferenceSession(path / graph, providers=["CPUExecutionProvider"])
        (given,) = session.get_inputs()
        return lambda values: list(session.run(None, {given.name: values}))

    return tuple(map(part, GRAPHS))


def _torchscript_parts(path: Path) -> tuple[Part, ...]:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        # The file was written by this very process.
        loaded: Any = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    return tuple(_torch_part(getattr(loaded, name)) for name in ("features", "encode", "decode"))


def _safetensors_parts(path: Path) -> tuple[Part, ...]:
    trained = read_exported(path, "cpu").trained
    graph = Graph(trained.model, trained.features)
    return tuple(_torch_part(getattr(graph, name)) for name in ("features", "encode", "decode"))


_PARTS: dict[str, Callable[[Path], tuple[Part, ...]]] = {
    "onnx": _onnx_parts,
    "torchscript": _torchscript_parts,
    "safetensors": _safetensors_parts,
}
