"""Every format, rate and number of channels becomes mono 16-bit samples of the right length and level."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
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
        ("a.aac", None),
        ("a.au", "PCM_16"),
        ("a.au", "FLOAT"),
        ("a.aiff", "PCM_16"),
        ("a.aiff", "PCM_24"),
    ],
)
def test_a_sine_in_any_format_stays_that_sine_at_its_level(tmp_path: Path, name: str, subtype: str | None) -> None:
    sound = decoded(write(tmp_path / name, sine(440.0, 1.5, 44_100), 44_100, subtype))
    assert abs(len(sound) / RATE - 1.5) < 0.1
    assert strongest_frequency(sound) == pytest.approx(440.0, abs=1.5)
    assert level(sound) == pytest.approx(0.5, rel=0.02)


def test_opus_is_read_too(tmp_path: Path) -> None:
    sound = decoded(write(tmp_path / "a.opus", sine(440.0, 1.5, 48_000), 48_000, "OPUS"))
    assert len(sound) / RATE == pytest.approx(1.5, abs=0.01)
    assert strongest_frequency(sound) == pytest.approx(440.0, abs=1.5)
    assert level(sound) == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("source_rate", [8_000, 11_025, 22_050, 32_000, 48_000, 96_000, 192_000])
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


@pytest.mark.parametrize(
    ("name", "channels"),
    [("a.wav", 1), ("a.wav", 2), ("a.wav", 6), ("a.wav", 8), ("a.flac", 6), ("a.ogg", 3), ("a.m4a", 2)],
)
def test_channels_are_averaged(tmp_path: Path, name: str, channels: int) -> None:
    sound = np.zeros((44_100, channels), np.float32)
    sound[:, -1] = sine(600.0, 1.0, 44_100)
    assert level(decoded(write(tmp_path / name, sound, 44_100))) == pytest.approx(0.5 / channels, rel=0.03)


def test_opposite_channels_cancel(tmp_path: Path) -> None:
    tone = sine(600.0, 1.0, RATE)
    sound = decoded(write(tmp_path / "a.wav", np.stack((tone, -tone), axis=1), RATE, "FLOAT"))
    assert np.abs(sound).max() == 0.0


def faded_sweep(source_rate: int, low: float, high: float, seconds: float = 4.0) -> NDArray[np.float32]:
    """A sweep that begins and ends softly: a sudden start holds all frequencies."""
    time = np.arange(round(seconds * source_rate)) / source_rate
    sweep = np.sin(2 * np.pi * (low * time + (high - low) / (2 * seconds) * time**2))
    edges = np.minimum(1.0, np.minimum(time, time[::-1]) / 0.1)
    return (0.99 * np.sin(edges * np.pi / 2) ** 2 * sweep).astype(np.float32)


@pytest.mark.parametrize(("source_rate", "high"), [(48_000, 23_000.0), (44_100, 21_500.0), (96_000, 47_000.0)])
def test_what_is_above_half_the_new_rate_is_at_least_80_db_down(tmp_path: Path, source_rate: int, high: float) -> None:
    """A sweep of which all is above the new Nyquist frequency of 11.025 kHz must not fold back."""
    sweep = faded_sweep(source_rate, 11_100.0, high)
    sound = decoded(write(tmp_path / "a.wav", sweep, source_rate, "FLOAT"))
    assert 20 * np.log10(np.sqrt(np.mean(sound**2)) / (0.99 / np.sqrt(2)) + 1e-12) < -80


def test_a_lower_rate_gets_no_images_above_what_it_held(tmp_path: Path) -> None:
    sweep = faded_sweep(8_000, 50.0, 3_600.0)
    sound = decoded(write(tmp_path / "a.wav", sweep, 8_000, "FLOAT"))
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    frequency = np.fft.rfftfreq(len(sound), 1 / RATE)
    assert 10 * np.log10(power[frequency > 4_100].sum() / power.sum()) < -80


@pytest.mark.parametrize("source_rate", [44_100, 48_000, 96_000])
def test_what_is_kept_keeps_its_level(tmp_path: Path, source_rate: int) -> None:
    """Flat within a tenth of a decibel from 50 Hz to 9.9 kHz, nine tenths of the new Nyquist frequency."""
    for frequency in (50.0, 1_000.0, 5_000.0, 9_000.0, 9_900.0):
        sound = decoded(write(tmp_path / "a.wav", sine(frequency, 1.0, source_rate), source_rate, "FLOAT"))
        assert abs(20 * np.log10(level(sound) / 0.5)) < 0.1, frequency


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


def test_the_facts_tell_what_the_file_is(tmp_path: Path) -> None:
    left, right = sine(440.0, 2.0, 48_000, 0.8), sine(440.0, 2.0, 48_000, 0.4) + 0.1
    path = write(tmp_path / "a.ogg", np.stack((left, right), axis=1), 48_000, "VORBIS")
    decoding = decode(path, RATE)
    with pytest.raises(RuntimeError):
        _ = decoding.facts
    assert sum(len(block) for block in decoding) == 2 * RATE
    facts = decoding.facts
    assert (facts.container, facts.codec, facts.decoder) == ("ogg", "vorbis", "ffmpeg")
    assert (facts.sample_rate, facts.channels, facts.seconds) == (48_000, 2, pytest.approx(2.0))
    assert (facts.ended, facts.missing_seconds, facts.declared_seconds) == (True, 0.0, None)
    assert facts.peak == pytest.approx(0.8, abs=0.02)
    assert facts.mono_peak == pytest.approx(0.65, abs=0.02)
    assert facts.rms == pytest.approx(np.sqrt(0.6**2 / 2 + 0.05**2), abs=0.01)
    assert facts.dc_offset == pytest.approx(0.05, abs=0.002)
    assert facts.clipped == 0


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT"])
def test_samples_at_full_scale_are_counted_in_any_type(tmp_path: Path, subtype: str) -> None:
    sound = np.full((5_000, 2), 0.5, np.float32)
    sound[:100, 0], sound[:50, 1] = 1.0, -1.0
    decoding = decode(write(tmp_path / "a.wav", sound, RATE, subtype), RATE)
    assert sum(map(len, decoding)) == 5_000
    assert decoding.facts.clipped == 150
    assert decoding.facts.peak == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.au", "a.aiff", "a.m4a"])
def test_the_header_promises_what_is_there(tmp_path: Path, name: str) -> None:
    decoding = decode(write(tmp_path / name, sine(440.0, 1.5, 44_100), 44_100), RATE)
    assert sum(map(len, decoding)) > RATE
    assert decoding.facts.declared_seconds == pytest.approx(1.5, abs=0.03)


@pytest.mark.parametrize("name", ["a.flac", "a.ogg", "a.mp3", "a.wav"])
def test_tags_are_read_raw_and_cut(tmp_path: Path, name: str) -> None:
    with soundfile.SoundFile(tmp_path / name, "w", 44_100, 1) as file:
        file.title, file.artist, file.comment = "\x1b[31mred[bold]", "x" * 500, "not asked for"
        file.write(sine(440.0, 1.0, 44_100))
    decoding = decode(tmp_path / name, RATE)
    assert sum(map(len, decoding))
    assert decoding.facts.tags["title"] == "\x1b[31mred[bold]"
    assert set(decoding.facts.tags) <= {"title", "artist", "album", "genre"}
    assert max(map(len, decoding.facts.tags.values())) <= 200


def test_streams_that_were_joined_are_one_sound(tmp_path: Path) -> None:
    """As recorders of net radio write them: the second has another rate and another number of channels."""
    mp3 = [
        write(tmp_path / "1.mp3", sine(440.0, 2.0, 44_100), 44_100).read_bytes(),
        write(tmp_path / "2.mp3", np.stack([sine(440.0, 2.0, 22_050)] * 2, axis=1), 22_050).read_bytes(),
    ]
    joined = tmp_path / "joined.mp3"
    joined.write_bytes(b"".join(mp3))
    decoding = decode(joined, RATE)
    sound = np.concatenate(list(decoding)) / 32767.0
    assert len(sound) / RATE == pytest.approx(4.0, abs=0.2)
    assert level(sound) == pytest.approx(0.5, rel=0.05)
    assert strongest_frequency(sound) == pytest.approx(440.0, abs=1.0)


def test_a_file_that_is_left_half_way_is_closed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", sine(440.0, 10.0, 44_100), 44_100)
    before = len(list(Path("/proc/self/fd").iterdir()))
    decoding = decode(path, RATE)
    next(decoding)
    del decoding
    assert len(list(Path("/proc/self/fd").iterdir())) == before
