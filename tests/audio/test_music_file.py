"""Music files: as loud as music is, never clipped, with tags that other programs read, whole or not at all."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pyloudnorm
import pytest
import soundfile
import soxr
from audio_files import Sound, chord, sine

from harmonic_core.audio.mastering import integrated_loudness, master, true_peak_db
from harmonic_core.audio.music_file import FORMATS, read_tags, write_music
from harmonic_core.errors import DataError, DiskError, ExitCode, ProfileError

RATE = 22050
SAID = {"title": "Tïtel 漢字 🎵", "artist": "HarmonicVAE", "software": "HarmonicVAE 1", "comment": "run a; seed 7"}


@pytest.fixture(params=FORMATS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / f"music.{request.param}"


@pytest.fixture
def no_room() -> Iterator[None]:
    """No file may become longer than 4 kB."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def drums(seconds: float, rate: int = RATE) -> Sound:
    """Hits of noise over a soft tone: their peaks are far above their loudness."""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(1).standard_normal(len(time))
    return (0.3 * noise * np.exp(-30.0 * (time % 0.5)) + 0.05 * np.sin(2 * np.pi * 110 * time)).astype(np.float32)


def heard(path: Path) -> Sound:
    sound: Sound = soundfile.read(path, dtype="float32")[0]
    return sound


def loudness(sound: Sound, rate: int = RATE) -> float:
    return float(pyloudnorm.Meter(rate).integrated_loudness(sound.astype(np.float64)))


def highest_db(sound: Sound, rate: int = RATE) -> float:
    """True peak by another filter, and eight times the rate."""
    return 20 * float(np.log10(np.abs(soxr.resample(sound, rate, 8 * rate, quality="MQ")).max()))


def tags_by_ffmpeg(path: Path) -> dict[str, str]:
    with av.open(str(path)) as file:
        both = {**file.streams.audio[0].metadata, **file.metadata}
    return {name.lower(): text for name, text in both.items()}


@pytest.mark.parametrize("level", [0.01, 1.0, 30.0])
def test_music_has_the_same_loudness_in_every_format_whatever_its_level_was(path: Path, level: float) -> None:
    written = write_music(path, level * chord(6, RATE), RATE, tags=SAID)
    sound = heard(path)
    assert loudness(sound) == pytest.approx(-16.0, abs=0.2)
    assert written.loudness_lufs == pytest.approx(loudness(sound), abs=0.05)
    assert written.duration_s == pytest.approx(6.0)
    assert len(sound) == 6 * RATE
    assert written.note == ""


def test_peaks_are_turned_down_below_the_ceiling_and_the_loudness_is_met_all_the_same(path: Path) -> None:
    written = write_music(path, drums(8), RATE, tags=SAID)
    sound = heard(path)
    assert written.limited
    assert highest_db(sound) < -0.9
    assert written.true_peak_dbtp == pytest.approx(highest_db(sound), abs=0.25)
    assert loudness(sound) == pytest.approx(-16.0, abs=0.3)


def test_the_limiter_has_no_edges_and_leaves_what_lies_between_peaks(tmp_path: Path) -> None:
    sound = sine(220, 4, RATE, 0.1)
    sound[2 * RATE : 2 * RATE + 2000] *= 8
    louder = master(sound, RATE, -16.0, -1.0)
    near = np.abs(sound) > 0.03
    gain = louder.sound[near] / sound[near]
    far = np.flatnonzero(near) < RATE
    assert louder.reduction_db > 3
    np.testing.assert_allclose(gain[far], 10 ** (louder.gain_db / 20), rtol=1e-4)
    # From one sample to the next much less than a hundredth of a decibel for each of the ten milliseconds.
    assert np.abs(np.diff(20 * np.log10(gain))).max() < louder.reduction_db / 20


