"""Players in a room, on one recording."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harmonic_core.data.demo.score import Arrangement, Part, Signal, perform, stream
from harmonic_core.data.demo.sound import band, body, convolve, decay, noise, seconds_axis, shape

PEAK = 10 ** (-1 / 20)
"""Largest sample of a finished recording: 1 dB below full scale."""

_SCORE, _SOUND, _ROOM = 1, 2, 3


def record(
    arrangement: Arrangement, tempo_bpm: float, seconds: float, ring: float, sample_rate: int, seed: int
) -> NDArray[np.float32]:
    """Play an arrangement and mix it.

    Chance that shapes the performance and chance that makes noise come from different streams, so another sample rate
    hears the same performance.

    Returns
    -------
    NDArray[np.float32]
        (samples,), mono, with its largest sample at −1 dB of full scale and the last `ring` seconds fading to silence.
    """
    samples = round(seconds * sample_rate)
    dry, sent = np.zeros(samples), np.zeros(samples)
    for number, part in enumerate(arrangement.parts):
        sound = _play(part, number, arrangement.swing, tempo_bpm, samples, sample_rate, seed)
        dry += sound
        sent += part.room * sound
    wet = convolve(sent, _room(arrangement.room_seconds, sample_rate, stream(seed, _ROOM)))
    mix = shape(dry + wet, sample_rate, band(low=24.0, order=2))
    mix = _compressed(mix, sample_rate) * _fades(samples, sample_rate, ring)
    mix -= mix.mean()
    return np.asarray(mix * (PEAK / np.abs(mix).max()), dtype=np.float32)


def _play(part: Part, number: int, swing: float, tempo_bpm: float, samples: int, sample_rate: int, seed: int) -> Signal:
    chance = stream(seed, _SOUND, number)
    track = np.zeros(samples)
    for note in perform(part, tempo_bpm, swing, stream(seed, _SCORE, number)):
        frequency = 440.0 * 2 ** ((note.pitch - 69) / 12)
        sound = part.instrument(frequency, note.length, note.velocity, sample_rate, chance)
        start = round(note.start * sample_rate)
        end = min(start + sound.size, samples)
        if start < end:
            track[start:end] += sound[: end - start]
    if part.resonances:
        track = shape(track, sample_rate, body(part.resonances))
    loudness = _loudness(track, sample_rate)
    return track * (10 ** (part.level_db / 20) / loudness) if loudness else track


def _loudness(track: Signal, sample_rate: int) -> float:
    """Root mean square of the moments in which a part plays, those within 30 dB of its loudest."""
    block = max(sample_rate // 20, 1)
    powers = np.add.reduceat(track**2, np.arange(0, track.size, block)) / block
    return float(np.sqrt(powers[powers >= powers.max() * 1e-3].mean()))


def _room(sixty_db: float, sample_rate: int, rng: np.random.Generator) -> Signal:
    """Impulse response of a room after 12 ms: noise that dies away, high frequencies first."""
    t = seconds_axis(sixty_db, sample_rate)
    bands = ((150.0, 900.0, 1.0, 1.0), (900.0, 3000.0, 0.7, 0.7), (3000.0, 7000.0, 0.4, 0.35))
    tail = sum(
        gain * decay(t, share * sixty_db) * noise(t.size, sample_rate, rng, band(low, high, order=2))
        for low, high, gain, share in bands
    )
    response = np.concatenate([np.zeros(round(0.012 * sample_rate)), np.asarray(tail)])
    return response / float(np.sqrt((response**2).sum()))


def _compressed(mix: Signal, sample_rate: int) -> Signal:
    """Bring down 3 : 1 what stands more than 9 dB above the mean level, looking ahead so that no attack is missed."""
    block = max(sample_rate // 200, 1)
    peaks = np.maximum.reduceat(np.abs(mix), np.arange(0, mix.size, block))
    ahead = np.max([np.roll(peaks, shift) for shift in range(-3, 4)], axis=0)
    window = np.hanning(9)
    level = np.convolve(np.pad(ahead, 4, mode="edge"), window / window.sum(), mode="valid")
    threshold = 2.8 * np.sqrt(np.mean(mix**2))
    gain: Signal = np.minimum(threshold / (level + 1e-12), 1.0) ** (2 / 3)
    return np.asarray(mix * np.interp(np.arange(mix.size), (np.arange(gain.size) + 0.5) * block, gain))


def _fades(samples: int, sample_rate: int, ring: float) -> Signal:
    """Gain of the whole recording: 3 ms in, and out over the last chord's ring."""
    t = np.arange(samples) / sample_rate
    rise = np.clip(t / 0.003, 0.0, 1.0)
    fall = np.clip((samples / sample_rate - t) / ring, 0.0, 1.0)
    return np.asarray(rise * np.sin(0.5 * np.pi * fall) ** 2)
