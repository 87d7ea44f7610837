"""Steering from outside: commands, signals, and terminals that go away."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from tiny_run import Train

from harmonic_core.errors import ExitCode, RunError
from harmonic_core.profile.sections import Profile
from harmonic_core.run.control import Command, send_command
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import Row, read_rows
from harmonic_core.run.samples import sample_steps
from harmonic_core.run.status import read_status
from harmonic_core.training.archive import Archive
from harmonic_core.training.checkpoint import checkpoint_steps
from harmonic_core.training.journal import Journal
from harmonic_core.training.loop import Ending, Loop
from harmonic_core.training.material import Material, prepare_material
from harmonic_core.training.signals import StopSignals


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """A directory in which nothing has run yet, so that commands can wait there before the start."""
    directory = RunDirectory(tmp_path / "run")
    directory.create()
    return directory


def leave(run: RunDirectory, *contents: str) -> None:
    for number, content in enumerate(contents):
        (run.control / f"{number}.json").write_text(content)


def answers(run: RunDirectory) -> list[Row]:
    return [row for row in read_rows(run.events) if row["kind"] == "control"]


def test_a_checkpoint_and_sounds_come_when_asked_for(run: RunDirectory, train_in: Train) -> None:
    leave(run, '{"command": "checkpoint"}', '{"command": "sample"}')
    train_in(run.path, "train.epochs=1")
    assert checkpoint_steps(run) == [0, 4]
    assert sample_steps(run) == [0, 4]
    assert list(run.control.iterdir()) == []


def test_stop_writes_a_checkpoint_and_is_no_failure(run: RunDirectory, train_in: Train) -> None:
    leave(run, '{"command": "stop"}')
    assert train_in(run.path) == ExitCode.OK
    status = read_status(run.status)
    assert status is not None
    assert (status.state, status.exit_code) == ("stopped", 0)
    assert "stopped by command" in status.message


def test_commands_that_nobody_knows_are_refused_named_harmlessly_and_removed(
    run: RunDirectory, train_in: Train
) -> None:
    leave(run, '{"command": "dance\\u001b[2J"}', "garbage")
    assert train_in(run.path, "train.epochs=1") == ExitCode.OK
    messages = [event["message"] for event in read_rows(run.events) if event["kind"] == "control"]
    assert messages == ["dance\\x1b[2J: refused, no such command", "unreadable command: refused, its file holds none"]
    assert list(run.control.iterdir()) == []


def test_a_paused_run_waits_and_goes_on_when_told(run: RunDirectory, train_in: Train) -> None:
    leave(run, '{"command": "pause"}')
    seen: list[str] = []

    def wake() -> None:
        while not seen:
            status = read_status(run.status)
            if status and status.state == "paused":
                seen.append(status.why)
                send_command(run, "resume")

    waker = threading.Thread(target=wake, daemon=True)
    waker.start()
    assert train_in(run.path, "train.epochs=1") == ExitCode.OK
    waker.join()
    assert seen == ["by command"]
    assert read_status(run.status).state == "finished"  # type: ignore[union-attr]


@pytest.fixture
def looking_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harmonic_core.training.orders._LOOK_EVERY_S", 0.0)


def test_a_pause_that_was_taken_back_before_anybody_looked_is_none(run: RunDirectory, train_in: Train) -> None:
    leave(run, '{"command": "pause"}', '{"command": "resume"}')
    assert train_in(run.path, "train.epochs=1") == ExitCode.OK
    assert [row["message"] for row in answers(run)] == ["pause", "resume"]
    assert "paused" not in run.console_log.read_text()


@pytest.mark.usefixtures("looking_always")
def test_a_paused_run_that_is_told_to_go_on_and_to_pause_stays_paused(
    run: RunDirectory, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    places: list[tuple[str, int]] = []
    told = [["pause"], ["resume", "pause"], [], ["resume"]]

    def commands(journal: Journal) -> list[Command]:
        status = read_status(run.status)
        assert status is not None
        if not told or (len(told) == 4 and status.state == "preparing"):
            return []
        places.append((status.state, status.step))
        return [Command(name, run.control / f"{number}.json") for number, name in enumerate(told.pop(0))]

    monkeypatch.setattr(Journal, "commands", commands)
    assert train_in(run.path, "train.epochs=1") == ExitCode.OK
    assert [state for state, _ in places] == ["training", "paused", "paused", "paused"]
    assert len({step for _, step in places[1:]}) == 1
    assert [row["message"] for row in answers(run)] == ["pause", "resume", "pause", "resume"]


def test_stop_is_answered_when_the_checkpoint_is_written(run: RunDirectory, train_in: Train) -> None:
    leave(run, '{"command": "stop"}', '{"command": "sample"}')
    train_in(run.path)
    rows = read_rows(run.events)
    kinds = [row["kind"] for row in rows]
    stop, sample = answers(run)
    assert kinds.index("checkpoint") < rows.index(stop)
    assert stop["obeyed"]
    assert "--resume-from" in stop["outcome"]
    assert (sample["obeyed"], sample["message"]) == (False, "sample: refused, the run has ended")
    assert list(run.control.iterdir()) == []


def test_what_is_asked_for_lies_there_until_it_is_done(
    run: RunDirectory, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(run, '{"command": "sample"}', '{"command": "sample"}')
    there: list[tuple[list[str], int]] = []

    def watch(archive: Archive) -> str:
        there.append((sorted(path.name for path in run.control.iterdir()), len(answers(run))))
        return "out of memory"

    monkeypatch.setattr(Archive, "sound", watch)
    train_in(run.path, "train.epochs=1")
    # Two who ask at the same step get one set of sounds; the other is that of the end.
    assert there == [(["0.json", "1.json"], 0), ([], 2)]
    assert [row["message"] for row in answers(run)] == ["sample: refused, out of memory"] * 2


@pytest.mark.parametrize("fails", [False, True], ids=["finished", "failed"])
def test_what_comes_too_late_is_refused_and_removed(
    run: RunDirectory, train_in: Train, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    finish = Loop._finish

    def send(loop: Loop) -> Ending:
        send_command(run, "checkpoint")
        if fails:
            raise RunError("a test wants it")
        return finish(loop)

    monkeypatch.setattr(Loop, "_finish", send)
    with pytest.raises(RunError) if fails else nullcontext():
        train_in(run.path, "train.epochs=1")
    (told,) = answers(run)
    assert (told["message"], told["obeyed"]) == ("checkpoint: refused, the run has ended", False)
    assert told["sent_at"]
    assert list(run.control.iterdir()) == []


def test_what_was_sent_to_an_earlier_start_is_refused(run: RunDirectory, train_in: Train) -> None:
    leave(run, json.dumps({"command": "stop", "sent_at": time.time()}))
    assert train_in(run.path, "train.epochs=1") == ExitCode.OK
    assert read_status(run.status).state == "finished"  # type: ignore[union-attr]
    (told,) = answers(run)
    assert told["message"] == "stop: refused, sent to an earlier start of the run"
    assert not told["obeyed"]
    assert list(run.control.iterdir()) == []


def test_what_is_sent_while_the_music_is_made_ready_counts(
    run: RunDirectory, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(profile: Profile, journal: Journal, stopped: Callable[[], bool]) -> Material | None:
        send_command(run, "stop")
        return prepare_material(profile, journal, stopped)

    monkeypatch.setattr("harmonic_core.training.start.prepare_material", prepare)
    assert train_in(run.path) == ExitCode.OK
    assert read_status(run.status).state == "stopped"  # type: ignore[union-attr]


@pytest.mark.usefixtures("looking_always")
def test_a_thousand_things_that_cannot_be_removed_do_not_make_a_run_deaf(run: RunDirectory, train_in: Train) -> None:
    for number in range(1000):
        (run.control / f"{number:04d}").mkdir()
    (run.control / "stop.json").write_text('{"command": "stop"}')
    train_in(run.path)
    assert read_status(run.status).state == "stopped"  # type: ignore[union-attr]
    assert len(answers(run)) == 1001


def test_a_paused_run_can_be_stopped(run: RunDirectory, train_in: Train) -> None:
    leave(run, '{"command": "pause"}', '{"command": "stop"}')
    assert train_in(run.path) == ExitCode.OK
    assert read_status(run.status).state == "stopped"  # type: ignore[union-attr]


def test_the_first_signal_counts_and_a_second_interrupt_is_immediate() -> None:
    with StopSignals() as signals:
        signal.raise_signal(signal.SIGTERM)
        assert signals.exit_code == 143
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert signals.received == signal.SIGTERM


def test_under_nohup_a_hangup_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals() as signals:
            signal.raise_signal(signal.SIGHUP)
            assert signals.received is None
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_terminal_that_goes_away_stops_the_run_in_good_order(run: RunDirectory, tmp_path: Path) -> None:
    """The progress bar has nowhere to go then; checkpoint, status and exit code come all the same."""
    settings = ("data.demo_minutes=0.5", "data.segment_length=1", "audio.sample_rate=8000", "audio.n_fft=512")
    small = ("audio.n_mels=32", "model.hidden_dims=[16,16]", "train.epochs=100000", "train.log_every=1")
    quiet = ("output.checkpoint_every=100000", f"data.cache_dir={tmp_path}", "run.device=cpu")
    options = [option for setting in (*settings, *small, *quiet) for option in ("--set", setting)]
    terminal, end = pty.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(end, termios.TIOCSCTTY, 0)

    command = [sys.executable, "-m", "harmonic_core", "train", "demo", *options, "--output-dir", str(run.path)]
    with subprocess.Popen(
        command,
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
        preexec_fn=take_terminal,  # noqa: PLW1509
        env={**os.environ, "TERM": "xterm-256color"},
    ) as trainer:
        os.close(end)
        seen = b""
        while b"Epoch 2/" not in seen:
            seen += os.read(terminal, 4096)
        os.close(terminal)
        assert trainer.wait() == ExitCode.HANGUP
    status = read_status(run.status)
    assert status is not None
    assert (status.state, status.exit_code) == ("stopped", 129)
    assert checkpoint_steps(run)[-1] == status.step > 0
