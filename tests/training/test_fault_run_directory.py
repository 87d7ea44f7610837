"""Directories that vanish or cannot be written, locks of the living and the dead, and clocks that jump."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from programs import known_status
from same_runs import assert_same
from small_disk import is_mounted
from tiny_run import EPOCHS, STEPS_PER_EPOCH, Train

from harmonic_core.errors import DiskError, ExitCode, RunError
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import Status, is_alive, process_identity, seen_state
from harmonic_core.training import loop
from harmonic_core.training.update import update_weights

STEPS = EPOCHS * STEPS_PER_EPOCH
BeforeUpdate = Callable[[int, Callable[[], object]], None]


@pytest.fixture
def before_update(monkeypatch: pytest.MonkeyPatch) -> BeforeUpdate:
    """Does something before the update after N updates."""

    def arrange(step: int, happens: Callable[[], object]) -> None:
        def update_after(state: Any, *arguments: Any, **named: Any) -> bool:
            if state.step == step:
                happens()
            return update_weights(state, *arguments, **named)

        monkeypatch.setattr(loop, "update_weights", update_after)

    return arrange


@pytest.fixture
def make_read_only() -> Iterator[Callable[[Path], None]]:
    """Lets nobody write into a folder any more, not even root where mounting is allowed."""
    mounted: list[Path] = []
    closed: list[Path] = []

    def forbid(folder: Path) -> None:
        if is_mounted(["--bind", str(folder)], folder):
            mounted.append(folder)
            assert is_mounted(["-o", "remount,bind,ro"], folder)
            return
        closed.extend([folder, *(path for path in folder.rglob("*") if path.is_dir())])
        for path in closed:
            path.chmod(0o500)

    yield forbid
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
    for folder in closed:
        folder.chmod(0o700)


@pytest.mark.parametrize("way", ["removed", "renamed"])
@pytest.mark.parametrize("then", ["goes on", "is told to stop"])
def test_a_run_whose_directory_vanishes_says_so_and_makes_no_other(
    tmp_path: Path, train_in: Train, before_update: BeforeUpdate, way: str, then: str
) -> None:
    run = RunDirectory(tmp_path / "run")

    def vanish() -> None:
        if way == "removed":
            shutil.rmtree(run.path)
        else:
            run.path.rename(tmp_path / "elsewhere")
        if then == "is told to stop":
            signal.raise_signal(signal.SIGTERM)

    before_update(5, vanish)
    with pytest.raises(DiskError, match=rf"{run.path}: the run directory is gone .*bring it back") as failure:
        train_in(run.path)
    assert failure.value.exit_code == ExitCode.DISK
    assert not run.path.exists()


def test_a_run_that_is_brought_back_goes_on_as_if_nothing_had_been(
    tmp_path: Path,
    train_in: Train,
    before_update: BeforeUpdate,
    finished: RunDirectory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = RunDirectory(tmp_path / "run")
    before_update(5, lambda: run.path.rename(tmp_path / "elsewhere"))
    with pytest.raises(DiskError):
        train_in(run.path)
    monkeypatch.undo()
    (tmp_path / "elsewhere").rename(run.path)
    assert train_in(run.path, resume_from=run.path) == ExitCode.OK
    assert_same(run, finished, STEPS)


def test_a_directory_that_becomes_read_only_ends_the_run_with_a_plain_word(
    tmp_path: Path, train_in: Train, before_update: BeforeUpdate, make_read_only: Callable[[Path], None]
) -> None:
    run = RunDirectory(tmp_path / "run")
    before_update(5, lambda: make_read_only(run.path))
    with pytest.raises(DiskError, match=r"(read-only file system|permission denied); make it writable") as failure:
        train_in(run.path)
    assert failure.value.exit_code == ExitCode.DISK
    assert f"--resume-from {run.path}" in str(failure.value)


def test_a_run_cannot_be_made_or_continued_where_nothing_can_be_written(
    tmp_path: Path, train_in: Train, finished: RunDirectory, make_read_only: Callable[[Path], None]
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    make_read_only(place)
    with pytest.raises(DiskError, match="cannot be made"):
        train_in(place / "run")
    make_read_only(finished.path)
    with pytest.raises(DiskError, match="make it writable"):
        train_in(finished.path, "train.epochs=5", resume_from=finished.path)


def test_a_cache_that_vanishes_while_training_is_named_and_made_again(
    tmp_path: Path,
    train_in: Train,
    before_update: BeforeUpdate,
    finished: RunDirectory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, cache = RunDirectory(tmp_path / "run"), tmp_path / "cache"
    before_update(5, lambda: shutil.rmtree(cache, ignore_errors=True))
    with pytest.raises(DiskError, match=rf"{cache}.*no such file.*--resume-from {run.path}") as failure:
        train_in(run.path, f"data.cache_dir={cache}")
    assert failure.value.exit_code == ExitCode.DISK == known_status(run).exit_code
    monkeypatch.undo()
    assert train_in(run.path, f"data.cache_dir={cache}", resume_from=run.path) == ExitCode.OK
    assert_same(run, finished, STEPS)


def test_a_cache_that_is_gone_when_a_run_is_continued_is_made_again(
    tmp_path: Path,
    train_in: Train,
    before_update: BeforeUpdate,
    finished: RunDirectory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, cache = RunDirectory(tmp_path / "run"), tmp_path / "cache"
    before_update(6, lambda: signal.raise_signal(signal.SIGTERM))
    assert train_in(run.path, f"data.cache_dir={cache}") == ExitCode.TERMINATED
    monkeypatch.undo()
    shutil.rmtree(cache)
    assert train_in(run.path, f"data.cache_dir={cache}", resume_from=run.path) == ExitCode.OK
    assert_same(run, finished, STEPS)


def test_the_lock_of_another_living_trainer_is_respected_and_names_it(train_in: Train, finished: RunDirectory) -> None:
    before = {path: path.read_bytes() for path in finished.path.rglob("*") if path.is_file() and path != finished.lock}
    holding = (
        "import sys; from pathlib import Path; from harmonic_core.run.directory import RunDirectory\n"
        "from harmonic_core.run.lock import hold_lock\n"
        "with hold_lock(RunDirectory(Path(sys.argv[1]))): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", holding, str(finished.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RunError, match=rf"another trainer \(process {other.pid}\) works on this run"):
            train_in(finished.path, "train.epochs=9", resume_from=finished.path)
        other.kill()
    assert {path: path.read_bytes() for path in before} == before
    # Whoever held it is dead, and the kernel knows.
    assert train_in(finished.path, "train.epochs=4", resume_from=finished.path) == ExitCode.OK


def test_a_number_in_a_stale_lock_means_nothing_even_if_another_process_has_it_now(
    train_in: Train, finished: RunDirectory
) -> None:
    finished.lock.write_text(f"{os.getppid()}\n")
    assert train_in(finished.path, "train.epochs=4", resume_from=finished.path) == ExitCode.OK
    assert finished.lock.read_text() == f"{os.getpid()}\n"


def told(pid: int, **fields: Any) -> Status:
    now = time.time()
    return Status(state="training", started_at=now, heartbeat=now, **{**process_identity(pid), **fields})


def test_a_number_that_another_process_has_now_is_not_the_trainer() -> None:
    mine = told(os.getpid())
    assert is_alive(mine)
    assert is_alive(mine.model_copy(update={"process_start": mine.process_start - 100})) is False
    assert seen_state(mine.model_copy(update={"process_start": mine.process_start - 100})) == "lost"
    assert is_alive(mine.model_copy(update={"boot": "another"})) is False


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0])
def test_a_clock_that_was_set_does_not_turn_a_living_trainer_into_another_process(
    monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    """Linux reckons both the boot and the start of a process from the clock, so that both move with it."""
    before = told(os.getpid())
    created, booted = psutil.Process(os.getpid()).create_time(), psutil.boot_time()
    monkeypatch.setattr(psutil, "boot_time", lambda: booted + jump)
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: created + jump)
    assert is_alive(before)


def test_a_clock_that_was_set_back_does_not_lose_a_living_run(monkeypatch: pytest.MonkeyPatch) -> None:
    alive = told(os.getpid())
    monkeypatch.setattr(time, "time", lambda: alive.heartbeat - 86_400)
    assert seen_state(alive) == "training"


def test_a_clock_that_was_set_forward_is_believed_again_with_the_next_heartbeat(
    tmp_path: Path, train_in: Train, before_update: BeforeUpdate, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    run = RunDirectory(tmp_path / "run")
    before_update(5, lambda: monkeypatch.setattr(time, "time", lambda: real() + 86_400))
    assert train_in(run.path) == ExitCode.OK
    assert known_status(run).state == "finished"
    assert abs(known_status(run).heartbeat - time.time()) < 3600
