"""Where music is made: a model, what is asked of it, and sound that may become long."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from harmonic_core.audio.decode import Samples
from harmonic_core.audio.vocoder import soften_edges
from harmonic_core.creating.listening import Cuts, sound_of
from harmonic_core.errors import RunError
from harmonic_core.generation import Voice
from harmonic_core.sharing.latents import Latents
from harmonic_core.sharing.opened import Opened
from harmonic_core.text import plain
from harmonic_core.training.signals import StoppedError

_SILENT_DB = -60.0

Placed = Iterable[tuple[Sequence[int], Tensor]]
"""First frames of some segments, and their latents, (n, latent_dim)."""


@dataclass
class Studio:
    """A model at work.

    Attributes
    ----------
    opened
        The model.
    seed
        Decides everything random.
    stopped
        Asked again and again; ends the work with a StoppedError.
    tell
        Gets to know what goes on.
    """

    opened: Opened
    seed: int = 0
    stopped: Callable[[], bool] = lambda: False
    tell: Callable[[str], None] = lambda _: None
    voice: Voice = field(init=False)

    def __post_init__(self) -> None:
        trained = self.opened.trained
        if not all(bool(each.isfinite().all()) for each in trained.model.state_dict().values()):
            name = plain(self.opened.name)
            raise RunError(f"{name}: the weights of step {trained.step} are no numbers: the run diverged before")
        # What is written is brought to a loudness anyway. So a run and its exports sound the same, be the music at hand
        # or not.
        self.voice = replace(self.opened.voice(self.seed), offset=0.0)

    @property
    def sample_rate(self) -> int:
        """Of all that is made, in Hz."""
        return self.opened.trained.profile.audio.sample_rate

    @property
    def latent_dim(self) -> int:
        """Numbers in the latent of a segment."""
        return self.opened.trained.model.latent_dim

    @property
    def close(self) -> int:
        """Frames by which segments of one file overlap: each moment is told of by two of them."""
        return self.voice.frames // 2

    @property
    def apart(self) -> int:
        """Frames by which segments that are not alike overlap: as long as the ear takes for one to become the other."""
        return self.voice.frames // 3

    def latents(self) -> Latents:
        """Where the model's music lies; see `Opened.latents`."""
        return self.opened.latents(self.tell, self.stopped)

    def listen(self, path: Path, overlap: int) -> Cuts:
        """Segments of a file that overlap by so many frames; nothing is read before they are asked for."""
        voice, hop = self.voice, self.voice.features.hop_length
        blocks = sound_of(path, self.sample_rate, self.stopped)
        return Cuts(blocks, voice.samples, hop, voice.frames - overlap)

    def perform(
        self, placed: Placed, overlap: int, samples: Callable[[], int | None], *, alike: bool = False
    ) -> Samples:
        """Sound of segments, however many: (samples,), beginning and ending softly, its peaks at any height.

        Parameters
        ----------
        placed
            The segments, as they come.
        overlap
            Frames over which one becomes the next.
        samples
            Length of the sound; None while it is not known.
        alike
            Whether they tell of the same music where they overlap; see `Voice.mels`.

        Raises
        ------
        StoppedError
            If it was stopped.
        """
        recording = array("f")
        for part in self.voice.render(self.voice.mels(placed, overlap, alike=alike), samples):
            if self.stopped():
                raise StoppedError
            recording.frombytes(part.tobytes())
            self.tell(f"{len(recording) / self.sample_rate:.0f} s of music made")
        return _softened(np.frombuffer(recording, np.float32), self.voice.features.n_fft // 64)

    def sing(self, latent: Tensor) -> Samples:
        """One segment, (samples,) in [−1, 1], of one latent, (latent_dim,)."""
        if self.stopped():
            raise StoppedError
        return self.voice.sound(latent)


def _softened(sound: Samples, length: int) -> Samples:
    """Soften beginning and end of (samples,) in place."""
    length = min(length, len(sound) // 2)
    edges = torch.from_numpy(np.concatenate((sound[:length], sound[len(sound) - length :]))).unsqueeze(0)
    softened = soften_edges(edges, length)[0].numpy()
    sound[:length], sound[len(sound) - length :] = softened[:length], softened[length:]
    return sound


def is_silent(sound: Samples) -> bool:
    """Whether (samples,) are what a model makes of silence: so soft that to bring them to a loudness would be noise."""
    return 10.0 * math.log10(float(np.dot(sound, sound)) / max(1, len(sound)) + 1e-12) < _SILENT_DB
