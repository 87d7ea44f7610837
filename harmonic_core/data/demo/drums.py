"""Drums and cymbals. Each plays one stroke and has no use for pitch and length: see `score.Instrument`."""

from __future__ import annotations

import numpy as np

from harmonic_core.data.demo.score import Signal
from harmonic_core.data.demo.sound import band, decay, envelope, modes, noise, seconds_axis

_CYMBAL = tuple((ratio, 0.16, 1.5) for ratio in (1.0, 1.342, 1.518, 1.944, 2.307, 2.683, 3.617, 4.153))


def kick(frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator) -> Signal:
    """Skin whose pitch falls as it slackens, with the click of the beater."""
    del frequency, seconds
    t = seconds_axis(0.4, sample_rate)
    cycles = 48 * t + 170 * 0.028 * (1 - np.exp(-t / 0.028))
    click = noise(t.size, sample_rate, rng, band(900, 4000)) * decay(t, 0.02)
    sound = np.sin(2 * np.pi * cycles) * decay(t, 0.42) + 0.12 * click
    return velocity * sound * envelope(t.size, sample_rate, 0.001, 0.08)


def snare(frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator) -> Signal:
    """Two modes of the skin and the rattle of the wires."""
    del frequency, seconds
    t = seconds_axis(0.35, sample_rate)
    skin = modes(t, 187.0, sample_rate, [(1.0, 0.55, 0.18), (1.77, 0.4, 0.12)])
    wires = noise(t.size, sample_rate, rng, band(1400 + 900 * velocity, 7500)) * (
        0.3 * decay(t, 0.12) + 0.16 * decay(t, 0.34)
    )
    return velocity * (skin + wires) * envelope(t.size, sample_rate, 0.001, 0.06)


def closed_hat(frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator) -> Signal:
    """Hi-hat, shut."""
    del frequency, seconds
    return _hat(0.09 + 0.05 * velocity, velocity, sample_rate, rng)


def open_hat(frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator) -> Signal:
    """Hi-hat, half open."""
    del frequency, seconds
    return _hat(0.5, velocity, sample_rate, rng)


def shaker(frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator) -> Signal:
    """Seeds that take a moment to meet the wall."""
    del frequency, seconds
    t = seconds_axis(0.14, sample_rate)
    rush = noise(t.size, sample_rate, rng, band(_edge(4200, sample_rate), 9000, order=2))
    return velocity * 0.3 * rush * decay(t, 0.25) * envelope(t.size, sample_rate, 0.03, 0.05)


def ride(frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator) -> Signal:
    """Ride cymbal: the ping of the stick and a long wash."""
    del frequency, seconds
    t = seconds_axis(1.0, sample_rate)
    ping = modes(t, 2310.0 * (1 + 0.01 * rng.normal()), sample_rate, _CYMBAL) * (0.25 + 0.75 * decay(t, 0.3))
    wash = noise(t.size, sample_rate, rng, band(_edge(4500, sample_rate), 10000, order=2))
    sound = 0.5 * ping + wash * (0.16 * decay(t, 0.08) + 0.1 * decay(t, 1.3))
    return velocity * sound * envelope(t.size, sample_rate, 0.001, 0.3)


def noise_hit(frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator) -> Signal:
    """Burst of noise from a sound chip, brighter when hit harder."""
    del frequency, seconds
    t = seconds_axis(0.06 + 0.14 * velocity, sample_rate)
    hiss = noise(t.size, sample_rate, rng, band(_edge(1200, sample_rate), 2500 + 6500 * velocity))
    return velocity * 0.35 * hiss * decay(t, 0.08 + 0.2 * velocity) * envelope(t.size, sample_rate, 0.001, 0.02)


def _hat(sixty_db: float, velocity: float, sample_rate: int, rng: np.random.Generator) -> Signal:
    t = seconds_axis(sixty_db * 1.1, sample_rate)
    hiss = noise(t.size, sample_rate, rng, band(_edge(6500, sample_rate), np.inf, order=3))
    return velocity * 0.3 * hiss * decay(t, sixty_db) * envelope(t.size, sample_rate, 0.001, sixty_db / 4)


def _edge(frequency: float, sample_rate: int) -> float:
    """Lower edge of a cymbal's noise, brought down to where a low sample rate still has room for it."""
    return min(frequency, 0.3 * sample_rate)
