"""The sounds of a run as a reader finds them, also where somebody else wrote the records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.samples import (
    Item,
    read_sample,
    read_samples,
    sample_items,
    sample_path,
    sample_steps,
    step_folder,
)


def record(**fields: Any) -> dict[str, Any]:
    return {
        "kind": "prior",
        "index": 0,
        "step": 4,
        "epoch": 1,
        "title": "prior 1",
        "files": {"prior": "prior-0.wav"},
        "duration_s": 3.0,
        "level_db": {"prior": -20.0},
        "envelope": [0.5],
        **fields,
    }


def put(run: RunDirectory, name: str, content: object) -> None:
    folder = step_folder(run, 4)
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))


def test_priors_come_first_and_each_kind_by_index(run: RunDirectory) -> None:
    put(run, "recon-0.json", record(kind="reconstruction", files={"original": "recon-0.original.wav"}))
    for index in (10, 2):
        put(run, f"prior-{index}.json", record(index=index))
    assert [(each.kind, each.index) for each in read_samples(run, 4)] == [
        ("prior", 2),
        ("prior", 10),
        ("reconstruction", 0),
    ]


def test_steps_are_numbers_in_order_and_unfinished_sets_are_not_among_them(run: RunDirectory) -> None:
    for name in ("step-00000010", "step-00000009", "step-123456789", ".step-00000011.ab.tmp", "step-x", "other"):
        (run.samples / name).mkdir()
    assert sample_steps(run) == [9, 10, 123_456_789]


def test_what_is_no_record_is_passed_over(run: RunDirectory) -> None:
    put(run, "prior-0.json", record())
    put(run, "prior-1.json", "{")
    put(run, "prior-2.json", [1])
    put(run, "prior-3.json", record(kind="song"))
    put(run, "prior-4.json", {**record(index=4), "colour": "blue"})
    assert [each.index for each in read_samples(run, 4)] == [0, 4]


def test_a_run_without_samples_has_none(tmp_path: Path) -> None:
    empty = RunDirectory(tmp_path / "nothing")
    assert sample_steps(empty) == []
    assert read_samples(empty, 4) == []


@pytest.mark.parametrize("name", ["/etc/x.wav", "../../../x.wav", "a/b/x.wav", "./x.wav"])
def test_a_recorded_path_never_leads_out_of_its_folder(run: RunDirectory, name: str) -> None:
    put(run, "prior-0.json", record(files={"prior": name}))
    (sample,) = read_samples(run, 4)
    assert sample_path(run, sample, "prior") == step_folder(run, 4) / "x.wav"


@pytest.mark.parametrize("name", ["", "..", "/", "../..", "profile.toml"])
def test_a_recorded_name_that_is_no_sound_makes_no_sample(run: RunDirectory, name: str) -> None:
    put(run, "prior-0.json", record(files={"prior": name}))
    assert read_samples(run, 4) == []


def test_items_are_known_by_the_names_of_files_alone(run: RunDirectory) -> None:
    put(run, "recon-0.json", "{")
    for index in (10, 2):
        put(run, f"prior-{index}.json", record(index=index))
    for name in ("prior-3.wav", "prior-x.json", ".prior-4.json.tmp", "about.json"):
        put(run, name, "")
    assert sample_items(run, 4) == [Item("prior", 2), Item("prior", 10), Item("reconstruction", 0)]
    assert read_sample(run, 4, Item("reconstruction", 0)) is None


def test_a_sample_is_what_its_place_says_whatever_its_record_says(run: RunDirectory) -> None:
    put(run, "prior-7.json", record(index=0, step=999))
    sample = read_sample(run, 4, Item("prior", 7))
    assert sample is not None
    assert (sample.step, sample.item) == (4, Item("prior", 7))


def test_of_a_large_set_no_more_is_read_than_is_wanted(run: RunDirectory) -> None:
    for index in range(5):
        put(run, f"prior-{index}.json", record(index=index))
    assert [each.index for each in read_samples(run, 4, 3)] == [0, 1, 2]
