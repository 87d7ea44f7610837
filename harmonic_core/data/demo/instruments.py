"""Instruments with a pitch. Each plays one note: see `score.Instrument` for what its arguments mean."""

from __future__ import annotations

import numpy as np

from harmonic_core.data.demo.score import Signal
from harmonic_core.data.demo.sound import band, decay, envelope, modes, noise, seconds_axis, shape, string, waveform

GUITAR_BODY = ((102.0, 6.0, 1.1), (205.0, 9.0, 1.0), (420.0, 5.0, 0.5), (2600.0, 2.0, 0.4))
MANDOLIN_BODY = ((210.0, 6.0, 0.8), (480.0, 6.0, 0.8), (3400.0, 2.0, 0.7))
BASS_BODY = ((62.0, 5.0, 0.8), (110.0, 6.0, 0.8), (240.0, 5.0, 0.4))

_HARMONIC = np.arange(1, 1025, dtype=np.float64)
_DRAWBARS = {1: 0.3, 2: 1.0, 3: 0.1, 4: 0.8, 6: 0.45, 8: 0.6, 10: 0.1, 12: 0.32, 16: 0.4, 24: 0.14, 32: 0.12}
"""Amplitudes of the organ's stops over half the fundamental: 1 is the 16-foot stop, 2 the 8-foot."""
_BAR = ((1.0, 1.0, 4.2), (2.0, 0.22, 2.6), (2.756, 0.3, 2.0), (4.07, 0.1, 1.1), (5.404, 0.16, 0.8), (8.933, 0.08, 0.35))
"""Modes of a free bar (1 : 2.756 : 5.404 : 8.933) with two of a tuned bell between them."""


def guitar(frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator) -> Signal:
    """Steel-string guitar, picked with the fingers."""
    return velocity * _plucked(
        frequency, seconds, sample_rate, rng, ring=5.0, damping=0.35, brightness=700 + 3200 * velocity, position=0.19
    )


def mandolin(frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator) -> Signal:
    """Pair of bright strings that are not quite in tune with each other."""
    first, second = (
        _plucked(
            frequency * detuned,
            seconds,
            sample_rate,
            rng,
            ring=2.6,
            damping=0.25,
            brightness=1800 + 5000 * velocity,
            position=0.12,
        )
        for detuned in (1.0, 1.0012)
    )
    return velocity * (0.6 * first + 0.4 * second)


def jazz_guitar(
    frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator
) -> Signal:
    """Hollow-body guitar with the tone turned down."""
    return velocity * _plucked(
        frequency, seconds, sample_rate, rng, ring=3.0, damping=2.2, brightness=500 + 900 * velocity, position=0.28
    )


def upright_bass(
    frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator
) -> Signal:
    """Gut strings of a double bass, plucked."""
    return velocity * _plucked(
        frequency, seconds, sample_rate, rng, ring=2.0, damping=9.0, brightness=300 + 500 * velocity, position=0.3
    )


def organ(frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator) -> Signal:
    """Additive stops in a slow chorus, with the wind in the pipes: a chiff at the start, then a breath."""
    t = seconds_axis(seconds + 0.12, sample_rate)
    amplitudes = np.zeros(max(_DRAWBARS))
    for harmonic, amplitude in _DRAWBARS.items():
        amplitudes[harmonic - 1] = amplitude * (0.6 + 0.4 * velocity) ** (harmonic / 6)
    ranks = [
        waveform(_vibrato(t, frequency / 2 * cents, 0.7, 0.0009, rng), amplitudes, frequency / 2, sample_rate)
        for cents in (1.0, 1.0018)
    ]
    wind = noise(t.size, sample_rate, rng, band(frequency * 2, np.inf)) * (0.05 * decay(t, 0.12) + 0.006)
    sound = 0.22 * ranks[0] + 0.16 * ranks[1] + wind
    return velocity * sound * envelope(t.size, sample_rate, 0.03, 0.12)


def pulse_lead(frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator) -> Signal:
    """Pulse wave whose width wanders, with a vibrato that comes late."""
    return _pulse(frequency, seconds, velocity, sample_rate, rng, width=0.3, wander=0.14, sixty_db=3.0)


def pulse_arpeggio(
    frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator
) -> Signal:
    """Thin, short pulse wave."""
    return _pulse(frequency, seconds, velocity, sample_rate, rng, width=0.14, wander=0.02, sixty_db=0.55)


