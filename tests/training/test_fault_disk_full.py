"""A disk that fills up: the run waits, alive and in plain words, and nothing is lost or doubled."""

from __future__ import annotations

import errno
import os
import re
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from programs import known_status, wait_until
from same_runs import assert_same, rows_without_times, said
from small_disk import SmallDisk
from tiny_run import EPOCHS, STEPS_PER_EPOCH, Train

from harmonic_core.errors import ExitCode
from harmonic_core.run.control import send_command
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import Device, Status, read_status
from harmonic_core.training import loop, orders
from harmonic_core.training.checkpoint import newest_checkpoint
from harmonic_core.training.distributed import ALONE
from harmonic_core.training.journal import Journal
from harmonic_core.training.orders import Orders
from harmonic_core.training.saving import PatientWriter
from harmonic_core.training.signals import StopSignals
from harmonic_core.training.update import update_weights

STEPS = EPOCHS * STEPS_PER_EPOCH
TOO_LITTLE = 20_000
"""Bytes: enough for a command and the status, too little for weights or a sound."""

BeforeUpdate = Callable[[int, Callable[[], object]], None]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    small = SmallDisk(tmp_path / "disk")
    yield small
    small.remove()


@pytest.fixture
def before_update(monkeypatch: pytest.MonkeyPatch) -> BeforeUpdate:
    """Does something once, before the update after N updates; commands are then obeyed at the next step."""
    monkeypatch.setattr(orders, "_LOOK_EVERY_S", 0.0)

    def arrange(step: int, happens: Callable[[], object]) -> None:
        waiting = [happens]

        def update_after(state: Any, *arguments: Any, **named: Any) -> bool:
            if state.step == step and waiting:
                waiting.pop()()
            return update_weights(state, *arguments, **named)

        monkeypatch.setattr(loop, "update_weights", update_after)

    return arrange


def is_waiting(run: RunDirectory) -> bool:
    status = read_status(run.status)
    return status is not None and (status.state, status.why) == ("paused", "disk full")


def seen_alive(run: RunDirectory) -> Status:
    """Status of a run that waits for room, after it was renewed on the full disk."""
    wait_until(lambda: is_waiting(run), "it waits for room")
    first = known_status(run)
    wait_until(lambda: known_status(run).heartbeat > first.heartbeat, "its heart beats on a full disk")
    return known_status(run)


def train_watched(start: Callable[[], ExitCode], watch: Callable[[], Status]) -> tuple[ExitCode, Status]:
    """Train in this thread, and watch in another."""
    with ThreadPoolExecutor(1) as watcher:
        watched = watcher.submit(watch)
        return start(), watched.result()


@pytest.mark.parametrize(
    ("what", "leave", "command"),
    [
        ("a checkpoint", TOO_LITTLE, "checkpoint"),
        ("samples", TOO_LITTLE, "sample"),
        (r"harmonic_vae_(best|epoch_2)\.pt", 0, None),
        (r"harmonic_vae_(best|epoch_2)\.pt", TOO_LITTLE, None),
    ],
)
def test_a_run_waits_for_room_and_ends_with_the_bytes_of_one_that_had_enough(
    disk: SmallDisk,
    train_in: Train,
    finished: RunDirectory,
    before_update: BeforeUpdate,
    what: str,
    leave: int,
    command: str | None,
) -> None:
    run = RunDirectory(disk.path / "run")

    def fill() -> None:
        if command:
            (run.control / "1.json").write_text(f'{{"command": "{command}"}}')
        disk.fill(leave)

    def watch() -> Status:
        try:
            status = seen_alive(run)
            assert newest_checkpoint(run).step == STEPS_PER_EPOCH
        finally:
            disk.free()
        return status

    before_update(5, fill)
    code, waiting = train_watched(lambda: train_in(run.path), watch)
    assert code == ExitCode.OK
    words = rf"disk full: \d[^;]* needed in {run.path} for {what}, \d[^;]* free; goes on by itself"
    assert said(run, "disk") == [waiting.message, said(run, "disk")[1]]
    assert re.match(words, waiting.message), waiting.message
    assert "there is room again" in said(run, "disk")[1]
    assert_same(run, finished, STEPS)
    assert run.export("best").read_bytes() == finished.export("best").read_bytes()
    assert (known_status(run).state, known_status(run).why) == ("finished", "")
    assert not list(run.path.rglob(".*.tmp"))


