"""Where music goes, and what it says of itself."""

from pathlib import Path

import pytest

from harmonic_core.creating.places import free, music_paths, numbered, stem_of
from harmonic_core.creating.provenance import without_places
from harmonic_core.errors import DiskError, HarmonicError, ProfileError


def test_files_go_into_a_folder_of_their_own_as_wav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert music_paths(["a", "b"], None, None, None, force=False) == [Path("created/a.wav"), Path("created/b.wav")]
    assert music_paths(["a"], None, tmp_path, "FLAC", force=False) == [tmp_path / "a.flac"]
    assert music_paths(["a"], tmp_path / "x.ogg", None, "ogg", force=False) == [tmp_path / "x.ogg"]
    assert not list(tmp_path.iterdir())


def test_names_that_come_twice_are_numbered() -> None:
    assert numbered(["a", "b", "A", "a", "a-2"]) == ["a", "b", "A-2", "a-3", "a-2-2"]


def test_a_long_name_leaves_room_for_what_is_added_to_it() -> None:
    assert stem_of(Path("music/song.two.wav")) == "song.two"
    assert stem_of(Path(f"{'x' * 240}.wav")) == "x" * 100
    assert stem_of(Path(f"{'音' * 80}.wav")) == "音" * 33


@pytest.mark.parametrize(
    ("output", "folder", "ending", "names"),
    [
        ("x.aiff", None, None, ["a"]),
        ("x", None, None, ["a"]),
        ("x.wav", None, "ogg", ["a"]),
        ("x.wav", "there", None, ["a"]),
        ("x.wav", None, None, ["a", "b"]),
        (None, None, "aiff", ["a"]),
    ],
)
def test_places_that_contradict_themselves_are_refused(
    output: str | None, folder: str | None, ending: str | None, names: list[str]
) -> None:
    with pytest.raises(ProfileError) as caught:
        music_paths(names, Path(output) if output else None, Path(folder) if folder else None, ending, force=True)
    assert "\n" not in str(caught.value)


def test_nothing_is_overwritten_without_being_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.symlink_to("nowhere")
    with pytest.raises(HarmonicError, match=r"is there already.*--force"):
        free([tmp_path / "b.wav", path], force=False)
    assert free([path], force=True) == [path]


def test_a_place_that_cannot_be_written_is_known_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match="is no folder"):
        free([tmp_path / "file" / "deep" / "a.wav"], force=False)
    with pytest.raises(HarmonicError, match="is a folder"):
        free([tmp_path], force=True)


def test_no_place_of_this_machine_is_told_in_a_tag() -> None:
    words = [
        "harmonic",
        "generate",
        "/home/me/secret/run",
        "--like",
        "/home/me/song.wav",
        "-n",
        "8",
        "/",
        "/home/-x.wav",
    ]
    assert without_places(words) == ["harmonic", "generate", "run", "--like", "song.wav", "-n", "8", "/", "./-x.wav"]
