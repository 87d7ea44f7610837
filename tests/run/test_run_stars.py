"""What a listener thinks of samples, kept in the run."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harmonic_core.errors import DiskError, RunError
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.samples import Item
from harmonic_core.run.stars import Spot, Star, keep_star, read_stars


def star(step: int = 4, index: int = 0, **thoughts: object) -> Star:
    return Star.model_validate({"step": step, "kind": "prior", "index": index, **thoughts})


def test_a_star_and_a_note_are_read_as_they_were_given(run: RunDirectory) -> None:
    keep_star(run, star(starred=True, title="prior 1"))
    keep_star(run, star(index=1, note="a clear bass\x1b[31m [red]"))
    kept = read_stars(run)
    assert list(kept) == [Spot(4, "prior", 0), Spot(4, "prior", 1)]
    assert kept[Spot(4, "prior", 0)].starred
    assert kept[Spot(4, "prior", 1)].note == "a clear bass\x1b[31m [red]"
    assert Spot(4, "prior", 1).item == Item("prior", 1)


def test_a_star_that_is_taken_back_goes_and_its_note_stays(run: RunDirectory) -> None:
    keep_star(run, star(starred=True))
    keep_star(run, star(index=1, starred=True, note="bright"))
    keep_star(run, star())
    assert list(keep_star(run, star(index=1, note="bright"))) == [Spot(4, "prior", 1)]
    assert not read_stars(run)[Spot(4, "prior", 1)].starred


def test_a_run_without_stars_has_none(tmp_path: Path) -> None:
    assert read_stars(RunDirectory(tmp_path / "nothing")) == {}


def test_what_a_newer_version_wrote_is_kept(run: RunDirectory) -> None:
    newer = {"step": 2, "kind": "prior", "index": 0, "starred": True, "stars": 4}
    run.stars.write_text(json.dumps({"version": 2, "listener": "me", "samples": [newer]}))
    keep_star(run, star())
    keep_star(run, star(starred=True))
    written = json.loads(run.stars.read_text())
    assert written["version"] == 2
    assert written["listener"] == "me"
    assert [each.get("stars") for each in written["samples"]] == [4, None]


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"samples": [{"step": "x"}]}'])
def test_a_file_that_cannot_be_understood_is_left_as_it_is(run: RunDirectory, content: str) -> None:
    run.stars.write_text(content)
    with pytest.raises(RunError, match="move the file away"):
        read_stars(run)
    with pytest.raises(RunError):
        keep_star(run, star(starred=True))
    assert run.stars.read_text() == content


def test_a_run_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="not kept"):
        keep_star(RunDirectory(tmp_path / "nothing"), star(starred=True))


def test_a_run_that_cannot_be_written_is_said_to_be(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    # What a directory that is read-only answers; the superuser may write there all the same.
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr("harmonic_core.run.stars.write_atomically", refuse)
    with pytest.raises(DiskError, match="Permission denied"):
        keep_star(run, star(starred=True))