def triangle_bass(
    frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator
) -> Signal:
    """Triangle wave, as home computers played their bass."""
    del rng
    t = seconds_axis(seconds + 0.01, sample_rate)
    amplitudes = np.where(_HARMONIC % 2 == 1, (-1.0) ** (_HARMONIC // 2) / _HARMONIC**2, 0.0)
    return (
        velocity
        * waveform(frequency * t, amplitudes, frequency, sample_rate)
        * envelope(t.size, sample_rate, 0.003, 0.01)
    )


def reese_bass(frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator) -> Signal:
    """Detuned saws under a low filter, over a pure low tone."""
    t = seconds_axis(seconds + 0.03, sample_rate)
    dark, bright = (1 / _HARMONIC / (1 + (_HARMONIC * frequency / corner) ** 2) for corner in (220.0, 900.0))
    phases = [frequency * cents * t + rng.random() for cents in (0.9935, 1.0065)]
    growl = [sum(waveform(phase, saw, frequency, sample_rate) for phase in phases) for saw in (dark, bright)]
    opening = 0.15 + 0.5 * velocity * decay(t, 1.2)
    sound = 0.32 * ((1 - opening) * growl[0] + opening * growl[1]) + 0.55 * np.sin(2 * np.pi * frequency * t)
    return np.asarray(velocity * sound * envelope(t.size, sample_rate, 0.006, 0.03))


def strings_pad(
    frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator
) -> Signal:
    """Three detuned saws behind a soft filter, slow to speak and slow to leave."""
    t = seconds_axis(seconds + 0.5, sample_rate)
    saw = 1 / _HARMONIC / (1 + (_HARMONIC * frequency / 1400) ** 2)
    voices = sum(
        waveform(frequency * cents * t + rng.random(), saw, frequency, sample_rate) for cents in (0.9955, 1.0, 1.0049)
    )
    return np.asarray(velocity * 0.3 * voices * envelope(t.size, sample_rate, min(0.35, seconds / 2), 0.5))


def glass_pad(frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator) -> Signal:
    """Nearly pure tones that breathe, slow to speak and slow to leave."""
    t = seconds_axis(seconds + 1.2, sample_rate)
    amplitudes = np.array([1.0, 0.25, 0.1, 0.03])
    voices = [
        waveform(_vibrato(t, frequency * cents, 0.3, 0.0006, rng), amplitudes, frequency, sample_rate)
        for cents in (0.9985, 1.0015)
    ]
    swell = 1 + 0.25 * np.sin(2 * np.pi * (0.17 * t + rng.random()))
    return velocity * 0.4 * (voices[0] + voices[1]) * swell * envelope(t.size, sample_rate, min(0.9, seconds / 2), 1.2)


def bell(frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator) -> Signal:
    """Metal bar struck with a felt mallet: inharmonic, each mode beating with its twin."""
    del seconds
    t = seconds_axis(4.5, sample_rate)
    pitch_ring = (520.0 / frequency) ** 0.4
    bright = 0.45 + 0.55 * velocity
    partials = [(ratio, a * bright ** (ratio - 1) ** 0.5, ring * pitch_ring) for ratio, a, ring in _BAR]
    sound = modes(t, frequency, sample_rate, partials, beating=0.4 + 0.5 * rng.random())
    return velocity * 0.7 * sound * envelope(t.size, sample_rate, 0.002, 0.4)


def electric_piano(
    frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator
) -> Signal:
    """Tine piano by frequency modulation: a bark that grows with the touch and a short metallic ping."""
    t = seconds_axis(seconds + 0.15, sample_rate)
    cycle = 2 * np.pi * frequency * t
    index = 2.4 * velocity**1.5 * decay(t, 1.6)
    tone = np.sin(cycle + index * np.sin(cycle + rng.uniform(-0.3, 0.3)))
    ping = modes(t, frequency, sample_rate, [(7.11, 0.14 * velocity, 0.35), (14.0, 0.05 * velocity, 0.2)])
    sound: Signal = 0.8 * tone * decay(t, 4.0) + ping
    return velocity * sound * envelope(t.size, sample_rate, 0.002, 0.15)


def _plucked(
    frequency: float,
    seconds: float,
    sample_rate: int,
    rng: np.random.Generator,
    *,
    ring: float,
    damping: float,
    brightness: float,
    position: float,
) -> Signal:
    """Pluck a string and lay a finger on it when its time is over."""
    sound = string(
        frequency,
        seconds + 0.1,
        sample_rate,
        rng,
        ring=ring,
        damping=damping,
        brightness=brightness,
        position=position + rng.uniform(-0.02, 0.02),
    )
    return sound * envelope(sound.size, sample_rate, 0.0005, 0.1)


def _pulse(
    frequency: float,
    seconds: float,
    velocity: float,
    sample_rate: int,
    rng: np.random.Generator,
    *,
    width: float,
    wander: float,
    sixty_db: float,
) -> Signal:
    """Band-limited pulse wave: the difference of two saws, the width of the pulse apart."""
    t = seconds_axis(seconds + 0.01, sample_rate)
    late = np.clip((t - 0.22) / 0.2, 0.0, 1.0)
    phase = frequency * t - 0.004 * frequency / 6 * late * np.cos(2 * np.pi * 6 * t)
    widths = width + wander * np.sin(2 * np.pi * (0.6 * t + rng.random()))
    saw = 1 / _HARMONIC
    sound = waveform(phase, saw, frequency, sample_rate) - waveform(phase + widths, saw, frequency, sample_rate)
    gain = velocity * 0.3 * (0.35 + 0.65 * decay(t, sixty_db))
    return gain * shape(sound, sample_rate, band(high=9000)) * envelope(t.size, sample_rate, 0.002, 0.012)


def _vibrato(t: Signal, frequency: float, rate: float, depth: float, rng: np.random.Generator) -> Signal:
    """Phase in cycles of a tone whose frequency sways by `depth`, a share, `rate` times a second."""
    sway = np.cos(2 * np.pi * (rate * t + rng.random()))
    return frequency * t - frequency * depth / (2 * np.pi * rate) * sway + rng.random()
