"""Any folder of audio: what is taken, what is refused and why, and what is said of an empty one."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_sets import write_sound

from harmonic_core.audio.facts import SoundFacts
from harmonic_core.data.sources import find_tracks as find_dataset
from harmonic_core.data.sources.custom import find_tracks
from harmonic_core.data.tracks import AudioFile, Track, with_tags
from harmonic_core.errors import DataError
from harmonic_core.profile.sections import Data


def lay(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def refused_by_name(folder: Path) -> dict[str, str]:
    return {each.title: each.reason for each in find_tracks(folder).refused}


def titles(folder: Path) -> list[str]:
    return [each.title for each in find_tracks(folder).tracks]


def keys(folder: Path) -> dict[str, set[str]]:
    return {each.title: set(each.keys) for each in find_tracks(folder).tracks}


def tagged(track: Track, **tags: str) -> Track:
    return with_tags(
        track,
        SoundFacts(
            container="wav", codec="pcm_s16le", decoder="ffmpeg", sample_rate=8000, channels=1, seconds=1, tags=tags
        ),
    )


def test_sub_folders_become_genre_artist_and_album(tmp_path: Path) -> None:
    lay(tmp_path, "a.wav", "jazz/b.mp3", "jazz/Monk/c.FLAC", "jazz/Monk/live/d.ogg", "bop/monk /live/disc 1/e.m4a")
    found = {each.title: (each.metadata, each.keys) for each in find_tracks(tmp_path).tracks}
    assert found == {
        "a.wav": ({}, set()),
        "jazz/b.mp3": ({"genre": "jazz"}, set()),
        "jazz/Monk/c.FLAC": ({"genre": "jazz", "artist": "Monk"}, {"artist:monk"}),
        "jazz/Monk/live/d.ogg": ({"genre": "jazz", "artist": "Monk", "album": "live"}, {"artist:monk"}),
        "bop/monk /live/disc 1/e.m4a": ({"genre": "bop", "artist": "monk ", "album": "live"}, {"artist:monk"}),
    }


def test_folders_that_only_sort_are_no_artists(tmp_path: Path) -> None:
    """Else all bands with a `CD 1` would be one artist, and few of them would be none to divide by."""
    lay(
        tmp_path,
        "band a/CD 1/1.wav",
        "band a/CD 1/2.wav",
        "band b/CD 1/1.wav",
        "band b/1999/1.wav",
        "band b/live/1.mp3",
    )
    assert set(map(frozenset, keys(tmp_path).values())) == {
        frozenset({f"folder:{name}"}) for name in ("band a/CD 1", "band b/CD 1", "band b/1999", "band b/live")
    }


def test_various_artists_are_no_artist_and_the_album_holds_together(tmp_path: Path) -> None:
    lay(tmp_path, "pop/Various Artists/Hits 7/1.wav", "pop/VA/Hits 8/1.wav", "pop/Unknown Artist/1.wav")
    assert keys(tmp_path) == {
        "pop/Various Artists/Hits 7/1.wav": {"album:hits 7"},
        "pop/VA/Hits 8/1.wav": {"album:hits 8"},
        "pop/Unknown Artist/1.wav": {"folder:pop/Unknown Artist"},
    }


def test_tags_go_before_folders(tmp_path: Path) -> None:
    lay(tmp_path, "Downloads/2019/x.wav")
    (track,) = find_tracks(tmp_path).tracks
    better = tagged(track, title="So What", artist=" MILES  Davis ", album="Kind of Blue", genre="Jazz")
    assert better.metadata == {"title": "So What", "artist": "MILES  Davis", "album": "Kind of Blue", "genre": "Jazz"}
    assert better.keys == {"artist:miles davis"}
    assert better.title == "Downloads/2019/x.wav"


def test_tags_that_say_nothing_leave_what_the_folders_say(tmp_path: Path) -> None:
    lay(tmp_path, "jazz/Monk/x.wav")
    (track,) = find_tracks(tmp_path).tracks
    assert tagged(track, artist="Unknown Artist", genre="Other", album="  ") == track
    assert tagged(track, album="Solo").keys == {"artist:monk"}


def test_an_album_of_which_some_files_are_tagged_stays_together(tmp_path: Path) -> None:
    lay(tmp_path, "rock/The Beatles/Help/a.mp3", "rock/The Beatles/Help/b.mp3")
    a, b = find_tracks(tmp_path).tracks
    assert tagged(a, artist="Beatles", album="Help!").keys & b.keys


def test_without_an_artist_the_tag_of_the_album_holds_tracks_together(tmp_path: Path) -> None:
    lay(tmp_path, "a.wav", "b.wav")
    a, b = (tagged(each, album="Kind of Blue", artist="Various") for each in find_tracks(tmp_path).tracks)
    assert a.keys == b.keys == {"album:kind of blue"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Miles Davis", "  miles   DAVIS "),
        ("Bj\u00f6rk", "Bjo\u0308rk"),
        ("\uff2d\uff49\uff4c\uff45\uff53", "Miles"),
        ("Jay-Z feat. Rihanna", "Jay-Z"),
        ("Jay-Z (feat. Rihanna)", "JAY-Z ft. Beyonc\u00e9"),
    ],
)
def test_spellings_of_one_artist_are_the_same(tmp_path: Path, one: str, other: str) -> None:
    track = Track("a.wav", AudioFile(tmp_path / "a.wav"))
    assert tagged(track, artist=one).keys == tagged(track, artist=other).keys != frozenset()


@pytest.mark.parametrize("artist", ["311", "!!!", "\u65e5\u672c", "Live", "The The"])
def test_odd_artists_are_artists_too(tmp_path: Path, artist: str) -> None:
    assert tagged(Track("a.wav", AudioFile(tmp_path / "a.wav")), artist=artist).keys == {f"artist:{artist.casefold()}"}


def test_real_tags_of_real_files_are_used(tmp_path: Path) -> None:
    tags = {"artist": "Monk", "title": "Blue Monk", "album": "Solo", "genre": "Jazz"}
    for suffix, rate in (("ogg", 44_100), ("flac", 48_000), ("m4a", 44_100), ("mp3", 44_100)):
        path = write_sound(tmp_path / suffix / f"x.{suffix}", 1.0, rate, tags=tags)
        decoded = AudioFile(path).samples(8_000)
        assert sum(block.size for block in decoded) == pytest.approx(8_000, abs=1_000)
        better = with_tags(Track(path.name, AudioFile(path)), decoded.facts)
        assert better.keys == {"artist:monk"}, suffix
        assert better.metadata["title"] == "Blue Monk"


def test_a_linked_folder_is_looked_into_once_and_by_its_own_name(tmp_path: Path) -> None:
    lay(tmp_path / "elsewhere", "a.wav")
    lay(tmp_path / "music", "z/b.wav")
    for name in ("1", "2"):
        (tmp_path / "music" / name).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "music" / "a link").symlink_to("z")
    (tmp_path / "music" / "z" / "loop").symlink_to("..")
    (tmp_path / "music" / "self").symlink_to(".")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "music")
    assert titles(tmp_path / "music") == ["1/a.wav", "z/b.wav"]


def test_a_linked_file_is_a_track(tmp_path: Path) -> None:
    lay(tmp_path, "elsewhere/a.wav")
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "b.wav").symlink_to(tmp_path / "elsewhere" / "a.wav")
    assert titles(tmp_path / "music") == ["b.wav"]


def test_other_files_are_counted(tmp_path: Path) -> None:
    lay(tmp_path, "a.wav", "cover.JPG", "b/cover.jpg", "b/README")
    assert find_tracks(tmp_path).other == {".jpg": 2, "no ending": 1}


def test_tracks_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    lay(tmp_path, "b.wav", "a/z.wav", "c/a.wav", "a.wav")
    assert titles(tmp_path) == ["a/z.wav", "a.wav", "b.wav", "c/a.wav"]


def test_hidden_files_and_folders_are_left_alone(tmp_path: Path) -> None:
    lay(tmp_path, "a.wav", "._a.wav", ".trash/b.wav", "jazz/.hidden.mp3")
    assert titles(tmp_path) == ["a.wav"]
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
    assert titles(with_strange_things) == ["folder.wav/inside.mp3", "good.wav"]
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
    (only,) = find_tracks(tmp_path).tracks
    assert only.label == "caf\\udce9\\x1b[2J.wav"
    assert only.label.encode()


def test_a_folder_without_audio_says_what_was_found_and_what_is_taken(tmp_path: Path) -> None:
    lay(tmp_path, "a.txt", "b.txt", "cover.jpg", "README")
    with pytest.raises(DataError) as refusal:
        find_tracks(tmp_path)
    message = str(refusal.value)
    assert message.startswith("No valid audio files in ")
    for part in (
        "2 × .txt",
        "1 × .jpg",
        "1 × no ending",
        "WAV, MP3, FLAC, OGG, Opus, M4A, AU or AIFF",
        "min_clip_length",
    ):
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


def test_the_embedded_data_set_knows_styles_keys_and_chords() -> None:
    music = find_dataset(Data(demo_minutes=1.0), seed=0)
    assert music.refused == []
    assert len({each.title for each in music.tracks}) == len(music.tracks) >= 5
    assert all({"genre", "key", "tempo", "chords"} <= each.metadata.keys() for each in music.tracks)


def test_embedded_music_has_the_facts_of_what_it_plays() -> None:
    first, second = find_dataset(Data(demo_minutes=0.5), seed=0).tracks[:2]
    assert first.sound.content() != second.sound.content()
    rendering = first.sound.samples(8_000)
    (block,) = rendering
    assert rendering.facts.seconds == block.size / 8_000
    assert rendering.facts.peak == pytest.approx(10 ** (-1 / 20), abs=0.01)


def test_a_changed_file_is_another_sound_and_a_touched_one_has_the_same_content(tmp_path: Path) -> None:
    lay(tmp_path, "a.wav")
    sound = AudioFile(tmp_path / "a.wav")
    identity, content = sound.identity(), sound.content()
    os.utime(tmp_path / "a.wav", ns=(1, 1))
    assert sound.identity() != identity
    assert sound.content() == content
    (tmp_path / "a.wav").write_bytes(b"y")
    assert sound.content() != content


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(OSError, match="not a regular file"):
        AudioFile(tmp_path / "a.wav").content()


def test_tracks_can_be_sent_to_another_process(tmp_path: Path) -> None:
    lay(tmp_path, "jazz/Monk/a.wav")
    tracks = [*find_tracks(tmp_path).tracks, *find_dataset(Data(demo_minutes=0.5), seed=0).tracks]
    assert pickle.loads(pickle.dumps(tracks)) == tracks


def test_looking_for_music_loads_neither_torch_nor_a_decoder() -> None:
    program = (
        "import sys; from harmonic_core.data.sources import find_tracks; "
        "from harmonic_core.profile.sections import Data; "
        "find_tracks(Data(demo_minutes=0.5), 0);"
        "print(sorted({'torch', 'torchaudio', 'librosa', 'av', 'soundfile', 'soxr', 'textual'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