def test_the_more_peaks_stand_out_the_less_loudness_is_reached_and_that_is_said(tmp_path: Path) -> None:
    clicks = np.where(np.arange(5 * RATE) % RATE == RATE // 2, 0.5, 0.0).astype(np.float32)
    written = write_music(tmp_path / "clicks.wav", clicks, RATE, tags={})
    assert written.loudness_lufs is not None
    assert written.loudness_lufs < -17
    assert f"{written.loudness_lufs:.1f} LUFS" in written.note
    assert highest_db(heard(written.path)) < -0.9


def test_silence_stays_silence_and_what_is_too_short_stays_as_it_is(path: Path) -> None:
    silent = write_music(path, np.zeros(3 * RATE, np.float32), RATE, tags=SAID)
    assert (silent.loudness_lufs, silent.gain_db, silent.true_peak_dbtp) == (None, 0.0, None)
    assert silent.note.startswith("silent")
    assert not heard(path).any()
    short = write_music(path, sine(440, 0.3, RATE, 0.25), RATE, tags=SAID)
    assert (short.loudness_lufs, short.gain_db) == (None, 0.0)
    assert short.note.startswith("too short")
    assert np.abs(heard(path)).max() == pytest.approx(0.25, abs=0.05)


def test_one_sample_is_music_and_none_is_not(path: Path) -> None:
    assert write_music(path, np.ones(1, np.float32), RATE, tags=SAID).limited
    with pytest.raises(DataError, match="not a single sample"):
        write_music(path, np.zeros(0, np.float32), RATE, tags=SAID)


def test_sound_that_is_no_number_is_refused(path: Path) -> None:
    sound = chord(1, RATE)
    sound[500] = np.nan
    with pytest.raises(DataError, match="not finite"):
        write_music(path, sound, RATE, tags=SAID)
    assert not path.exists()


def test_without_a_loudness_to_meet_sound_keeps_its_level_but_for_peaks(tmp_path: Path) -> None:
    soft = chord(2, RATE)
    write_music(tmp_path / "soft.flac", soft, RATE, tags={}, loudness_lufs=None)
    np.testing.assert_allclose(heard(tmp_path / "soft.flac"), soft, atol=1e-4)
    loud = write_music(tmp_path / "loud.flac", 20 * soft, RATE, tags={}, loudness_lufs=None)
    assert loud.limited
    assert highest_db(heard(loud.path)) < -0.9


def test_the_same_sound_makes_the_same_file(path: Path) -> None:
    write_music(path, drums(3), RATE, tags=SAID)
    first = path.read_bytes()
    write_music(path, drums(3), RATE, tags=SAID)
    assert path.read_bytes() == first


def test_other_programs_read_the_tags_in_every_script(path: Path) -> None:
    write_music(path, chord(1, RATE), RATE, tags={**SAID, "genre": "jazz", "album": "Été"})
    found = tags_by_ffmpeg(path)
    for name in ("title", "artist", "comment", "genre", "album"):
        assert found[name] == {**SAID, "genre": "jazz", "album": "Été"}[name]
    assert "HarmonicVAE 1" in found.get("software", "") + found.get("encoder", "")
    read = read_tags(path)
    assert read.pop("software").startswith("HarmonicVAE 1")
    assert read == {"title": SAID["title"], "artist": "HarmonicVAE", "comment": "run a; seed 7"} | {
        "genre": "jazz",
        "album": "Été",
    }


def test_hostile_and_endless_tags_break_neither_the_file_nor_a_terminal(path: Path) -> None:
    hostile = "a\0b\nc\x1b[31md\x85e\udcff" + "漢" * 20_000
    write_music(path, chord(1, RATE), RATE, tags={"title": hostile, "comment": hostile})
    assert len(heard(path)) == RATE
    for text in (tags_by_ffmpeg(path)[name] for name in ("title", "comment")):
        assert text.startswith(r"a\x00b\nc\x1b[31md\x85e\udcff漢")
        assert text.isprintable()


def test_a_tag_that_there_is_not_is_a_mistake_of_the_caller(path: Path) -> None:
    with pytest.raises(ValueError, match="mood"):
        write_music(path, chord(1, RATE), RATE, tags={"mood": "blue"})


@pytest.mark.parametrize("name", ["music.m4a", "music", "music.wav.bak", "mu\x1bsic.doc"])
def test_another_ending_is_a_mistake_that_is_told_in_a_line_with_all_four(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProfileError, match=r"\.wav, \.flac, \.ogg or \.mp3") as refusal:
        write_music(tmp_path / name, chord(1, RATE), RATE, tags=SAID)
    assert refusal.value.exit_code == ExitCode.USAGE
    assert str(refusal.value).isprintable()


def test_a_full_disk_leaves_the_older_file_and_nothing_beside_it(path: Path, no_room: None) -> None:
    path.write_bytes(b"older")
    with pytest.raises(DiskError, match="file too large; free some room") as refusal:
        write_music(path, drums(20), RATE, tags=SAID)
    assert refusal.value.exit_code == ExitCode.DISK
    assert path.read_bytes() == b"older"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_is_made_and_one_that_cannot_be_is_told_in_a_line(tmp_path: Path) -> None:
    assert write_music(tmp_path / "new" / "folder" / "a.wav", chord(1, RATE), RATE, tags={}).path.is_file()
    (tmp_path / "file").touch()
    with pytest.raises(DiskError, match="its folder is a file"):
        write_music(tmp_path / "file" / "a.wav", chord(1, RATE), RATE, tags={})


@pytest.mark.parametrize(("rate", "written"), [(4000, 8000), (20000, 22050), (44100, 44100), (96000, 48000)])
def test_an_mp3_has_the_next_sample_rate_that_there_is(tmp_path: Path, rate: int, written: int) -> None:
    music = write_music(tmp_path / "a.mp3", chord(2, rate), rate, tags={})
    assert music.sample_rate == soundfile.info(music.path).samplerate == written
    assert music.duration_s == pytest.approx(2.0, abs=0.001)
    assert write_music(tmp_path / "a.ogg", chord(2, rate), rate, tags={}).sample_rate == rate


@pytest.mark.parametrize(("rate", "seconds"), [(22050, 150.0), (11025, 121.23), (8000, 60.05), (44100, 0.4)])
def test_loudness_a_minute_at_a_time_is_that_of_the_whole(rate: int, seconds: float) -> None:
    sound = drums(seconds, rate) * np.linspace(0.01, 1.0, round(seconds * rate), dtype=np.float32)
    assert integrated_loudness(sound, rate) == pytest.approx(loudness(sound, rate), abs=1e-4)


def test_a_true_peak_lies_between_the_samples() -> None:
    time = np.arange(RATE)
    sound = np.sin(np.pi / 2 * time + np.pi / 4).astype(np.float32)
    assert np.abs(sound).max() < 0.71
    assert true_peak_db(0.5 * sound, RATE) == pytest.approx(-6.02, abs=0.1)
