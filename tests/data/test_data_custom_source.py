"""Any folder of audio: what is taken, what is refused and why, and what is said of an empty one."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harmonic_core.data.sources import find_tracks as find_dataset
from harmonic_core.data.sources.custom import find_tracks
from harmonic_core.errors import DataError, ProfileError
from harmonic_core.profile.sections import Data


def lay(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def refused_by_name(folder: Path) -> dict[str, str]:
    return {each.title: each.reason for each in find_tracks(folder)[1]}


def test_sub_folders_become_genre_artist_and_album(tmp_path: Path) -> None:
    lay(tmp_path, "a.wav", "jazz/b.mp3", "jazz/monk/c.FLAC", "jazz/monk/live/d.ogg", "jazz/monk/live/disc 1/e.m4a")
    found = {each.title: (each.metadata, each.group) for each in find_tracks(tmp_path)[0]}
    assert found == {
        "a.wav": ({}, "a.wav"),
        "jazz/b.mp3": ({"genre": "jazz"}, "jazz/b.mp3"),
        "jazz/monk/c.FLAC": ({"genre": "jazz", "artist": "monk"}, "jazz/monk"),
        "jazz/monk/live/d.ogg": ({"genre": "jazz", "artist": "monk", "album": "live"}, "jazz/monk"),
        "jazz/monk/live/disc 1/e.m4a": ({"genre": "jazz", "artist": "monk", "album": "live"}, "jazz/monk"),
    }


def test_tracks_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    lay(tmp_path, "b.wav", "a/z.wav", "c/a.wav", "a.wav")
    assert [each.title for each in find_tracks(tmp_path)[0]] == ["a/z.wav", "a.wav", "b.wav", "c/a.wav"]


def test_hidden_files_and_folders_are_left_alone(tmp_path: Path) -> None:
    lay(tmp_path, "a.wav", "._a.wav", ".trash/b.wav", "jazz/.hidden.mp3")
    assert [each.title for each in find_tracks(tmp_path)[0]] == ["a.wav"]
    assert refused_by_name(tmp_path) == {}


@pytest.fixture
def with_strange_things(tmp_path: Path) -> Iterator[Path]:
    lay(tmp_path, "good.wav", "folder.wav/inside.mp3")
    os.mkfifo(tmp_path / "pipe.mp3")
    (tmp_path / "dangling.ogg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop.flac").symlink_to("loop.flac")
    with socket.socket(socket.AF_UNIX) as server:
        before = Path.cwd()
        os.chdir(tmp_path)  # the name of a socket must be short
        server.bind("socket.m4a")
        os.chdir(before)
        yield tmp_path


def test_things_with_the_name_of_audio_are_refused_by_name_and_never_opened(with_strange_things: Path) -> None:
    tracks, _ = find_tracks(with_strange_things)
    assert [each.title for each in tracks] == ["folder.wav/inside.mp3", "good.wav"]
    refused = refused_by_name(with_strange_things)
    assert refused["folder.wav"] == "is a folder"
    assert refused["pipe.mp3"] == refused["socket.m4a"] == "is not a regular file"
    assert "No such file" in refused["dangling.ogg"]
    assert "symbolic links" in refused["loop.flac"]


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked of the system rather than seen in the mode, which says nothing to root or on foreign file systems."""
    lay(tmp_path, "good.wav", "secret.wav")
    allowed = os.access
    monkeypatch.setattr("os.access", lambda path, mode: Path(path).name != "secret.wav" and allowed(path, mode))
    assert refused_by_name(tmp_path) == {"secret.wav": "may not be read (permission denied)"}


def test_a_folder_that_may_not_be_read_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, "good.wav", "secret/a.wav")
    scan = os.scandir

    def refuse(path: Any) -> Any:
        if Path(path).name == "secret":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr("os.scandir", refuse)
    assert refused_by_name(tmp_path) == {"secret": "Permission denied"}


def test_a_name_that_is_not_utf_8_is_a_track_that_can_be_shown(tmp_path: Path) -> None:
    lay(tmp_path, os.fsdecode(b"caf\xe9\x1b[2J.wav"))
    (only,), _ = find_tracks(tmp_path)
    assert only.label == "caf\\udce9\\x1b[2J.wav"
    assert only.label.encode()


def test_a_folder_without_audio_says_what_was_found_and_what_is_taken(tmp_path: Path) -> None:
    lay(tmp_path, "a.txt", "b.txt", "cover.jpg", "README")
    with pytest.raises(DataError) as refusal:
        find_tracks(tmp_path)
    message = str(refusal.value)
    assert message.startswith("No valid audio files in ")
    for part in ("2 × .txt", "1 × .jpg", "1 × no ending", "WAV, MP3, FLAC, OGG or M4A", "min_clip_length"):
        assert part in message


def test_a_folder_of_refused_things_names_them(tmp_path: Path) -> None:
    for name in "abcd":
        os.mkfifo(tmp_path / f"{name}.wav")
    with pytest.raises(DataError, match=r"4 refused \(a\.wav: is not a regular file; .*; and 1 more\)"):
        find_tracks(tmp_path)


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found nothing"):
        find_tracks(tmp_path)


def test_a_missing_folder_and_a_file_instead_of_one_name_the_flag(tmp_path: Path) -> None:
    lay(tmp_path, "a.wav")
    with pytest.raises(DataError, match=r"no such folder; .*--custom-dir"):
        find_tracks(tmp_path / "nowhere")
    with pytest.raises(DataError, match="is not a folder"):
        find_tracks(tmp_path / "a.wav")


def test_no_escape_code_of_a_name_gets_into_a_message(tmp_path: Path) -> None:
    lay(tmp_path, "a.\x1b[31mtxt")
    os.mkfifo(tmp_path / "\x1b[2J.wav")
    with pytest.raises(DataError) as refusal:
        find_tracks(tmp_path)
    assert "\x1b" not in str(refusal.value)


def test_a_data_set_that_cannot_be_trained_on_yet_names_the_way_out() -> None:
    with pytest.raises(ProfileError, match="--dataset custom --custom-dir"):
        find_dataset(Data(dataset="gtzan", gtzan_dir=Path("data/gtzan")), seed=0)


def test_the_embedded_data_set_knows_styles_keys_and_chords() -> None:
    tracks, refused = find_dataset(Data(demo_minutes=1.0), seed=0)
    assert refused == []
    assert len({each.title for each in tracks}) == len(tracks) >= 5
    assert all({"genre", "key", "tempo", "chords"} <= each.metadata.keys() for each in tracks)
