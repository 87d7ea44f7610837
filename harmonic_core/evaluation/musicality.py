"""Whether sounds are like music, whatever music: how clear their key is, how regular their beat."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harmonic_core.audio.features import LogMel, slice_size
from harmonic_core.hearing.harmony import KEYS, chroma, key_correlation
from harmonic_core.run.evaluations import Musicality

FASTEST_BEAT_S, SLOWEST_BEAT_S = 0.25, 1.5
"""Range of one beat: 240 to 40 a minute."""

_CLEAR = 0.6
"""Correlation from which a track's key is called known."""
_UNEVEN = 0.2
"""Deviation of the pitch classes, as a share of their mean, from which on their correlation counts in full. Those of
noise are nearly alike and correlate with some key all the same, by chance."""
_SILENCE = 1e-4
"""Largest amplitude of a frame that is silent: −80 dB of a full-scale sine."""
_FAINTEST_DB = 0.1
"""Deviation of the onset strength below which nothing begins: a steady tone has as much by where its frames lie."""


def musicality(sounds: Tensor, features: LogMel, chroma_bank: Tensor, sample_rate: int) -> Musicality:
    """Mean clarity of the key and mean regularity of the onsets of sounds; silence counts as 0.

    Parameters
    ----------
    sounds : (n, samples)
        Float in [−1, 1]; at least one.
    features
        The analysis of a profile, on the device of the sounds.
    chroma_bank : (12, bins)
        As `chroma_filterbank` makes it of the frequencies of that analysis.
    sample_rate
        In Hz.
    """
    # A constant is no sound, and would be taken for a low one.
    sounds = sounds - sounds.mean(dim=1, keepdim=True)
    clarities, regularities = [], []
    for part in torch.split(sounds, slice_size(sounds)):
        power = features.power(part)
        clarities.append(_fitting(mean_chroma(power, chroma_bank)).amax(dim=1))
        level_db = features.from_power(power) * features.dynamic_range_db
        # Frames at the ends see where the sound was cut, which is no onset.
        edge = math.ceil(features.n_fft / 2 / features.hop_length)
        regularities.append(onset_regularity(level_db[..., edge:-edge], sample_rate / features.hop_length))
    return Musicality(
        key_clarity=torch.cat(clarities).mean().item(), onset_regularity=torch.cat(regularities).mean().item()
    )


def mean_chroma(power: Tensor, chroma_bank: Tensor) -> Tensor:
    """Mean chroma of the frames that are not silent.

    Parameters
    ----------
    power : (n, frames, bins)
        As `LogMel.power` gives it.
    chroma_bank : (12, bins)
        As `chroma_filterbank` makes it.

    Returns
    -------
    (n, 12)
        In [0, 1], beginning with C; zeros for silence.
    """
    # Of noise, which has all frequencies alike, all classes are to be alike.
    bank = chroma_bank / chroma_bank.sum(dim=1, keepdim=True)
    magnitude = power.sqrt().transpose(1, 2)
    heard = (magnitude.amax(dim=1, keepdim=True) > _SILENCE).float()
    total: Tensor = (chroma(magnitude, bank) * heard).sum(dim=2)
    return total / heard.sum(dim=2).clamp_min(1.0)


def estimate_keys(mean_chromas: Tensor, tracks: NDArray[np.str_]) -> NDArray[np.str_]:
    """Key of every segment's track, the one whose profile fits the track's pitch classes best.

    Parameters
    ----------
    mean_chromas : (segments, 12)
        As `mean_chroma` gives them.
    tracks : (segments,)
        Track of each segment.

    Returns
    -------
    (segments,)
        One of `KEYS`, the same for all segments of a track; empty where none is clear.
    """
    if not len(tracks):
        return np.array([], dtype=np.str_)
    names, track = np.unique(tracks, return_inverse=True)
    together = torch.zeros((len(names), mean_chromas.shape[1]), dtype=mean_chromas.dtype, device=mean_chromas.device)
    together.index_add_(0, torch.from_numpy(track).to(mean_chromas.device), mean_chromas)
    fitting = _fitting(together).cpu().numpy()
    keys = np.where(fitting.max(axis=1) >= _CLEAR, np.array(KEYS)[fitting.argmax(axis=1)], "")
    return keys[track]


def onset_regularity(level_db: Tensor, frames_per_s: float) -> Tensor:
    """How alike the onsets of each sound are to themselves one beat later.

    The highest autocorrelation of the onset strength, which is the half-wave rectified change of the log-mel spectrum,
    at lags of one beat; a beat that does not come twice is none.

    Parameters
    ----------
    level_db : (n, n_mels, frames)
        Log-mel spectrogram in dB.
    frames_per_s
        Of the spectrogram.

    Returns
    -------
    (n,)
        0 to 1; 0 where nothing begins.
    """
    strength = (level_db[..., 1:] - level_db[..., :-1]).clamp_min(0.0).mean(dim=1)
    frames = strength.shape[1]
    fastest = math.ceil(FASTEST_BEAT_S * frames_per_s)
    slowest = min(math.floor(SLOWEST_BEAT_S * frames_per_s), frames // 2)
    if slowest < max(1, fastest):
        return torch.zeros(len(strength), device=strength.device)
    centred = strength - strength.mean(dim=1, keepdim=True)
    variance = centred.square().mean(dim=1)
    lags = range(max(1, fastest), slowest + 1)
    likeness = torch.stack([(centred[:, lag:] * centred[:, : frames - lag]).mean(dim=1) for lag in lags])
    something = variance > _FAINTEST_DB**2
    return torch.where(something, likeness.amax(dim=0) / variance.clamp_min(_FAINTEST_DB**2), 0.0).clamp(0.0, 1.0)


def _fitting(mean_chromas: Tensor) -> Tensor:
    """How well each of `KEYS` fits, (n, 24): the correlation, less where the pitch classes are nearly alike."""
    deviation, mean = mean_chromas.std(dim=1, correction=0, keepdim=True), mean_chromas.mean(dim=1, keepdim=True)
    return key_correlation(mean_chromas) * (deviation / (_UNEVEN * mean).clamp_min(1e-9)).clamp_max(1.0)
