"""The music of a run as its model sees it: segments, their labels, and where they lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.segments import spread_evenly
from harmonic_core.errors import DataError
from harmonic_core.evaluation.latent_map import LatentMap, lay_out
from harmonic_core.evaluation.musicality import estimate_keys, mean_chroma
from harmonic_core.evaluation.validation import mean_deviation, typical_segments
from harmonic_core.generation import Directions, Voice, principal_directions
from harmonic_core.hearing.harmony import chroma_filterbank
from harmonic_core.profile.sections import Audio
from harmonic_core.text import plain
from harmonic_core.training.material import Material
from harmonic_core.training.signals import StoppedError

LABELS = ("genre", "composer", "artist", "album", "key")
"""What the metadata of a track may say; `source` and `track` are always known."""

_MOST_HELD_OUT = 400
_ENOUGH = 200
"""Segments with which a map says something; where fewer are held out, such that were trained on fill it up."""
_AT_ONCE = 8

MapMethod = Literal["t-SNE", "PCA"]


class Place(NamedTuple):
    """A segment of a track."""

    cached: CachedTrack
    start: int
    """Its first sample."""
    is_held_out: bool


@dataclass(frozen=True)
class Landscape:
    """Segments that were looked at, those that are held out first.

    Attributes
    ----------
    places
        Where each is from.
    labels
        For each label its value for every segment, empty where that is not known. May hold any characters.
    estimated
        Labels that nobody wrote down: they were heard.
    mu : (segments, latent_dim)
        Posterior means.
    deviation : (latent_dim,)
        As `mean_deviation` gives it: the unit of distances.
    directions
        Principal ones of `mu`.
    """

    places: list[Place]
    labels: Mapping[str, list[str]]
    estimated: frozenset[str]
    mu: Tensor
    deviation: Tensor
    directions: Directions
    _maps: dict[MapMethod, LatentMap] = field(default_factory=dict)

    def map(self, method: MapMethod) -> LatentMap:
        """Places on a plane, the same at every call. Of a few segments there is only the second kind."""
        if method not in self._maps:
            scaled = (self.mu / self.deviation).numpy()
            self._maps[method] = lay_out(scaled) if method == "t-SNE" else LatentMap(self._plane(), "PCA")
        return self._maps[method]

    def _plane(self) -> NDArray[np.float32]:
        two = (self.directions.coordinates(self.mu) * self.directions.spread)[:, :2]
        places: NDArray[np.float32] = np.pad(two.numpy(), ((0, 0), (0, 2 - two.shape[1])))
        return places

    def mean_like(self, label: str, index: int) -> Tensor:
        """Mean latent, (latent_dim,), of the segments that have the same value of a label as the segment `index`.

        Raises
        ------
        DataError
            If its value is not known.
        """
        values = self.labels.get(label)
        if not values or not values[index]:
            raise DataError(f"the {plain(label, 40)} of segment {index} is not known")
        return self.mu[[other for other, value in enumerate(values) if value == values[index]]].mean(dim=0)

    def nearest(self, latents: Tensor) -> list[int]:
        """Number of the segment that lies nearest to each of the latents, (n, latent_dim)."""
        distances = torch.cdist(latents / self.deviation, self.mu / self.deviation)
        return [int(index) for index in distances.argmin(dim=1)]

    def samples(self, index: int, count: int) -> NDArray[np.float32]:
        """Sound of a segment as it is in the music, (count,) in [−1, 1)."""
        place = self.places[index]
        sound: NDArray[np.float32] = place.cached.read(place.start, count).astype(np.float32) / 32768.0
        return sound


@torch.no_grad()
def look_around(
    voice: Voice,
    material: Material,
    audio: Audio,
    tell: Callable[[str], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Landscape:
    """Encode some hundred segments, held-out ones and, where those are few, such that were trained on.

    Parameters
    ----------
    voice
        Encodes.
    material
        The music of the run.
    audio
        How it becomes mels.
    tell
        Gets to know what goes on.
    stopped
        Asked now and then.

    Raises
    ------
    DataError
        If there is no music at all.
    StoppedError
        If `stopped` says so.
    """
    places = list(_choose(material))
    if not places:
        raise DataError("there is no music to look at")
    bins = torch.linspace(0.0, audio.sample_rate / 2, audio.n_fft // 2 + 1)
    bank = chroma_filterbank(bins).to(voice.features.window)
    mu, logvar, folded = [], [], []
    for first in range(0, len(places), _AT_ONCE):
        if stopped():
            raise StoppedError
        tell(f"encoding music: {first} of {len(places)} segments")
        pcm = np.stack([each.cached.read(each.start, voice.samples) for each in places[first : first + _AT_ONCE]])
        power = voice.features.power(torch.from_numpy(pcm).to(bank.device))
        posterior = voice.encode(voice.features.from_power(power))
        mu.append(posterior.mu)
        logvar.append(posterior.logvar)
        folded.append(mean_chroma(power, bank).cpu())
    known = torch.cat(mu)
    if not known.isfinite().all():
        raise DataError("the weights give no numbers for this music; the run diverged before they were written")
    deviation = mean_deviation(posterior._replace(mu=known, logvar=torch.cat(logvar)))
    tracks = [each.cached.track for each in places]
    labels = {label: [track.metadata.get(label, "") for track in tracks] for label in LABELS}
    estimated = not any(labels["key"])
    if estimated:
        labels["key"] = [str(key) for key in estimate_keys(torch.cat(folded), np.array([t.title for t in tracks]))]
    labels["source"] = [track.source for track in tracks]
    labels["track"] = [track.title for track in tracks]
    return Landscape(
        places,
        {label: values for label, values in labels.items() if any(values)},
        frozenset({"key"} if estimated else ()),
        known,
        deviation,
        principal_directions(known, deviation),
    )


def _choose(material: Material) -> Iterator[Place]:
    held_out = material.validation
    order = np.sort(spread_evenly(len(held_out))[:_MOST_HELD_OUT])
    for index in order:
        cached, start = held_out.places[index]
        yield Place(cached, start, is_held_out=True)
    wanted = _ENOUGH - len(order)
    if wanted > 0 and len(material.training):
        starts = material.training.epoch_starts(0)
        for index in np.sort(typical_segments(material.training, wanted)):
            yield Place(material.training.track_of(int(index)), int(starts[index]), is_held_out=False)
