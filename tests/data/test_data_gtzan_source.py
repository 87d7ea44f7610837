"""GTZAN in every layout, its known faults, its fault-filtered division, and copies that are not whole."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from made_sets import GENRES, write_gtzan
from made_tracks import cached

from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.sources.gtzan import find_tracks
from harmonic_core.data.sources.gtzan_split import official_sides
from harmonic_core.data.split import Split, split_tracks
from harmonic_core.data.tracks import AudioFile, Music, Track
from harmonic_core.errors import DataError
from harmonic_core.profile.sections import Data
from harmonic_core.run.words import count

RANDOM = Data(dataset="gtzan")
FILTERED = Data(dataset="gtzan", split="fault_filtered")


def lay(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def whole(folder: Path) -> list[str]:
    return [f"genres/{genre}/{genre}.{number:05d}.wav" for genre in GENRES for number in range(100)]


def divided(music: Music, data: Data, seed: int = 0) -> Split:
    return split_tracks([CachedTrack(each, Path("x"), 1, None, each.title) for each in music.tracks], data, seed)


@pytest.mark.parametrize(
    "layout", ["genres", "genres_original", "Data/genres_original", "gtzan/genres", "", "a/b/c/d/My Copy"]
)
@pytest.mark.parametrize("suffix", ["wav", "au"])
def test_every_layout_in_use_is_read(tmp_path: Path, layout: str, suffix: str) -> None:
    names = [f"{genre}/{genre}.{number:05d}.{suffix}" for genre in GENRES for number in range(2)]
    lay(tmp_path / layout, *names)
    tracks = find_tracks(tmp_path, RANDOM).tracks
    assert [each.title for each in tracks] == names
    assert [each.metadata["genre"] for each in tracks] == [genre for genre in GENRES for _ in range(2)]
    assert all(isinstance(each.sound, AudioFile) and each.sound.path.is_file() for each in tracks)
    assert {each.source for each in tracks} == {"gtzan"}


def test_real_clips_decode_through_their_tracks(tmp_path: Path) -> None:
    write_gtzan(tmp_path, range(1), suffix="au", genres=("jazz", "rock"), seconds=1.0)
    for track in find_tracks(tmp_path, RANDOM).tracks:
        assert sum(block.size for block in track.sound.samples(22_050)) == 22_050


def test_pictures_and_tables_of_a_kaggle_copy_are_no_clips(tmp_path: Path) -> None:
    lay(tmp_path / "Data", "genres_original/jazz/jazz.00000.wav", "images_original/jazz/jazz00000.png", "features.csv")
    music = find_tracks(tmp_path, RANDOM)
    assert [each.title for each in music.tracks] == ["jazz/jazz.00000.wav"]
    assert music.other == {".png": 1, ".csv": 1}


def test_of_two_copies_the_fuller_one_is_used_and_the_other_named(tmp_path: Path) -> None:
    lay(
        tmp_path,
        "genres/jazz/jazz.00000.wav",
        "genres_original/jazz/jazz.00000.wav",
        "genres_original/pop/pop.00001.wav",
    )
    music = find_tracks(tmp_path, RANDOM)
    assert len(music.tracks) == 2
    assert any("genres_original are used, those in genres are not" in note for note in music.notes)


def test_one_clip_as_wav_and_as_au_is_on_one_side(tmp_path: Path) -> None:
    lay(tmp_path, *(f"jazz/jazz.{number:05d}.{suffix}" for number in range(20) for suffix in ("au", "wav")))
    for seed in range(5):
        split = divided(find_tracks(tmp_path, RANDOM), Data(validation_split=0.3), seed)
        assert len(split.validation) == 12
        assert {Path(each.track.title).stem for each in split.validation}.isdisjoint(
            Path(each.track.title).stem for each in split.training
        )


def test_what_a_mac_leaves_behind_is_ignored(tmp_path: Path) -> None:
    lay(tmp_path, "genres/jazz/jazz.00000.wav", "genres/jazz/._jazz.00000.wav", "__MACOSX/genres/jazz/._jazz.00000.wav")
    music = find_tracks(tmp_path, RANDOM)
    assert [each.title for each in music.tracks] == ["jazz/jazz.00000.wav"]
    assert music.refused == []


def test_the_lists_are_those_that_torchaudio_carries() -> None:
    program = (
        "import json; from torchaudio.datasets import gtzan; "
        "print(json.dumps([gtzan.filtered_train, gtzan.filtered_valid, gtzan.filtered_test]))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    theirs = dict(zip(("train", "validation", "test"), json.loads(run.stdout), strict=True))
    ours = {side: [clip for clip, at in official_sides().items() if at == side] for side in theirs}
    assert {side: len(clips) for side, clips in ours.items()} == {"train": 443, "validation": 197, "test": 290}
    assert {side: sorted(clips) for side, clips in ours.items()} == {
        side: sorted(clips) for side, clips in theirs.items()
    }


def test_the_fault_filtered_division_is_443_197_290_and_70_left_out(tmp_path: Path) -> None:
    lay(tmp_path, *whole(tmp_path))
    music = find_tracks(tmp_path, FILTERED)
    split = divided(music, FILTERED)
    assert [len(side) for side in (split.training, split.validation, split.aside)] == [443, 197, 290]
    assert split.notes == ()
    (note,) = music.notes
    assert "443 clips to train on, 197 to validate on, 290 to test on, which are kept aside; 70 left out" in note


def test_at_random_every_genre_is_held_out_alike_and_all_clips_are_used(tmp_path: Path) -> None:
    lay(tmp_path, *whole(tmp_path))
    music = find_tracks(tmp_path, RANDOM)
    split = divided(music, Data(validation_split=0.1))
    assert music.notes == ()
    assert Counter(each.track.metadata["genre"] for each in split.validation) == dict.fromkeys(GENRES, 10)
    assert len(split.training) == 900


def test_known_faults_are_flagged(tmp_path: Path) -> None:
    lay(tmp_path, *whole(tmp_path))
    faults = {Path(each.title).stem: each.fault for each in find_tracks(tmp_path, RANDOM).tracks if each.fault}
    assert len(faults) == 71
    assert faults.keys() - official_sides().keys() == faults.keys() - {"jazz.00054"}
    assert "cannot be decoded in many copies" in (faults["jazz.00054"] or "")


def test_missing_and_surplus_files_are_reported(tmp_path: Path) -> None:
    lay(tmp_path, *whole(tmp_path), "genres/pop/my song [b].wav", "genres/pop/pop.00100.wav")
    for name in ("blues.00003", "rock.00099"):
        (tmp_path / "genres" / name.split(".")[0] / f"{name}.wav").unlink()
    music = find_tracks(tmp_path, RANDOM)
    assert music.notes == (
        f"GTZAN: 2 of its {count(1000)} clips not there: blues.00003, rock.00099",
        "GTZAN: 2 files more than its clips: my song [b].wav, pop.00100.wav",
    )
    assert len(music.tracks) == 1000
    assert len(find_tracks(tmp_path, FILTERED).tracks) == 930 - len(
        {"blues.00003", "rock.00099"} & official_sides().keys()
    )


def test_a_folder_without_genres_names_the_way_out(tmp_path: Path) -> None:
    lay(tmp_path, "music/a.wav", "jazz/notes.txt")
    with pytest.raises(DataError, match=r"no genre folders of GTZAN .*harmonic data download gtzan --dataset-dir"):
        find_tracks(tmp_path, RANDOM)


def test_clips_of_other_names_cannot_be_divided_by_the_lists(tmp_path: Path) -> None:
    lay(tmp_path, "jazz/a.wav", "rock/b.wav")
    assert len(find_tracks(tmp_path, RANDOM).tracks) == 2
    with pytest.raises(DataError, match=r"fault-filtered division.*--split random"):
        find_tracks(tmp_path, FILTERED)


def test_no_escape_code_of_a_name_gets_into_a_note(tmp_path: Path) -> None:
    lay(tmp_path, "jazz/jazz.00000.wav", "jazz/\x1b[2J.wav")
    assert not any("\x1b" in note for note in find_tracks(tmp_path, RANDOM).notes)


def test_a_track_of_gtzan_keeps_its_genre_whatever_the_tags_say() -> None:
    from harmonic_core.audio.facts import SoundFacts
    from harmonic_core.data.tracks import with_tags

    track = Track("jazz/a.wav", cached("a").track.sound, metadata={"genre": "jazz"}, source="gtzan")
    tags = {"genre": "Pop", "artist": "x"}
    facts = SoundFacts(container="wav", codec="", decoder="none", sample_rate=8_000, channels=1, seconds=1.0, tags=tags)
    assert with_tags(track, facts) == track
