"""Studies as readers find them: written down, left alone by whoever searched, or made by an older version."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import Best, Status, process_identity, write_status
from harmonic_core.run.studies import (
    Objective,
    Process,
    Study,
    Trial,
    list_studies,
    read_study,
    seen_study,
    study_file,
    trial_run,
    trials_from_runs,
    write_study,
)

MakeStatus = Callable[..., Status]
SEARCHING = Study(name="wide", state="searching", trials=(Trial(number=0, state="running", run="trial-0000"),))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of studies: `wide`, written down, and `old`, which has a database only; and something else."""
    for name in ("wide", "old", "no-study"):
        (tmp_path / "tuning" / name).mkdir(parents=True)
    write_study(tmp_path / "tuning" / "wide", SEARCHING)
    (tmp_path / "tuning" / "old" / "study.db").write_text("")
    os.utime(tmp_path / "tuning" / "old" / "study.db", (1.0, 1.0))
    return tmp_path / "tuning"


def test_a_study_is_read_as_it_was_written(root: Path) -> None:
    assert read_study(root / "wide") == SEARCHING


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"name": "x"}'])
def test_what_is_no_study_is_none(root: Path, content: bytes) -> None:
    study_file(root / "wide").write_bytes(content)
    assert read_study(root / "wide") is None
    assert read_study(root / "nowhere") is None


def test_a_newer_version_with_unknown_fields_is_understood(root: Path) -> None:
    known = json.loads(study_file(root / "wide").read_text())
    study_file(root / "wide").write_text(json.dumps({**known, "version": 7, "islands": 3}))
    assert read_study(root / "wide") == SEARCHING.model_copy(update={"version": 7})


def test_studies_are_found_with_the_most_recently_changed_first(root: Path) -> None:
    assert list_studies([root]) == [root / "wide", root / "old"]
    assert list_studies([root / "nowhere"]) == []


def test_the_study_of_a_trial_that_is_open_is_found_wherever_it_lies(root: Path) -> None:
    trial = RunDirectory(root / "wide" / "trial-0000")
    assert list_studies([], beside=trial) == [(root / "wide").resolve()]
    assert list_studies([], beside=RunDirectory(root / "no-study" / "run")) == []
    assert len(list_studies([root], beside=trial)) == 2


def test_a_search_whose_process_is_gone_is_lost() -> None:
    here = Process(**process_identity(os.getpid()))
    assert seen_study(SEARCHING.model_copy(update={"supervisor": here})) == "searching"
    gone = here.model_copy(update={"process_start": here.process_start - 100})
    assert seen_study(SEARCHING.model_copy(update={"supervisor": gone})) == "lost"
    elsewhere = gone.model_copy(update={"host": "elsewhere"})
    assert seen_study(SEARCHING.model_copy(update={"supervisor": elsewhere})) == "searching"
    assert seen_study(SEARCHING.model_copy(update={"supervisor": gone, "state": "finished"})) == "finished"


def test_a_trial_leads_nowhere_but_below_its_study(root: Path) -> None:
    assert trial_run(root, Trial(number=1, state="complete", run="../../etc")) == RunDirectory(root / "etc")
    assert trial_run(root, Trial(number=1, state="running")) is None


def test_trials_that_nobody_wrote_down_are_what_their_runs_tell(root: Path, status: MakeStatus) -> None:
    best = Best(epoch=3, step=30, val_loss=0.1, val_recon_db=5.5)
    told = {
        0: status(state="finished", epoch=5, best=best),
        1: status(state="failed", message="out of memory"),
        2: status(state="stopped", epoch=2, message="SIGTERM"),
        3: status(state="training", epoch=1),
        4: status(state="training", process_start=1.0),
    }
    for number, each in told.items():
        folder = root / "old" / f"trial-{number:04d}"
        folder.mkdir()
        write_status(folder / "status.json", each)
    (root / "old" / "trial-0009").mkdir()
    (root / "old" / "other").mkdir()
    trials = trials_from_runs(root / "old")
    assert [trial.state for trial in trials] == ["complete", "failed", "pruned", "running", "interrupted"]
    assert (trials[0].values, trials[0].epoch, trials[1].reason) == ({"recon_db": 5.5}, 5, "out of memory")
    assert [trial.run for trial in trials] == [f"trial-{number:04d}" for number in range(5)]


def test_of_two_values_the_better_one_depends_on_the_direction() -> None:
    assert Objective(name="recon_db").is_better(1.0, 2.0)
    assert not Objective(name="accuracy", direction="maximize").is_better(1.0, 2.0)
