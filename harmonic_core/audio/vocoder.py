"""From mel spectrograms back to sound: non-negative inversion of the filters, then a phase that fits.

Shapes: spectra are (batch, frames, bins), bins last: on a CPU half the time of `torch.stft`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from harmonic_core.audio.features import LogMel, slice_size

Refine = Callable[[Tensor, Tensor], Tensor]
"""Betters an inverted power spectrum: (batch, frames, n_mels) band powers and (batch, frames, bins) to the latter."""

_INVERSION_STEPS = 20
AGREEING_STEPS = 5
"""Updates that bring a bettered spectrum into agreement with its mels again."""
FIRST_STEPS = _INVERSION_STEPS - AGREEING_STEPS
"""Updates before it is bettered."""
_MOMENTUM = 0.99
_BANDS, _BINS = 16, 64
"""Bands, and bins, that are computed at once."""
_Blocks = list[tuple[slice, Tensor]]


def invert_mel(
    mel_power: Tensor, filterbank: Tensor, steps: int = _INVERSION_STEPS, start: Tensor | None = None
) -> Tensor:
    """Power spectrum whose mel-band powers are those given.

    Multiplicative updates for the generalised Kullback-Leibler divergence (Lee & Seung 2001) with the filters as
    fixed dictionary; the result is non-negative by construction.

    Parameters
    ----------
    mel_power : (batch, frames, n_mels)
        Non-negative band powers.
    filterbank : (n_mels, bins)
        Non-negative filters.
    steps
        Number of updates.
    start : (batch, frames, bins)
        Power to begin with. Default: the mels spread over their filters.

    Returns
    -------
    (batch, frames, bins)
        Non-negative power of each frequency bin; zero where no filter reaches.
    """
    tiny = torch.finfo(mel_power.dtype).tiny
    reach = filterbank.sum(dim=0).clamp_min(1e-8)
    into_bands, into_bins = _blocks(filterbank, _BANDS), _blocks((filterbank / reach).T, _BINS)
    if start is None:
        start = mel_power @ (filterbank / filterbank.sum(dim=1, keepdim=True).clamp_min(1e-8))
    power = start
    for _ in range(steps):
        ratio = mel_power / _multiply(power, into_bands).clamp_min(tiny)
        power = power * _multiply(ratio, into_bins)
    return power


def _blocks(matrix: Tensor, size: int) -> _Blocks:
    """Rows of a matrix, so many at a time and transposed, with the columns in which they are not all zero.

    A filter reaches few bins and a bin few filters: on a CPU products with what is left take a quarter of the time.
    """
    if matrix.device.type != "cpu":
        # Elsewhere one large product is quick, and looking for zeros would wait for the device.
        return [(slice(None), matrix.T)]
    blocks = []
    for rows in torch.split(matrix, size):
        used = rows.any(dim=0).nonzero()
        columns = slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 1)
        blocks.append((columns, rows[:, columns].T.contiguous()))
    return blocks


def _multiply(x: Tensor, blocks: _Blocks) -> Tensor:
    """`x` times the transpose of the matrix that `blocks` was made of: (…, columns) to (…, rows)."""
    return torch.cat([x[..., columns] @ weights for columns, weights in blocks], dim=-1)


def phase_of_peaks(magnitude: Tensor, hop_length: int, n_fft: int, start: Tensor) -> Tensor:
    """Phase that lets every peak of a spectrum go on at its own frequency, and its neighbours with it.

    After single-pass spectrogram inversion (Beauregard, Harish & Wyse 2015), for all frames at once: the frequency of a
    peak is that of a parabola through its logarithm, bins take the nearest peak's, alternate in sign as a window's main
    lobe does, and phases add up over time.

    Parameters
    ----------
    magnitude : (batch, frames, bins)
        Non-negative.
    hop_length, n_fft
        Of the analysis.
    start : (bins,)
        Phase of each peak at the beginning, in cycles.

    Returns
    -------
    (batch, frames, bins)
        Radians.
    """
    bins = magnitude.shape[-1]
    level = magnitude.clamp_min(1e-9).log()
    below, here, above = level[..., :-2], level[..., 1:-1], level[..., 2:]
    is_peak = (here >= below) & (here > above)
    aside = (0.5 * (below - above) / (below - 2.0 * here + above).clamp_max(-1e-9)).clamp(-0.5, 0.5)
    number = torch.arange(bins, device=magnitude.device)
    inner = number[1:-1]
    left = functional.pad(torch.where(is_peak, inner, 0), (1, 1)).cummax(dim=-1).values
    right = functional.pad(torch.where(is_peak, inner, bins - 1), (1, 1), value=bins - 1)
    right = right.flip(-1).cummin(dim=-1).values.flip(-1)
    peak = torch.where(number - left <= right - number, left, right)
    frequency = (number + functional.pad(aside * is_peak, (1, 1))).gather(-1, peak)
    # In cycles and without whole ones, which over many frames would take the digits.
    cycles = torch.remainder(frequency * (hop_length / n_fft), 1.0).cumsum(dim=1)
    sign = 0.5 * ((number - peak) % 2)
    return 2.0 * torch.pi * torch.remainder(cycles + start[peak] + sign, 1.0)


def griffin_lim(
    magnitude: Tensor,
    features: LogMel,
    samples: int,
    steps: int,
    generator: torch.Generator,
    before: Tensor | None = None,
) -> Tensor:
    """Sound whose STFT magnitude is near the given one.

    Fast Griffin-Lim (Perraudin, Balazs & Søndergaard 2013), momentum 0.99, from the phase of the peaks.

    Parameters
    ----------
    magnitude : (batch, frames, n_fft // 2 + 1)
        Relative to a full-scale sine: the root of `LogMel.power`.
    features
        The analysis to invert.
    samples
        Length of the result; as many frames as `LogMel` makes of it.
    steps
        Iterations.
    generator
        Source of what the first phase leaves open, on the CPU so that every device starts from the same.
    before : (1, count)
        Sound that goes on in this one, in phase: of a batch of one the first samples are these, and it has left them
        after `count`, which are at least two windows. Default: it begins by itself.

    Returns
    -------
    (batch, samples)
        Float, near the level that the magnitude says.

    Raises
    ------
    ValueError
        If the frames are not those of so many samples.
    """
    frames = 1 + samples // features.hop_length
    if magnitude.shape[1] != frames:
        raise ValueError(f"{magnitude.shape[1]} frames for {samples} samples, which have {frames}")
    start = torch.rand(magnitude.shape[-1], generator=generator).to(magnitude)
    weight = _overlap_add(features.window.square().expand(1, frames, -1), features, samples).clamp_min(1e-8)
    sounds = [
        _griffin_lim(part * (features.window.sum() / 2.0), features, samples, steps, start, weight, before)
        for part in torch.split(magnitude, slice_size(magnitude))
    ]
    return torch.cat(sounds) if sounds else magnitude.new_zeros((0, samples))


def _griffin_lim(
    magnitude: Tensor,
    features: LogMel,
    samples: int,
    steps: int,
    start: Tensor,
    weight: Tensor,
    before: Tensor | None,
) -> Tensor:
    window, half = features.window, features.n_fft // 2
    if before is not None:
        start, fall = _phase_going_on(magnitude, before, features), _fall(before)

    def synthesise(spectrum: Tensor) -> Tensor:
        sound = _overlap_add(torch.fft.irfft(spectrum, features.n_fft) * window, features, samples) / weight
        if before is not None:
            sound[:, : len(fall)].lerp_(before, fall)
        return sound

    spectrum = torch.polar(magnitude, phase_of_peaks(magnitude, features.hop_length, features.n_fft, start))
    previous = None
    for _ in range(steps):
        padded = functional.pad(synthesise(spectrum), (half, half))
        rebuilt = torch.fft.rfft(padded.unfold(-1, features.n_fft, features.hop_length) * window)
        ahead = rebuilt
        if previous is not None:
            ahead = torch.sub(rebuilt, previous, alpha=_MOMENTUM / (1.0 + _MOMENTUM))
        spectrum = ahead * (magnitude / ahead.abs().clamp_min(1e-16))
        previous = rebuilt
    return synthesise(spectrum)


def _phase_going_on(magnitude: Tensor, before: Tensor, features: LogMel) -> Tensor:
    """Phase in cycles, (bins,), with which peaks must start to be in phase with `before` in its middle."""
    hop, half = features.hop_length, features.n_fft // 2
    frame = before.shape[1] // 2 // hop
    heard = torch.fft.rfft(before[0, frame * hop - half :][: features.n_fft] * features.window)
    ahead = magnitude[:, : frame + 1]
    unset = phase_of_peaks(ahead, hop, features.n_fft, ahead.new_zeros(ahead.shape[-1]))[0, frame]
    cycles: Tensor = (heard.angle() - unset) / (2.0 * torch.pi)
    return cycles


def _fall(before: Tensor) -> Tensor:
    """Share of (…, count) known samples that a sound keeps: one for the first half, then falling: (count,)."""
    count = before.shape[-1]
    place = torch.linspace(-1.0, 1.0, count, device=before.device).clamp_min(0.0)
    return 0.5 + 0.5 * torch.cos(torch.pi * place)


def _overlap_add(frames: Tensor, features: LogMel, samples: int) -> Tensor:
    """Sum of frames, (batch, frames, n_fft), a hop apart: (batch, samples) from the middle of the first one."""
    hop, half = features.hop_length, features.n_fft // 2
    batch, count, length = frames.shape
    steps = -(-length // hop)
    parts = functional.pad(frames, (0, steps * hop - length)).reshape(batch, count, steps, hop)
    total = frames.new_zeros((batch, max(count + steps - 1, -(-(half + samples) // hop)), hop))
    for step in range(steps):
        total[:, step : step + count] += parts[:, :, step]
    return total.flatten(1)[:, half : half + samples]


def limit(sound: Tensor, radius: int) -> Tensor:
    """Keep sound within full scale by turning it down around its peaks, smoothly, and nowhere else.

    Another phase than the original's adds up to other peaks; turning all of it down would change how loud it is.

    Parameters
    ----------
    sound : (batch, samples)
    radius
        Samples before and after a peak over which the gain falls and rises.

    Returns
    -------
    (batch, samples)
        In [−1, 1].
    """
    over = sound.abs()
    if not sound.numel() or over.max() <= 1.0:
        return sound
    width = 2 * radius + 1
    # The mean over a window of what is least in a window is never above what is needed in the middle.
    needed = functional.max_pool1d(over.clamp_min(1.0), width, stride=1, padding=radius).reciprocal()
    gain = functional.avg_pool1d(needed, width, stride=1, padding=radius, count_include_pad=False)
    return (sound * gain).clamp(-1.0, 1.0)


def soften_edges(sound: Tensor, length: int) -> Tensor:
    """Let sound begin and end at zero, so that one segment can follow another without a click.

    Parameters
    ----------
    sound : (batch, samples)
    length
        Samples over which it rises and falls, along half a cosine; half of all at most.

    Returns
    -------
    (batch, samples)
    """
    length = min(length, sound.shape[1] // 2)
    rise = 0.5 - 0.5 * torch.cos(torch.pi * torch.arange(length, device=sound.device) / max(1, length))
    middle = rise.new_ones(sound.shape[1] - 2 * length)
    return sound * torch.cat((rise, middle, rise.flip(0)))


@torch.no_grad()
def mel_to_magnitude(mel: Tensor, features: LogMel, refine: Refine | None = None) -> Tensor:
    """STFT magnitude, (batch, frames, bins), of normalised log-mels, (batch, n_mels, frames); see `mel_to_sound`."""
    mel_power = features.mel_power(mel.float()).transpose(1, 2)
    if refine is None:
        return invert_mel(mel_power, features.filterbank).sqrt()
    power = refine(mel_power, invert_mel(mel_power, features.filterbank, FIRST_STEPS))
    return invert_mel(mel_power, features.filterbank, AGREEING_STEPS, power).sqrt()


@torch.no_grad()
def mel_to_sound(
    mel: Tensor, features: LogMel, samples: int, steps: int, seed: int = 0, refine: Refine | None = None
) -> Tensor:
    """Sound of normalised log-mel spectrograms.

    Parameters
    ----------
    mel : (batch, n_mels, frames)
        Normalised; values outside [0, 1] are clamped.
    features
        The analysis that made such mels.
    samples
        Length of the result.
    steps
        Griffin-Lim iterations.
    seed
        Decides what the first phase leaves open; the same seed gives the same sound.
    refine
        Betters the inverted spectrum, which is then brought into agreement with the mels again.

    Returns
    -------
    (batch, samples)
        Float, within full scale.

    Raises
    ------
    ValueError
        If the frames are not those of so many samples.
    """
    generator = torch.Generator().manual_seed(seed)
    magnitude = mel_to_magnitude(mel, features, refine)
    sound = limit(griffin_lim(magnitude, features, samples, steps, generator), features.hop_length // 4)
    return soften_edges(sound, features.n_fft // 64)
