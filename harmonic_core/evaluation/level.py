"""How much softer than the music a model's reconstructions are, so that what is heard of them can make up for it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.evaluation.validation import posterior_of
from harmonic_core.hearing.loudness import a_weighting_db
from harmonic_core.hearing.scales import mel_band_centres
from harmonic_core.model.vae import VAE
from harmonic_core.profile.sections import Audio

_MOST_DB = 6.0
_TINY = 1e-10


@torch.no_grad()
def level_offset(model: VAE, features: LogMel, audio: Audio, mels: Sequence[Tensor]) -> float:
    """What to add to a model's mels, in normalised dB, for them to be as loud as the music.

    A small absolute error in dB is reached by answering with medians, and the power of music lies above the median of
    its levels. What is added is the mean over segments that were trained on, A-weighted, at most 6 dB up or down.

    Parameters
    ----------
    model
        Encodes and decodes, on the device of the mels.
    features, audio
        What makes the mels.
    mels : (segments, n_mels, frames) each
        Normalised log-mels; 0 is given where there are none.
    """
    centres = mel_band_centres(audio.n_mels, audio.f_min, audio.f_max or audio.sample_rate / 2)
    weight = torch.pow(10.0, a_weighting_db(centres) / 10.0).to(features.window)
    missing = []
    for mel in mels:
        decoded = model.decode(posterior_of(model, mel).mu).float()
        powers = [(features.mel_power(each).transpose(1, 2) @ weight).mean(dim=1) for each in (mel, decoded)]
        # Of silence there is nothing to make up for.
        heard = powers[0] > _TINY
        missing.append(10.0 * (powers[0][heard] / powers[1][heard].clamp_min(_TINY)).log10())
    if not missing or not len(torch.cat(missing)):
        return 0.0
    offset_db = torch.cat(missing).mean().clamp(-_MOST_DB, _MOST_DB).item()
    return float(offset_db) / features.dynamic_range_db
