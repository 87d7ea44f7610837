"""Music to latents that are kept, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from harmonic_core.audio.decode import Samples
from harmonic_core.creating.latent_file import Encoded
from harmonic_core.creating.listening import whole_posterior
from harmonic_core.creating.studio import Placed, Studio
from harmonic_core.errors import DataError, RunError
from harmonic_core.text import plain

_AT_ONCE = 16


def encode(studio: Studio, paths: Sequence[Path], tags: Mapping[str, str]) -> Encoded:
    """Latents of whole files, in segments that overlap by half, so that `decode` gives what `reconstruct` does.

    Raises
    ------
    DataError
        If one of them is no music.
    """
    hop = studio.voice.features.hop_length
    mu, logvar, starts, file, samples = [], [], [], [], []
    for number, path in enumerate(paths):
        cuts = studio.listen(path, studio.close)
        frames, posterior = whole_posterior(studio.voice, cuts)
        mu.append(posterior.mu.numpy())
        logvar.append(posterior.logvar.numpy())
        starts += [frame * hop for frame in frames]
        file += [number] * len(frames)
        samples.append(cuts.samples)
        studio.tell(f"{number + 1} of {len(paths)} files encoded")
    return Encoded(
        mu=np.concatenate(mu),
        logvar=np.concatenate(logvar),
        starts=np.array(starts, np.int64),
        file_index=np.array(file, np.int64),
        samples=np.array(samples, np.int64),
        names=np.array([plain(path.name) for path in paths]),
        sample_rate=studio.sample_rate,
        segment=studio.voice.samples,
        fingerprint=studio.opened.fingerprint,
        tags=tags,
    )


def decode(studio: Studio, encoded: Encoded) -> Samples:
    """Sound of the latents of one file: (samples,).

    Raises
    ------
    RunError
        If they are of a model with other segments or another latent.
    DataError
        If the segments do not begin with frames.
    """
    voice, hop = studio.voice, studio.voice.features.hop_length
    theirs = (encoded.mu.shape[1], encoded.segment, encoded.sample_rate)
    ours = (studio.latent_dim, voice.samples, studio.sample_rate)
    if theirs != ours:
        raise RunError(
            f"{plain(studio.opened.name)}: these latents are of another model: {_words(theirs)}; "
            f"this one has {_words(ours)}"
        )
    if (encoded.starts % hop).any():
        raise DataError(f"segments must start at multiples of {hop} samples, as the model's frames do")
    frames = encoded.starts // hop
    length = min(int(encoded.samples[0]), int(frames[-1] + voice.frames) * hop - 1)

    def placed() -> Placed:
        for first in range(0, len(frames), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            yield frames[part].tolist(), torch.from_numpy(encoded.mu[part])

    return studio.perform(placed(), studio.close, lambda: length, alike=True)


def _words(figures: tuple[int, int, int]) -> str:
    latent_dim, segment, rate = figures
    return f"latent_dim {latent_dim}, {segment / max(1, rate):g} s segments at {rate} Hz"
