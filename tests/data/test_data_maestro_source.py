"""MAESTRO in every version of its list, whole and in part, and what hostile or broken lists come to."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_sets import Performance, Version, performances, write_list, write_maestro

from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.sources.maestro import find_tracks
from harmonic_core.data.sources.maestro_choice import some_hours
from harmonic_core.data.sources.maestro_metadata import Recording, read_metadata
from harmonic_core.data.split import Split, split_tracks
from harmonic_core.data.tracks import Music
from harmonic_core.errors import DataError
from harmonic_core.profile.sections import Data

ALL = Data(dataset="maestro")
RANDOM = Data(dataset="maestro", split="random", validation_split=0.25)


def lay(folder: Path, recordings: list[Performance], version: Version = "v3-csv") -> Path:
    """Write the list, and files that nobody decodes."""
    write_list(folder, recordings, version)
    for each in recordings:
        if each.written:
            (folder / each.audio).parent.mkdir(exist_ok=True)
            (folder / each.audio).write_bytes(b"x")
    return folder


def divided(music: Music, data: Data, seed: int = 0) -> Split:
    return split_tracks([CachedTrack(each, Path("x"), 1, None, each.title) for each in music.tracks], data, seed)


def titles(music: Music) -> list[str]:
    return [each.title for each in music.tracks]


@pytest.mark.parametrize("version", get_args(Version))
def test_every_version_of_the_list_tells_the_same(tmp_path: Path, version: Version) -> None:
    recordings = performances()
    music = find_tracks(lay(tmp_path, recordings, version), ALL)
    assert titles(music) == [each.audio for each in recordings]
    assert [each.metadata for each in music.tracks] == [
        {"composer": each.composer, "title": each.title, "year": str(each.year), "split": each.split}
        for each in recordings
    ]
    assert [each.side for each in music.tracks] == ["train"] * 8 + ["validation"] * 2 + ["test"] * 2
    assert music.notes == (
        "MAESTRO, official division: 8 recordings to train on, 2 to validate on, 2 to test on, which are kept aside",
    )


def test_real_recordings_decode_through_their_tracks(tmp_path: Path) -> None:
    write_maestro(tmp_path, performances(1, 1, 0, seconds=1.0))
    for track in find_tracks(tmp_path, ALL).tracks:
        assert sum(block.size for block in track.sound.samples(22_050)) == 22_050


@pytest.mark.parametrize("below", ["maestro-v3.0.0", "maestro/maestro-v3.0.0"])
def test_the_list_may_lie_a_folder_or_two_below(tmp_path: Path, below: str) -> None:
    (tmp_path / below).parent.mkdir(exist_ok=True)
    lay(tmp_path / below, performances())
    assert len(find_tracks(tmp_path, ALL).tracks) == 12


def test_the_newest_of_several_lists_counts(tmp_path: Path) -> None:
    lay(tmp_path, performances(), "v3-json")
    write_list(tmp_path, performances(2, 0, 0), "v2-csv")
    assert len(find_tracks(tmp_path, ALL).tracks) == 12


def test_test_recordings_are_neither_trained_nor_validated_on(tmp_path: Path) -> None:
    split = divided(find_tracks(lay(tmp_path, performances(6, 2, 3)), ALL), ALL)
    assert [len(side) for side in (split.training, split.validation, split.aside)] == [6, 2, 3]


def test_a_partial_copy_says_what_is_not_there_and_what_is_not_listed(tmp_path: Path) -> None:
    recordings = [replace(each, written=i % 4 == 0) for i, each in enumerate(performances(40, 8, 8))]
    lay(tmp_path, recordings)
    (tmp_path / "2004" / "bootleg.wav").write_bytes(b"x")
    music = find_tracks(tmp_path, ALL)
    assert titles(music) == [each.audio for each in recordings if each.written]
    assert music.notes[0].startswith("MAESTRO: 42 of 56 recordings not there: 2008/MIDI-Unprocessed_01.wav, ")
    assert music.notes[0].endswith(", …")
    assert music.notes[1] == "MAESTRO: 1 file not in its list, and not used: 2004/bootleg.wav"


def test_recordings_that_were_made_smaller_are_still_found(tmp_path: Path) -> None:
    lay(tmp_path, performances())
    for path in tmp_path.rglob("*.wav"):
        path.rename(path.with_suffix(".flac"))
    music = find_tracks(tmp_path, ALL)
    assert len(music.tracks) == 12
    assert all(each.title.endswith(".flac") for each in music.tracks)


def test_composers_are_found_by_part_of_the_name_without_case_and_accents(tmp_path: Path) -> None:
    lay(tmp_path, performances())
    for asked, found in (("CHOPIN", {"Frédéric Chopin"}), ("dvorak", {"Antonín Dvořák / Alfred Cortot"})):
        music = find_tracks(tmp_path, Data(dataset="maestro", composers=(asked,)))
        assert {each.metadata["composer"] for each in music.tracks} == found


def test_years_and_parts_choose(tmp_path: Path) -> None:
    lay(tmp_path, performances())
    music = find_tracks(tmp_path, Data(dataset="maestro", years=(2004, 2018), official_parts=("train", "validation")))
    assert {each.metadata["year"] for each in music.tracks} == {"2004", "2018"}
    assert {each.metadata["split"] for each in music.tracks} == {"train", "validation"}


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"composers": ("Madonna",)}, "no recordings of Madonna; there are Antonín Dvořák"),
        ({"years": (1999,)}, "no recordings of 1999; it has 2004, 2008, 2018"),
        ({"official_parts": ("test",)}, "no recordings of test"),
    ],
)
def test_a_choice_of_nothing_says_what_there_is(tmp_path: Path, asked: dict[str, Any], answer: str) -> None:
    lay(tmp_path, performances(8, 2, 0))
    with pytest.raises(DataError, match=answer):
        find_tracks(tmp_path, Data(dataset="maestro", **asked))


recordings_of_any_kind = st.lists(
    st.tuples(st.sampled_from(["train", "train", "train", "validation", "test"]), st.floats(30, 2400)),
    min_size=1,
    max_size=60,
).map(
    lambda parts: [
        Recording("c", f"t{i}", side, 2004, f"2004/{i}.wav", seconds)  # type: ignore[arg-type]
        for i, (side, seconds) in enumerate(parts)
    ]
)


@settings(max_examples=150, deadline=None)
@given(recordings=recordings_of_any_kind, less=st.floats(0.01, 10), more=st.floats(0.01, 10))
def test_a_smaller_amount_of_hours_lies_within_a_larger_one(
    recordings: list[Recording], less: float, more: float
) -> None:
    less, more = sorted((less, more))
    small, large = some_hours(recordings, less), some_hours(recordings, more)
    assert small
    assert {each.audio for each in small} <= {each.audio for each in large}
    total = sum(each.seconds for each in recordings)
    longest = max(each.seconds for each in recordings)
    assert abs(sum(each.seconds for each in small) - min(less * 3600, total)) <= max(longest, small[0].seconds)


def test_hours_come_from_all_parts_in_proportion_and_from_each_first(tmp_path: Path) -> None:
    recordings = [replace(each, seconds=600.0) for each in performances(96, 14, 18)]
    lay(tmp_path, recordings)

    def parts(hours: float) -> Counter[str]:
        return Counter(each.metadata["split"] for each in find_tracks(tmp_path, Data(hours=hours)).tracks)

    assert parts(0.5) == {"train": 1, "validation": 1, "test": 1}
    assert parts(128 / 12) == {"train": 48, "validation": 7, "test": 9}
    assert titles(find_tracks(tmp_path, Data(hours=3.0))) == titles(find_tracks(tmp_path, Data(hours=3.0)))
    assert any("21.3 of the 30 hours" in note for note in find_tracks(tmp_path, Data(hours=30)).notes)


def test_hours_are_chosen_among_what_is_there(tmp_path: Path) -> None:
    recordings = [replace(each, seconds=3600.0, written=i % 2 == 0) for i, each in enumerate(performances(20, 4, 4))]
    assert len(find_tracks(lay(tmp_path, recordings), Data(hours=10.0)).tracks) == 10


def test_at_random_one_piece_is_on_one_side_however_it_is_spelt(tmp_path: Path) -> None:
    spellings = ("Fantasy, Op. {}", "Fantasy Op.{} in B Minor", "FANTASY,  op. {}")
    recordings = [
        Performance("Alexander Scriabin", spellings[i % 3].format(i // 3 + 1), "train", 2004, f"r{i}")
        for i in range(60)
    ]
    music = find_tracks(lay(tmp_path, recordings), RANDOM)
    assert all(each.side is None for each in music.tracks)
    for seed in range(5):
        split = divided(music, RANDOM, seed)
        held_out = {int(each.track.title[6:-4]) // 3 for each in split.validation}
        assert len(split.validation) == 15
        assert not held_out & {int(each.track.title[6:-4]) // 3 for each in split.training}


@pytest.mark.parametrize("parts", [("train",), ("train", "test")])
def test_without_an_official_validation_part_pieces_are_divided_and_it_is_said(
    tmp_path: Path, parts: tuple[Any, ...]
) -> None:
    data = Data(dataset="maestro", official_parts=parts, validation_split=0.25)
    music = find_tracks(lay(tmp_path, performances(12, 4, 4)), data)
    split = divided(music, data)
    assert (len(split.training), len(split.validation)) == (9, 3)
    assert all(each.track.metadata["split"] == "test" for each in split.aside)
    assert "no recordings to validate on" in music.notes[-1]
    assert "12 others are divided at random by composition" in music.notes[-1]


def test_the_test_part_alone_is_not_trained_on_unless_divided_anew(tmp_path: Path) -> None:
    data = Data(dataset="maestro", official_parts=("test",))
    music = find_tracks(lay(tmp_path, performances(4, 4, 8)), data)
    with pytest.raises(DataError, match="--split random"):
        divided(music, data)
    anew = data.model_copy(update={"split": "random"})
    assert len(divided(find_tracks(tmp_path, anew), anew).training) == 7


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside.wav", "2004/../../outside.wav"])
def test_a_list_that_names_paths_outside_its_folder_gets_nothing_from_there(tmp_path: Path, name: str) -> None:
    folder = lay(tmp_path / "maestro", performances())
    (tmp_path / "outside.wav").write_bytes(b"x")
    path = folder / "maestro-v3.0.0.csv"
    path.write_text(path.read_text().replace("2004/MIDI-Unprocessed_00.wav", name))
    music = find_tracks(folder, ALL)
    assert len(music.tracks) == 11
    assert [str(each) for each in music.refused] == [f"{name}: the list names a path outside of its folder"]


def test_links_out_of_the_folder_are_not_followed_and_named(tmp_path: Path) -> None:
    folder = lay(tmp_path / "maestro", performances())
    for target, link in (("outside.wav", "2004/MIDI-Unprocessed_00.wav"), ("elsewhere", "2019")):
        (tmp_path / target).mkdir() if "." not in target else (tmp_path / target).write_bytes(b"x")
        (folder / link).unlink(missing_ok=True)
        (folder / link).symlink_to(tmp_path / target)
    music = find_tracks(folder, ALL)
    assert len(music.tracks) == 11
    assert {each.title: each.reason for each in music.refused} == dict.fromkeys(
        ("2004/MIDI-Unprocessed_00.wav", "2019"), "is a link that leads out of the folder"
    )


def test_a_recording_that_is_listed_twice_is_taken_once_and_held_out_if_one_line_does(tmp_path: Path) -> None:
    recordings = performances()
    lay(tmp_path, [*recordings, replace(recordings[0], split="test")])
    music = find_tracks(tmp_path, ALL)
    assert len(music.tracks) == 12
    assert music.tracks[0].side == "test"
    assert "listed more than once: 1" in music.notes[0]


HEADER = "canonical_composer,canonical_title,split,year,midi_filename,audio_filename,duration\n"
GOOD = "Liszt,Sonata,train,2004,a.midi,2004/a.wav,61.5\n"


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("maestro-v3.0.0.csv", "", "line 1: no column canonical_composer, canonical_title"),
        ("maestro-v3.0.0.csv", HEADER.replace("split,", "") + GOOD, "line 1: no column split"),
        ("maestro-v3.0.0.csv", HEADER, "lists no recordings"),
        ("maestro-v3.0.0.csv", HEADER + GOOD + "Liszt,Sonata,train\n", "line 3: no audio_filename|line 3: no year"),
        (
            "maestro-v3.0.0.csv",
            HEADER + GOOD.replace("train", "tra\x1bin"),
            r"line 2: split is 'tra\\+x1bin'; it can be",
        ),
        ("maestro-v3.0.0.csv", HEADER + GOOD.replace("61.5", "long"), "line 2: duration is 'long'"),
        ("maestro-v3.0.0.csv", HEADER + GOOD.replace("61.5", "nan"), "line 2: duration is 'nan'"),
        ("maestro-v3.0.0.csv", HEADER + GOOD.replace("2004,", "MMIV,"), "line 2: year is 'MMIV'"),
        ("maestro-v3.0.0.csv", HEADER + f"{'x' * 200_000},{GOOD}", "line 2: field larger than"),
        ("maestro-v3.0.0.csv", (HEADER + GOOD).encode("utf-16"), "is not UTF-8 text"),
        ("maestro-v3.0.0.json", '{"split": {"0": "train"}', "line 1, column 25"),
        ("maestro-v3.0.0.json", '{"split": {"0": "train"}}', "no column canonical_composer, canonical_title"),
        ("maestro-v3.0.0.json", "[" * 100_000, "recursion|line 1"),
        ("maestro-v3.0.0.json", "7", "is neither a list nor an object"),
        ("maestro-v2.0.0.json", "[7]", "recording 1: is no object"),
        ("maestro-v2.0.0.json", '[{"canonical_composer": null}]', "recording 1: no "),
    ],
)
def test_a_malformed_list_is_named_with_the_place(
    tmp_path: Path, name: str, content: str | bytes, complaint: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=complaint) as refusal:
        find_tracks(tmp_path, ALL)
    message = str(refusal.value)
    assert message.startswith(str(path))
    assert "harmonic data download maestro" in message
    assert "\x1b" not in message


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_mutation_of_a_list_is_more_than_a_data_error(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("lists")
    version: Version = data.draw(st.sampled_from(get_args(Version)))
    path = write_list(folder, performances(3, 1, 1), version)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        content[start : start + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=6))
    path.write_bytes(content)
    complaint = ""
    try:
        recordings = read_metadata(path)
    except DataError as error:
        complaint, recordings = str(error), []
    assert recordings or path.name in complaint


def test_a_list_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    lay(tmp_path, performances())
    path = tmp_path / "maestro-v3.0.0.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(find_tracks(tmp_path, ALL).tracks) == 12


def test_columns_in_another_order_and_more_of_them_do_not_matter(tmp_path: Path) -> None:
    lay(tmp_path, performances())
    path = tmp_path / "maestro-v3.0.0.csv"
    rows = [dict(reversed(row.items()), more="1") for row in csv.DictReader(path.open(encoding="utf-8"))]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert len(find_tracks(tmp_path, ALL).tracks) == 12


def test_a_folder_without_a_list_and_one_without_recordings_name_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no list of MAESTRO's recordings .*harmonic data download maestro --hours 10"):
        find_tracks(tmp_path, ALL)
    write_list(tmp_path, performances())
    with pytest.raises(DataError, match=r"none of the 12 recordings .*harmonic data download maestro"):
        find_tracks(tmp_path, ALL)


def test_no_escape_code_of_a_list_gets_into_a_note_or_a_message(tmp_path: Path) -> None:
    recordings = [
        replace(each, composer="\x1b[2J", name=f"\x1b[31m{i}", written=i > 2) for i, each in enumerate(performances())
    ]
    music = find_tracks(lay(tmp_path, recordings, "v2-json"), ALL)
    assert not any("\x1b" in note for note in music.notes)
    with pytest.raises(DataError) as refusal:
        find_tracks(tmp_path, Data(dataset="maestro", composers=("\x1b]0;x",)))
    assert "\x1b" not in str(refusal.value)
    assert json.loads((tmp_path / "maestro-v2.0.0.json").read_text())[0]["canonical_composer"] == "\x1b[2J"
