"""What music theory says of a spectrum: chroma, Tonnetz, key, roughness, and where harmonics lie."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

CHROMA_CLASSES = 12
HARMONICS = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0)
"""Multiples of a frequency at which a sound that has it usually has more (Bittner et al. 2017)."""
_TONICS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
KEYS = tuple(f"{tonic} {mode}" for mode in ("major", "minor") for tonic in _TONICS)
"""Names of the 24 keys, in the order of `key_correlation`."""

_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
_A4_HZ = 440.0
_CENTRE_OCTAVE, _OCTAVE_WIDTH = 5.0, 2.0
_TINY = 1e-12


def chroma_filterbank(frequency: Tensor) -> Tensor:
    """Weights that fold the magnitude at each frequency into the twelve pitch classes, beginning with C.

    Gaussian bumps of one semitone's width around each class, weighted by a Gaussian over octaves around the fifth
    (Ellis 2007, as in librosa).

    Parameters
    ----------
    frequency : (bins,)
        Hz, ascending and evenly spaced from 0, as STFT bins are, or any ascending ones above 0.

    Returns
    -------
    (12, bins)
        Non-negative.
    """
    hz = frequency.double()
    # Octaves above A0. What lies at 0 Hz is given a place far below all that counts.
    places = CHROMA_CLASSES * torch.log2(hz.clamp_min(_TINY) / (_A4_HZ / 16.0))
    if hz[0] <= 0.0:
        places[0] = places[1] - 1.5 * CHROMA_CLASSES
    widths = torch.cat([(places[1:] - places[:-1]).clamp_min(1.0), torch.ones(1, dtype=places.dtype, device=hz.device)])
    classes = torch.arange(CHROMA_CLASSES, dtype=places.dtype, device=hz.device).unsqueeze(1)
    half = CHROMA_CLASSES / 2
    distance = torch.remainder(places.unsqueeze(0) - classes + half + 10 * CHROMA_CLASSES, CHROMA_CLASSES) - half
    weights = torch.exp(-0.5 * (2.0 * distance / widths).square())
    weights = functional.normalize(weights, dim=0)
    weights = weights * torch.exp(-0.5 * ((places / CHROMA_CLASSES - _CENTRE_OCTAVE) / _OCTAVE_WIDTH).square())
    # The classes above begin with A.
    return torch.roll(weights, -3, dims=0).to(frequency.dtype)


def chroma(magnitude: Tensor, filterbank: Tensor) -> Tensor:
    """Energy of the pitch classes, the largest of each frame being one; zeros for silence.

    Parameters
    ----------
    magnitude : (…, bins, frames)
        Linear, or of a constant-Q transform; ≥ 0. Mels are too coarse in the bass.
    filterbank : (12, bins)
        As `chroma_filterbank` makes it.

    Returns
    -------
    (…, 12, frames)
        In [0, 1], beginning with C.
    """
    folded = filterbank @ magnitude
    return folded / folded.amax(dim=-2, keepdim=True).clamp_min(_TINY)


def tonnetz(chroma: Tensor) -> Tensor:
    """Tonal centroid: where pitch classes lie on the circles of fifths, minor thirds and major thirds.

    Harte, Sandler & Gasser (2006); radii 1, 1 and ½.

    Parameters
    ----------
    chroma : (…, 12, frames)
        ≥ 0, beginning with C.

    Returns
    -------
    (…, 6, frames)
        Sine and cosine on each circle; within [−1, 1], zeros for silence.
    """
    classes = torch.arange(CHROMA_CLASSES, dtype=chroma.dtype, device=chroma.device)
    circles = ((7.0 / 6.0, 1.0), (3.0 / 2.0, 1.0), (2.0 / 3.0, 0.5))
    rows = [radius * turn(torch.pi * step * classes) for step, radius in circles for turn in (torch.sin, torch.cos)]
    share = chroma / chroma.sum(dim=-2, keepdim=True).clamp_min(_TINY)
    return torch.stack(rows) @ share


def key_correlation(chroma: Tensor) -> Tensor:
    """How well each key fits a distribution of pitch classes (Krumhansl & Kessler 1982, by correlation).

    Parameters
    ----------
    chroma : (…, 12)
        ≥ 0, beginning with C; usually a mean over time.

    Returns
    -------
    (…, 24)
        In [−1, 1], in the order of `KEYS`; zeros where all classes are equal. The largest is how clear the key is.
    """
    profiles = torch.tensor((_MAJOR, _MINOR), dtype=chroma.dtype, device=chroma.device)
    rotated = torch.stack([torch.roll(row, tonic) for row in profiles for tonic in range(CHROMA_CLASSES)])
    rotated = functional.normalize(rotated - rotated.mean(dim=1, keepdim=True), dim=1)
    centred = functional.normalize(chroma - chroma.mean(dim=-1, keepdim=True), dim=-1, eps=_TINY)
    return centred @ rotated.T


def roughness(frequency: Tensor, amplitude: Tensor) -> Tensor:
    """Sensory dissonance of partials that sound together, the sum over all pairs (Sethares 1993).

    Parameters
    ----------
    frequency, amplitude : (…, partials)
        Hz above 0, and amplitudes ≥ 0.

    Returns
    -------
    (…,)
        ≥ 0; differentiable.
    """
    count = frequency.shape[-1]
    one, other = torch.triu_indices(count, count, offset=1, device=frequency.device)
    lower = torch.minimum(frequency[..., one], frequency[..., other])
    apart = (frequency[..., one] - frequency[..., other]).abs()
    weaker = torch.minimum(amplitude[..., one], amplitude[..., other])
    scaled = 0.24 / (0.0207 * lower + 18.96) * apart
    return (weaker * 5.0 * (torch.exp(-3.51 * scaled) - torch.exp(-5.75 * scaled))).sum(dim=-1)


def harmonic_places(centres: Sequence[float], ratios: Sequence[float] = HARMONICS) -> tuple[Tensor, Tensor, Tensor]:
    """Where on a mel axis multiples of each band's centre lie: the band below, the share of the next one, and whether.

    Parameters
    ----------
    centres
        Band centres in Hz, ascending, at least two.
    ratios
        Multiples, above 0.

    Returns
    -------
    band : (ratios, n_mels) int64
        Below the last one.
    share : (ratios, n_mels)
        0 to 1.
    inside : (ratios, n_mels)
        1 where the multiple lies between the first and the last centre, else 0.
    """
    hz = torch.tensor(centres, dtype=torch.float64)
    assert all(low < high for low, high in pairwise(centres))
    wanted = torch.tensor(ratios, dtype=torch.float64).unsqueeze(1) * hz
    band = (torch.searchsorted(hz, wanted, right=True) - 1).clamp(0, len(hz) - 2)
    share = (wanted - hz[band]) / (hz[band + 1] - hz[band])
    # A band's own place must not fall outside by rounding.
    inside = (wanted >= hz[0] * (1.0 - 1e-9)) & (wanted <= hz[-1] * (1.0 + 1e-9))
    return band, share.clamp(0.0, 1.0).float(), inside.float()


def stack_harmonics(mel: Tensor, places: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Look up, for every mel band, the bands of its harmonics: (…, n_mels, frames) to (…, ratios, n_mels, frames).

    Harmonic stacking (Bittner et al. 2017) on the mel axis, linearly interpolated; zeros beyond its ends.

    Parameters
    ----------
    mel
        Any values; zero should stand for what is usual.
    places
        As `harmonic_places` gives them, on the device of `mel`.
    """
    band, share, inside = places
    ratios, n_mels = band.shape
    flat, shape = band.flatten(), (*mel.shape[:-2], ratios, n_mels, mel.shape[-1])
    low, high = (mel.index_select(-2, row).reshape(shape) for row in (flat, flat + 1))
    return torch.lerp(low, high, share.to(mel.dtype).unsqueeze(-1)) * inside.to(mel.dtype).unsqueeze(-1)


def cosine(one: Tensor, other: Tensor, dim: int = -2) -> Tensor:
    """Cosine of the angle between chromas or Tonnetz vectors along `dim`; one where both are silent, zero where one is.

    Parameters
    ----------
    one, other
        Of the same shape.

    Returns
    -------
    Tensor
        In [−1, 1], without `dim`; gradients are finite everywhere.
    """
    squares, others = (each.square().sum(dim=dim) for each in (one, other))
    product = (one * other).sum(dim=dim) / ((squares + _TINY).sqrt() * (others + _TINY).sqrt())
    return torch.where((squares < _TINY) & (others < _TINY), torch.ones_like(product), product)
