"""Whatever lies in a file or stands in its name, decoding ends with samples or with a reason, and nothing else."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from audio_files import chord, sine, write, write_picture
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harmonic_core.audio.decode import DecodeError, decode

RATE = 8_000
FORMATS = ("wav", "flac", "ogg", "mp3", "m4a")


def count_samples(path: Path) -> int:
    return sum(len(block) for block in decode(path, RATE))


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A quarter of a second of every format."""
    folder = tmp_path_factory.mktemp("originals")
    return {name: write(folder / f"a.{name}", chord(0.25, 16_000), 16_000).read_bytes() for name in FORMATS}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("content", [b"", b"R", b"hello, world\n" * 500, bytes(5_000)])
def test_what_is_no_audio_is_refused_with_a_reason(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / f"a.{name}"
    path.write_bytes(content)
    with pytest.raises(DecodeError, match=r"\w+"):
        count_samples(path)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_a_truncated_file_gives_what_is_there_or_a_reason(
    tmp_path: Path, originals: dict[str, bytes], name: str, share: float
) -> None:
    path = tmp_path / f"a.{name}"
    path.write_bytes(originals[name][: int(share * len(originals[name]))])
    with suppress(DecodeError):
        assert count_samples(path) < 0.4 * RATE


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
@given(data=st.data(), name=st.sampled_from(FORMATS))
def test_damage_anywhere_never_ends_in_another_error(
    tmp_path: Path, originals: dict[str, bytes], data: st.DataObject, name: str
) -> None:
    content = bytearray(originals[name])
    # Headers are where damage hurts: half of it goes into the first 200 bytes.
    place = st.integers(0, len(content) - 1) | st.integers(0, 199)
    for where, value in data.draw(st.lists(st.tuples(place, st.integers(0, 255)), min_size=1, max_size=12)):
        content[where] = value
    path = tmp_path / f"a.{name}"
    path.write_bytes(content)
    with suppress(DecodeError):
        assert count_samples(path) < 60 * RATE


@pytest.mark.parametrize("rate", [1, 100, 2**31 - 1])
def test_an_impossible_sample_rate_is_refused_instead_of_filling_the_disk(tmp_path: Path, rate: int) -> None:
    with pytest.raises(DecodeError, match="sample rate"):
        count_samples(write(tmp_path / "a.wav", sine(1.0, 1.0, 8_000), rate))


def test_an_empty_flac_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DecodeError):
        count_samples(write(tmp_path / "a.flac", np.zeros(0, np.float32), RATE))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    sound = sine(440.0, 1.0, RATE)
    sound[5_000] = value
    with pytest.raises(DecodeError, match="not finite"):
        count_samples(write(tmp_path / "a.wav", sound, RATE, "FLOAT"))


@pytest.mark.parametrize("name", ["a.mp4", "a.m4a", "a.wav"])
def test_a_film_without_sound_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DecodeError, match="no audio stream"):
        count_samples(write_picture(tmp_path / "film.mp4").rename(tmp_path / name))


@pytest.mark.parametrize(
    ("really", "called"),
    [("m4a", "wav"), ("m4a", "mp3"), ("mp3", "wav"), ("wav", "m4a"), ("ogg", "m4a"), ("flac", "mp3"), ("wav", "ogg")],
)
def test_a_wrong_ending_does_not_matter(tmp_path: Path, originals: dict[str, bytes], really: str, called: str) -> None:
    path = tmp_path / f"a.{called}"
    path.write_bytes(originals[really])
    assert count_samples(path) == pytest.approx(0.25 * RATE, abs=0.1 * RATE)


@pytest.mark.parametrize("name", [b"caf\xe9", b"\x1b[2J\x1b]0;x\x07", b"a\nb", b"%d", b"-", b"[red]", "🎵".encode()])
@pytest.mark.parametrize("ending", ["wav", "mp3", "m4a"])
def test_any_file_name_is_read(tmp_path: Path, originals: dict[str, bytes], name: bytes, ending: str) -> None:
    path = tmp_path / os.fsdecode(name + b"." + ending.encode())
    path.write_bytes(originals[ending])
    assert count_samples(path) > 0


@pytest.mark.parametrize("name", ["pipe:0.m4a", "http:a.m4a", "concat:a.m4a", "subfile:a.m4a"])
def test_a_name_like_an_address_is_still_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, originals: dict[str, bytes], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(originals["m4a"])
    assert count_samples(Path(name)) > 0


def test_a_playlist_with_an_audio_ending_does_not_reach_out(tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(DecodeError):
        count_samples(path)
