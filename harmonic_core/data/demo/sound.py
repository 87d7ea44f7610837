"""The physics that the instruments share: envelopes, filters, noise, strings, waveforms and vibrating bars.

Signals are float64 arrays of shape (samples,). Frequencies are in Hz and times in seconds, so that a sound is the same
at every sample rate but for what lies above half of it. Filters are applied as analogue responses in the frequency
domain: they cannot become unstable, whatever the sample rate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmonic_core.data.demo.score import Signal

Spectrum = NDArray[np.complexfloating[Any, Any]]
Response = Callable[[NDArray[np.float64]], Spectrum]
"""Complex gain at each frequency in Hz."""

_TABLE_SIZE = 4096
_ALIAS = 1e3


def seconds_axis(seconds: float, sample_rate: int) -> Signal:
    """Times of the samples in `seconds`, (samples,), at least one."""
    return np.arange(max(round(seconds * sample_rate), 1)) / sample_rate


def envelope(samples: int, sample_rate: int, attack: float, release: float) -> Signal:
    """Gain that rises and falls as a raised cosine over `attack` and `release` seconds, 1 between them, (samples,)."""
    gain = np.ones(samples)
    rise, fall = (min(max(round(edge * sample_rate), 1), samples) for edge in (attack, release))
    gain[:rise] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)
    gain[samples - fall :] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(1, fall + 1) / fall)
    return gain


def decay(t: Signal, sixty_db: float) -> Signal:
    """Gain that falls by 60 dB in `sixty_db` seconds."""
    return np.exp(-6.9078 * t / sixty_db)


def shape(signal: Signal, sample_rate: int, response: Response) -> Signal:
    """Pass a signal, (samples,), through a filter; the filter's own ringing beyond its end is cut off."""
    size = _fast_size(signal.size + sample_rate // 4)
    spectrum = np.fft.rfft(signal, size) * response(_bins(size, sample_rate))
    return np.fft.irfft(spectrum, size)[: signal.size]


def convolve(signal: Signal, impulse_response: Signal) -> Signal:
    """Linear convolution, cut to the length of `signal`."""
    size = _fast_size(signal.size + impulse_response.size)
    return np.fft.irfft(np.fft.rfft(signal, size) * np.fft.rfft(impulse_response, size), size)[: signal.size]


def band(low: float = 0.0, high: float = np.inf, order: int = 1) -> Response:
    """Keep what lies between two corner frequencies; slopes of 6 dB an octave and order."""

    def response(f: NDArray[np.float64]) -> Spectrum:
        gain: Spectrum = 1 / (1 + 1j * f / high) ** order
        return gain * (1j * f / low / (1 + 1j * f / low)) ** order if low else gain

    return response


def body(resonances: Sequence[tuple[float, float, float]]) -> Response:
    """Add resonances, (centre in Hz, quality, gain), to what passes unchanged."""

    def response(f: NDArray[np.float64]) -> Spectrum:
        f = np.maximum(f, 1.0)
        peaks = (gain / (1 + 1j * quality * (f / centre - centre / f)) for centre, quality, gain in resonances)
        return np.asarray(1.0 + sum(peaks))

    return response


def noise(samples: int, sample_rate: int, rng: np.random.Generator, response: Response) -> Signal:
    """Coloured noise of root mean square 1, (samples,)."""
    size = _fast_size(samples)
    spectrum = np.fft.rfft(rng.standard_normal(size)) * response(_bins(size, sample_rate))
    coloured: Signal = np.fft.irfft(spectrum, size)[:samples]
    return coloured / float(np.sqrt(np.mean(coloured**2)) + 1e-12)


def string(
    frequency: float,
    seconds: float,
    sample_rate: int,
    rng: np.random.Generator,
    *,
    ring: float,
    damping: float,
    brightness: float,
    position: float,
    roughness: float = 0.5,
    stiffness: float = 1e-4,
) -> Signal:
    """Pluck a string: a delay loop fed with a short burst, as Karplus and Strong found, solved in the frequency domain.

    The loop's response 1 / (1 − g·e^(−jωP)) is taken a little outside the unit circle, so that sound beyond the end
    folds back 60 dB lower still. Thus the delay P need not be a whole number of samples, and the loss g and the
    stretching of upper partials by stiffness may be any function of frequency.

    Parameters
    ----------
    frequency
        Fundamental in Hz.
    seconds
        Length of the result.
    ring
        Time in which the lowest partials fall by 60 dB.
    damping
        How much faster a partial at 1 kHz dies, in 60 dB a second; it grows with the square of frequency.
    brightness
        Corner in Hz above which the pluck itself is dull.
    position
        Where the string is plucked, as a share of its length; partials with a node there are missing.
    roughness
        Share of noise in the burst.
    stiffness
        Inharmonicity B: partial k lies at k·f·√(1 + B·k²), after Fletcher (1964).

    References
    ----------
    Karplus and Strong, Digital synthesis of plucked-string and drum timbres, Computer Music Journal 7(2), 1983.
    Jaffe and Smith, Extensions of the Karplus-Strong plucked-string algorithm, Computer Music Journal 7(2), 1983.
    """
    samples = max(round(seconds * sample_rate), 1)
    lead = round(0.002 * sample_rate)
    size = _fast_size(samples + lead)
    outside = np.log(_ALIAS) / size
    f = _bins(size, sample_rate)
    partial = f / frequency
    s = outside * sample_rate + 2j * np.pi * f / np.sqrt(1 + stiffness * partial**2)
    lost_per_loop = 6.9078 * (1 / ring + damping * (f / 1000) ** 2) / frequency
    loop = np.exp(-s / frequency - lost_per_loop)

    period = max(int(sample_rate / frequency), 2)
    burst = np.zeros(lead + period)
    burst[lead:] = rng.uniform(-1.0, 1.0, period) * roughness / np.sqrt(period)
    burst[lead] += 1.0
    excitation = np.fft.rfft(burst * np.exp(-outside * np.arange(burst.size)), size) * _fades_out(f, sample_rate)
    excitation *= 1 - np.exp(-s * position / frequency)
    excitation *= band(frequency / 3, brightness, order=2)(f)
    sound: Signal = np.fft.irfft(excitation / (1 - loop), size)[:samples] * np.exp(outside * np.arange(samples))
    return sound / float(np.abs(sound).max() + 1e-12)


def waveform(phase: Signal, amplitudes: NDArray[np.float64], frequency: float, sample_rate: int) -> Signal:
    """Read a single cycle of harmonics, without those that the sample rate cannot carry.

    Parameters
    ----------
    phase
        Cycles since the start, (samples,).
    amplitudes
        Amplitude of each harmonic from the first, as sines, (harmonics,).
    frequency
        Highest fundamental that `phase` reaches, in Hz.

    Returns
    -------
    Signal
        (samples,)
    """
    kept = min(amplitudes.size, int(0.46 * sample_rate / frequency), _TABLE_SIZE // 4)
    spectrum = np.zeros(_TABLE_SIZE // 2 + 1, dtype=np.complex128)
    spectrum[1 : kept + 1] = -0.5j * _TABLE_SIZE * amplitudes[:kept]
    table = np.fft.irfft(spectrum)
    table = np.append(table, table[0])
    place = (phase % 1.0) * _TABLE_SIZE
    index = place.astype(np.int64)
    return table[index] + (place - index) * (table[index + 1] - table[index])


def modes(
    t: Signal, frequency: float, sample_rate: int, partials: Sequence[tuple[float, float, float]], beating: float = 0.0
) -> Signal:
    """Let modes die away, as those of a struck bar or bell.

    Parameters
    ----------
    t
        Times, (samples,).
    frequency
        Of the lowest mode, in Hz.
    partials
        Ratio to `frequency`, amplitude, and time in which it falls by 60 dB, of each mode.
    beating
        How often a second every mode swells, as it does beside a twin that is not quite in tune; no body is perfectly
        round.
    """
    sound = np.zeros_like(t)
    for ratio, amplitude, sixty_db in partials:
        if ratio * frequency < 0.46 * sample_rate:
            heard = t[: round(1.2 * sixty_db * sample_rate)]
            sound[: heard.size] += amplitude * decay(heard, sixty_db) * np.sin(2 * np.pi * ratio * frequency * heard)
    if beating:
        sound *= 0.75 + 0.25 * np.cos(2 * np.pi * beating * t)
    return sound


def _bins(size: int, sample_rate: int) -> NDArray[np.float64]:
    """Frequencies in Hz of the real FFT of that size, (size // 2 + 1,)."""
    return np.linspace(0.0, sample_rate / 2, size // 2 + 1)


def _fades_out(f: NDArray[np.float64], sample_rate: int) -> NDArray[np.float64]:
    """Gain that falls to 0 at half the sample rate: a sharp edge there would ring before the sound begins."""
    edge = np.clip(2 - 4 * f / sample_rate, 0.0, 0.5)
    return np.sin(np.pi * edge) ** 2


def _fast_size(samples: int) -> int:
    """Even length of at least `samples` that an FFT is quick at."""
    power = 1 << (samples - 1).bit_length()
    return min(
        size for size in (power, power // 4 * 3, power // 16 * 15, power // 8 * 5) if size >= samples and size % 2 == 0
    )
