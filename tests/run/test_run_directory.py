"""Where a run lies, how one is found, what `--resume-from` may name, and that only one trainer works in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from harmonic_core.errors import DiskError, RunError
from harmonic_core.run.directory import RunDirectory, default_directory, list_runs, open_run
from harmonic_core.run.lock import hold_lock
from harmonic_core.run.origin import read_starts, record_start
from harmonic_core.run.resume import find_resume_point
from harmonic_core.run.status import Status, write_status


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make_run(path: Path, touched: float = 0.0) -> RunDirectory:
    run = RunDirectory(path)
    run.create()
    run.profile.write_text("")
    os.utime(run.profile, (touched, touched))
    return run


def test_a_new_run_has_its_folders_and_a_second_one_is_refused_there(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a" / "b")
    assert run.control.is_dir()
    assert run.checkpoints.is_dir()
    assert run.samples.is_dir()
    with pytest.raises(RunError, match=r"already here; .*--resume-from"):
        run.create()


def test_a_place_that_cannot_be_written_is_a_disk_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match="cannot be made"):
        RunDirectory(tmp_path / "file" / "run").create()


def test_two_runs_started_in_the_same_second_get_different_directories(here: Path) -> None:
    now = datetime(2026, 1, 2, 3, 4, 5)
    first = default_directory("demo", now)
    first.create()
    assert first.path == Path("runs/demo-20260102-030405")
    assert default_directory("demo", now).path == Path("runs/demo-20260102-030405-2")


def test_a_run_is_found_by_path_and_by_name_under_runs_and_output(here: Path) -> None:
    one, two = make_run(here / "runs" / "one"), make_run(here / "output" / "two")
    assert open_run("one").path.resolve() == one.path
    assert open_run("two").path.resolve() == two.path
    assert open_run(one.path) == one


def test_the_most_recent_run_comes_first_and_other_folders_are_no_runs(here: Path) -> None:
    make_run(here / "runs" / "old", 1_000)
    make_run(here / "output" / "new", 3_000)
    make_run(here / "runs" / "middle", 2_000)
    (here / "runs" / "notes").mkdir()
    assert [run.name for run in list_runs()] == ["new", "middle", "old"]


def test_an_unknown_run_names_those_there_are_or_how_to_start_one(here: Path) -> None:
    with pytest.raises(RunError, match="no such run; there are no runs yet"):
        open_run("nothing")
    make_run(here / "runs" / "one")
    with pytest.raises(RunError, match="there are: one"):
        open_run("nothing")
    (here / "plain").mkdir()
    with pytest.raises(RunError, match="not a run"):
        open_run("plain")


def test_resume_from_takes_a_run_a_checkpoint_or_an_export(here: Path) -> None:
    run = make_run(here / "runs" / "one")
    checkpoint, export = run.checkpoints / "step-00000004", run.export("best")
    checkpoint.mkdir()
    export.write_bytes(b"")
    for path in (run.path, checkpoint, export, Path("one")):
        assert find_resume_point(path).continues(run)
    assert find_resume_point(checkpoint).checkpoint == checkpoint
    assert find_resume_point(export).export == export
    loose = here / "copied.pt"
    loose.write_bytes(b"")
    assert find_resume_point(loose).run is None
    assert not find_resume_point(loose).continues(run)
    assert not find_resume_point(run.path).continues(make_run(here / "runs" / "two"))


@pytest.mark.parametrize("name", ["model.ckpt", "nothing", "runs"])
def test_resume_from_anything_else_is_refused(here: Path, name: str) -> None:
    make_run(here / "runs" / "one")
    (here / "model.ckpt").write_bytes(b"")
    with pytest.raises(RunError):
        find_resume_point(Path(name))


HOLD = (
    "import pathlib, sys\n"
    "from harmonic_core.run.directory import RunDirectory\n"
    "from harmonic_core.run.lock import hold_lock\n"
    "with hold_lock(RunDirectory(pathlib.Path(sys.argv[1]))):\n"
    "    print('held', flush=True)\n"
    "    input()\n"
)


@pytest.fixture
def holder(run: RunDirectory) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of `run`."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(run.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_trainer_is_refused_and_told_who_is_there(run: RunDirectory, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(RunError, match=rf"process {holder.pid}\b.*harmonic control"), hold_lock(run):
        pass


def test_the_lock_of_a_killed_trainer_is_free(run: RunDirectory, holder: subprocess.Popen[str]) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with hold_lock(run):
        assert run.lock.read_text() == f"{os.getpid()}\n"


def test_the_lock_is_free_after_the_block(run: RunDirectory) -> None:
    for _ in range(2):
        with hold_lock(run):
            pass


def test_origin_keeps_every_start_with_versions_and_where_values_came_from(run: RunDirectory) -> None:
    record_start(run, {"train.epochs": "--set"}, device={"kind": "cpu"})
    record_start(run, {}, resumed_from="checkpoints/step-00000004")
    first, second = read_starts(run)
    assert first["values"] == {"train.epochs": "--set"}
    assert first["device"] == {"kind": "cpu"}
    assert {"harmonic-vae", "python", "torch"} <= first["versions"].keys()
    assert second["resumed_from"] == "checkpoints/step-00000004"
    assert first["time"] <= second["time"] <= time.time()


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"starts": 3})])
def test_an_unreadable_origin_does_not_prevent_a_start(run: RunDirectory, content: str) -> None:
    run.origin.write_text(content)
    record_start(run, {})
    assert len(read_starts(run)) == 1


def test_arguments_that_are_no_text_are_recorded(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["harmonic", "caf\udce9"])
    record_start(run, {})
    assert read_starts(run)[0]["argv"] == ["harmonic", "caf\udce9"]


def test_a_run_exists_as_soon_as_it_has_a_status(tmp_path: Path, status: Callable[..., Status]) -> None:
    run = RunDirectory(tmp_path)
    assert not run.exists()
    write_status(run.status, status())
    assert run.exists()
