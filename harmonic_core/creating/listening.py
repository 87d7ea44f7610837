"""Music files as a model hears them: cut into segments that overlap, and encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from harmonic_core.audio.decode import Pcm
from harmonic_core.data.piece import music_blocks
from harmonic_core.generation import Voice
from harmonic_core.model.vae import Posterior
from harmonic_core.training.signals import StoppedError

_AT_ONCE = 16


class Cuts:
    """Segments of sound that comes in blocks, each overlapping the one before, until nothing is left.

    The last one ends where the sound does, so that it is full of music too; only sound that is shorter than a segment
    is followed by silence.

    Parameters
    ----------
    blocks
        The sound, int16.
    segment
        Samples of a segment.
    hop, advance
        Samples of a frame, and frames from one segment to the next.

    Attributes
    ----------
    samples
        Length of the sound; None before its end has come.
    """

    def __init__(self, blocks: Iterable[Pcm], segment: int, hop: int, advance: int) -> None:
        self._blocks, self._segment, self._hop, self._advance = blocks, segment, hop, advance
        self.samples: int | None = None

    def __iter__(self) -> Iterator[tuple[int, Pcm]]:
        """First frame of every segment, and its samples."""
        held: Pcm = np.zeros(0, np.int16)
        origin = start = 0
        step = self._hop * self._advance
        for block in self._blocks:
            held = np.concatenate((held, block))
            while start + self._segment <= origin + len(held):
                yield start // self._hop, held[start - origin :][: self._segment]
                start += step
            # The last segment may begin this much earlier.
            done = max(0, start - step - self._segment - origin)
            held, origin = held[done:], origin + done
        self.samples = origin + len(held)
        frames, of_segment = 1 + self.samples // self._hop, 1 + self._segment // self._hop
        last = max(0, frames - of_segment) * self._hop
        if self.samples and last > start - step:
            rest = held[last - origin :][: self._segment]
            yield last // self._hop, np.pad(rest, (0, self._segment - len(rest)))


def sound_of(path: Path, sample_rate: int, stopped: Callable[[], bool] = lambda: False) -> Iterator[Pcm]:
    """Samples of a file, mono, in blocks of seconds; one sample at least.

    Raises
    ------
    DataError
        If it is no whole music; see `music_blocks`.
    StoppedError
        If `stopped` says so.
    """
    for block in music_blocks(path, sample_rate):
        if stopped():
            raise StoppedError
        yield block


def posteriors(voice: Voice, cuts: Cuts) -> Iterator[tuple[list[int], Posterior]]:
    """First frames of some segments, and what the model makes of them: (n, latent_dim), as the music is read."""
    starts: list[int] = []
    waiting: list[Pcm] = []
    for start, samples in cuts:
        starts.append(start)
        waiting.append(samples)
        if len(waiting) == _AT_ONCE:
            yield starts, _encode(voice, waiting)
            starts, waiting = [], []
    if waiting:
        yield starts, _encode(voice, waiting)


def _encode(voice: Voice, segments: list[Pcm]) -> Posterior:
    pcm = torch.from_numpy(np.stack(segments)).to(voice.features.window.device)
    return voice.encode(voice.features(pcm))


def whole_posterior(voice: Voice, cuts: Cuts) -> tuple[list[int], Posterior]:
    """First frame of every segment, and the posteriors of all of them, (segments, latent_dim)."""
    starts, found = [], []
    for some, posterior in posteriors(voice, cuts):
        starts += some
        found.append(posterior)
    mu, logvar = (torch.cat([each[place] for each in found]) for place in (0, 1))
    return starts, Posterior(mu, logvar)


def typical(mu: torch.Tensor, deviation: torch.Tensor) -> int:
    """Number of the segment that is most like all of them: the one nearest to their mean.

    The mean itself would be no music; it has a little of every beat.

    Parameters
    ----------
    mu : (segments, latent_dim)
    deviation : (latent_dim,)
        The unit of distances.
    """
    scaled = mu / deviation
    return int((scaled - scaled.mean(dim=0)).norm(dim=1).argmin())
