"""Steering from outside: commands, signals, and terminals that go away."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
from pathlib import Path

import pytest
from tiny_run import Train

from harmonic_core.errors import ExitCode
from harmonic_core.run.control import send_command
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import read_rows
from harmonic_core.run.samples import sample_steps
from harmonic_core.run.status import read_status
from harmonic_core.training.checkpoint import checkpoint_steps
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
    assert messages == ["dance\\x1b[2J: refused", "unreadable command: refused"]
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
