"""Terms of the loss that know of ears and of music; each has a weight in the profile, and costs nothing without one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from harmonic_core.audio.features import LogMel
from harmonic_core.hearing.audibility import Audibility
from harmonic_core.hearing.harmony import chroma_filterbank, cosine, tonnetz
from harmonic_core.hearing.scales import mel_band_centres
from harmonic_core.profile.sections import Audio, Loss

_LOWEST_CHROMA_HZ = 220.0
"""Below it two notes fall into one mel band."""
_POOLED = (2, 4, 8)
_TINY = 1e-10


def terms_in_use(loss: Loss) -> dict[str, float]:
    """Weights of the terms that have one, by name, in the order in which `Listening` gives them."""
    weights = {
        "perceptual": loss.perceptual_weight,
        "multi_scale": loss.multi_scale_weight,
        "harmony": loss.harmony_weight,
    }
    return {name: weight for name, weight in weights.items() if weight}


class Listening(nn.Module):
    """Compares mels as ears and musicians would, on whatever device it is moved to.

    Parameters
    ----------
    audio, loss
        Of the profile. Only terms with a weight are computed.
    features
        The analysis that makes such mels.
    """

    fold: Tensor

    def __init__(self, audio: Audio, loss: Loss, features: LogMel) -> None:
        super().__init__()
        self.weights = terms_in_use(loss)
        self._features = features
        centres = mel_band_centres(audio.n_mels, audio.f_min, audio.f_max or audio.sample_rate / 2)
        if "perceptual" in self.weights:
            self.audibility = Audibility(centres)
        if "harmony" in self.weights:
            bank = chroma_filterbank(centres) * (centres >= _LOWEST_CHROMA_HZ)
            self.register_buffer("fold", bank, persistent=False)

    def forward(self, mel: Tensor, reconstruction: Tensor) -> Tensor:
        """Terms in use, unweighted.

        Parameters
        ----------
        mel, reconstruction : (batch, n_mels, frames)
            Normalised log-mels; the first is the original.

        Returns
        -------
        (terms,)
            `perceptual`: mean absolute error weighted by audibility, in normalised dB. `multi_scale`: mean absolute
            error of mels averaged over 2 × 2, 4 × 4 and 8 × 8 bands and frames. `harmony`: 2 minus the cosines of
            chroma and Tonnetz, 0 to 4. Differentiable in the reconstruction.
        """
        found = [getattr(self, f"_{name}")(mel, reconstruction) for name in self.weights]
        return torch.stack(found) if found else mel.new_zeros(0)

    def _perceptual(self, mel: Tensor, reconstruction: Tensor) -> Tensor:
        weight: Tensor = self.audibility(self._features.mel_power(mel))
        return (weight * (reconstruction - mel).abs()).mean()

    def _multi_scale(self, mel: Tensor, reconstruction: Tensor) -> Tensor:
        error = (reconstruction - mel).unsqueeze(1)
        coarse = [functional.avg_pool2d(error, size, ceil_mode=True, count_include_pad=False) for size in _POOLED]
        return torch.stack([each.abs().mean() for each in coarse]).mean()

    def _harmony(self, mel: Tensor, reconstruction: Tensor) -> Tensor:
        folded = [self.fold @ (self._features.mel_power(each) + _TINY).sqrt() for each in (mel, reconstruction)]
        centroids = [tonnetz(each) for each in folded]
        agreed = cosine(folded[0], folded[1]).mean() + cosine(centroids[0], centroids[1]).mean()
        return 2.0 - agreed
