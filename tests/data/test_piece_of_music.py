"""A piece of music that somebody names is read whole, or refused in a line that says why and what to do."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from harmonic_core.data.piece import music_blocks, read_music
from harmonic_core.errors import DataError, ExitCode

RATE = 22050


def tone(seconds: float, rate: int) -> NDArray[np.float32]:
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as error:
        read_music(path, RATE)
    assert error.value.exit_code == ExitCode.FAILURE
    line = str(error.value)
    assert line.isprintable()
    return line


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3"])
def test_every_format_becomes_mono_at_the_wanted_rate(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    soundfile.write(path, np.stack([tone(3, 44100), np.zeros(3 * 44100, np.float32)], axis=1), 44100)
    sound = read_music(path, RATE)
    assert sound.dtype == np.float32
    assert len(sound) == pytest.approx(3 * RATE, abs=RATE // 20)
    assert np.abs(sound).max() == pytest.approx(0.25, abs=0.03)


def test_a_sample_and_silence_are_music(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "one.wav", np.ones(1), RATE)
    assert read_music(tmp_path / "one.wav", RATE).tolist() == [pytest.approx(1.0, abs=1e-4)]
    soundfile.write(tmp_path / "silent.wav", np.zeros(100), RATE)
    assert not read_music(tmp_path / "silent.wav", RATE).any()


def test_what_is_no_music_is_refused_by_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "letter.mp3").write_text("Dear all, " * 500)
    (tmp_path / "folder.wav").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    soundfile.write(tmp_path / "zero.wav", np.zeros(0), RATE)
    soundfile.write(tmp_path / "nan.wav", np.full(100, np.nan, np.float32), RATE, subtype="FLOAT")
    assert "gone.wav: no such file or directory" in refusal(tmp_path / "gone.wav")
    assert "is not audio: empty; name a WAV" in refusal(tmp_path / "empty.wav")
    assert "is not audio" in refusal(tmp_path / "letter.mp3")
    assert "is a folder; name a file in it" in refusal(tmp_path / "folder.wav")
    assert "is not a regular file" in refusal(tmp_path / "pipe.wav")
    assert "no samples in it" in refusal(tmp_path / "zero.wav")
    assert "not finite" in refusal(tmp_path / "nan.wav")
    soundfile.write(tmp_path / "instant.wav", np.ones(1), 96000)
    assert "too short" in refusal(tmp_path / "instant.wav")


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3"])
def test_half_a_file_is_refused_and_so_is_its_head(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    soundfile.write(path, tone(8, 44100), 44100)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "make or fetch the file again" in refusal(path)
    path.write_bytes(content[:30])
    assert str(path) in refusal(path)


def test_a_long_file_comes_in_parts_and_the_whole_is_the_same(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", tone(60, 44100), 44100)
    blocks = list(music_blocks(tmp_path / "a.flac", RATE))
    assert max(map(len, blocks)) < 10 * RATE
    np.testing.assert_array_equal(np.concatenate(blocks) / np.float32(32767), read_music(tmp_path / "a.flac", RATE))


def test_a_name_with_escape_codes_is_shown_as_plain_text(tmp_path: Path) -> None:
    assert r"\x1b[31m" in refusal(tmp_path / "a\x1b[31m.wav")
