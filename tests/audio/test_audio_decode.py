"""Every format, rate and number of channels becomes mono 16-bit samples of the right length and level."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from audio_files import sine, write
from numpy.typing import NDArray

from harmonic_core.audio.decode import decode

RATE = 22_050


def decoded(path: Path, rate: int = RATE) -> NDArray[np.float64]:
    pcm = np.concatenate(list(decode(path, rate)))
    assert pcm.dtype == np.int16
    return pcm / 32767.0


def level(sound: NDArray[np.float64]) -> float:
    """Amplitude of a steady sine, away from the edges."""
    middle = sound[len(sound) // 4 : -len(sound) // 4]
    return float(np.sqrt(2.0 * np.mean(middle**2)))


def strongest_frequency(sound: NDArray[np.float64], rate: int = RATE) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum)) * rate / len(sound)


@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.wav", "PCM_16"),
        ("a.wav", "PCM_24"),
        ("a.wav", "PCM_U8"),
        ("a.wav", "FLOAT"),
        ("a.wav", "DOUBLE"),
        ("a.WAV", "PCM_16"),
        ("a.flac", "PCM_24"),
        ("a.ogg", "VORBIS"),
        ("a.oga", "VORBIS"),
        ("a.mp3", None),
        ("a.m4a", None),
    ],
)
def test_a_sine_in_any_format_stays_that_sine_at_its_level(tmp_path: Path, name: str, subtype: str | None) -> None:
    sound = decoded(write(tmp_path / name, sine(440.0, 1.5, 44_100), 44_100, subtype))
    assert abs(len(sound) / RATE - 1.5) < 0.1
    assert strongest_frequency(sound) == pytest.approx(440.0, abs=1.5)
    assert level(sound) == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("source_rate", [8_000, 11_025, 22_050, 32_000, 48_000, 96_000])
def test_any_source_rate_gives_the_same_duration(tmp_path: Path, source_rate: int) -> None:
    sound = decoded(write(tmp_path / "a.wav", sine(1_000.0, 1.0, source_rate), source_rate))
    assert abs(len(sound) - RATE) <= 1
    assert strongest_frequency(sound) == pytest.approx(1_000.0, abs=1.5)
    assert level(sound) == pytest.approx(0.5, rel=0.01)


def test_lossless_mono_at_the_same_rate_keeps_every_sample(tmp_path: Path) -> None:
    pcm = np.random.default_rng(0).integers(-32_767, 32_768, 5_000).astype(np.int16)
    path = write(tmp_path / "a.flac", (pcm / 32_768.0).astype(np.float32), RATE)
    got = np.concatenate(list(decode(path, RATE)))
    assert np.abs(got.astype(int) - pcm).max() <= 1


@pytest.mark.parametrize(("name", "channels"), [("a.wav", 2), ("a.wav", 6), ("a.flac", 6), ("a.m4a", 2)])
def test_channels_are_averaged(tmp_path: Path, name: str, channels: int) -> None:
    sound = np.zeros((44_100, channels), np.float32)
    sound[:, -1] = sine(600.0, 1.0, 44_100)
    assert level(decoded(write(tmp_path / name, sound, 44_100))) == pytest.approx(0.5 / channels, rel=0.03)


def test_opposite_channels_cancel(tmp_path: Path) -> None:
    tone = sine(600.0, 1.0, RATE)
    sound = decoded(write(tmp_path / "a.wav", np.stack((tone, -tone), axis=1), RATE, "FLOAT"))
    assert np.abs(sound).max() == 0.0


def test_what_is_above_half_the_new_rate_is_at_least_80_db_down(tmp_path: Path) -> None:
    """A sweep from 12 to 21 kHz, all above the Nyquist frequency of 11.025 kHz, must not fold back."""
    time = np.arange(4 * 48_000) / 48_000
    sweep = np.sin(2 * np.pi * (12_000.0 * time + (21_000.0 - 12_000.0) / 8.0 * time**2))
    edges = np.minimum(1.0, np.minimum(time, time[::-1]) / 0.1)  # faded: a sudden start holds all frequencies
    sound = decoded(write(tmp_path / "a.wav", (0.99 * edges * sweep).astype(np.float32), 48_000, "FLOAT"))
    assert 20 * np.log10(np.sqrt(np.mean(sound**2)) / (0.99 / np.sqrt(2)) + 1e-12) < -80


def test_what_exceeds_full_scale_is_clipped_not_wrapped(tmp_path: Path) -> None:
    sound = decoded(write(tmp_path / "a.wav", sine(100.0, 0.5, RATE, amplitude=3.0), RATE, "FLOAT"))
    assert sound.max() == 1.0
    assert np.abs(np.diff(sound)).max() < 0.2


def test_a_long_file_comes_in_blocks_without_seams(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", sine(50.0, 13.0, 44_100), 44_100)
    blocks = list(decode(path, RATE))
    assert len(blocks) > 2
    sound = np.concatenate(blocks) / 32767.0
    assert abs(len(sound) - 13 * RATE) <= 1
    assert np.abs(np.diff(sound[500:-500])).max() < 0.5 * 2 * np.pi * 50.0 / RATE * 1.05