def test_music_that_finds_no_room_in_the_cache_waits_for_it_and_is_decoded_once(
    disk: SmallDisk, tmp_path: Path, train_in: Train, finished: RunDirectory
) -> None:
    run = RunDirectory(tmp_path / "run")
    disk.fill(TOO_LITTLE)

    def watch() -> Status:
        try:
            return seen_alive(run)
        finally:
            disk.free()

    code, waiting = train_watched(lambda: train_in(run.path, f"data.cache_dir={disk.path / 'cache'}"), watch)
    assert code == ExitCode.OK
    words = rf"disk full: .*needed in {disk.path / 'cache'} for decoded music, \d[^;]* free; goes on by itself"
    assert re.match(words, waiting.message), waiting.message
    assert "there is room again" in said(run, "disk")[1]
    assert_same(run, finished, STEPS)


def test_a_signal_ends_the_wait_for_room_in_the_cache(disk: SmallDisk, tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    disk.fill(TOO_LITTLE)

    def watch() -> Status:
        status = seen_alive(run)
        os.kill(os.getpid(), signal.SIGTERM)
        return status

    code, _ = train_watched(lambda: train_in(run.path, f"data.cache_dir={disk.path / 'cache'}"), watch)
    assert (code, known_status(run).state) == (ExitCode.TERMINATED, "stopped")


def test_rows_that_find_no_room_wait_in_order_and_come_once(
    disk: SmallDisk, tmp_path: Path, train_in: Train, before_update: BeforeUpdate
) -> None:
    many = ("data.validation_split=0", "train.log_every=1", "output.checkpoint_every=1000", "train.epochs=25")
    alone, run = RunDirectory(tmp_path / "alone"), RunDirectory(disk.path / "run")
    assert train_in(alone.path, *many) == ExitCode.OK
    before_update(5, lambda: disk.fill(0))

    def watch() -> Status:
        try:
            return seen_alive(run)
        finally:
            disk.free()

    code, waiting = train_watched(lambda: train_in(run.path, *many), watch)
    assert code == ExitCode.OK
    assert "disk full" in waiting.message
    if disk.is_mounted:
        assert "for rows of figures" in waiting.message
    assert_same(run, alone, rows_without_times(alone)[-1]["step"])


@pytest.mark.parametrize("way", ["signal", "command"])
def test_a_run_that_waits_for_room_can_be_ended_and_says_what_is_not_saved(
    disk: SmallDisk, train_in: Train, finished: RunDirectory, before_update: BeforeUpdate, way: str
) -> None:
    run = RunDirectory(disk.path / "run")

    def fill() -> None:
        (run.control / "1.json").write_text('{"command": "checkpoint"}')
        disk.fill(TOO_LITTLE)

    def watch() -> Status:
        try:
            status = seen_alive(run)
        finally:
            if way == "signal":
                os.kill(os.getpid(), signal.SIGTERM)
            else:
                send_command(run, "stop")
        return status

    before_update(5, fill)
    code, _ = train_watched(lambda: train_in(run.path), watch)
    assert code == (ExitCode.TERMINATED if way == "signal" else ExitCode.DISK)
    status = known_status(run)
    assert (status.state, status.exit_code) == ("stopped", code)
    assert "disk full" in status.message
    assert status.message.endswith(f"from step {STEPS_PER_EPOCH}")
    disk.free()
    assert train_in(run.path, resume_from=run.path) == ExitCode.OK
    assert_same(run, finished, STEPS)


def test_too_little_room_for_the_whole_run_is_said_at_its_start(
    disk: SmallDisk, train_in: Train, before_update: BeforeUpdate
) -> None:
    run = RunDirectory(disk.path / "run")
    before_update(1, lambda: signal.raise_signal(signal.SIGTERM))
    assert train_in(run.path, "train.epochs=1000000") == ExitCode.TERMINATED
    (warning,) = [words for words in said(run, "warning") if "will write about" in words]
    assert str(run.path) in warning
    assert "are free" in warning


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, r"\d[^;]* free;"), (errno.EFBIG, "ulimit -f"), (errno.EDQUOT, "quota is used up")],
)
def test_what_kind_of_room_is_missing_is_said(tmp_path: Path, number: int, words: str) -> None:
    run = RunDirectory(tmp_path / "run")
    run.create()
    refusals = [OSError(number, os.strerror(number))]

    def write() -> None:
        if refusals:
            raise refusals.pop()

    with Journal(run, lambda: Device(kind="cpu", name="processor")) as journal, StopSignals() as signals:
        patience = PatientWriter(run, journal, Orders(journal, signals, ALONE), ALONE)
        assert patience.insist(write, "a checkpoint", 1)
    full, again = said(run, "disk")
    assert re.search(words, full)
    assert "there is room again" in again
