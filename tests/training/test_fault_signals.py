"""SIGTERM, SIGINT and SIGHUP to the real command, whatever it is at: saved, soon out, and continued exactly."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from programs import DEADLINE_S, Programs, known_status, wait_until
from same_runs import assert_same
from tiny_run import STEPS_PER_EPOCH

from harmonic_core.errors import ExitCode
from harmonic_core.profile.resolve import Resolved
from harmonic_core.profile.write import to_toml
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import read_rows
from harmonic_core.run.resume import find_resume_point
from harmonic_core.run.status import Status, read_status
from harmonic_core.training.checkpoint import checkpoint_steps
from harmonic_core.training.start import train

pytestmark = pytest.mark.slow

TERM, INT, HUP = signal.SIGTERM, signal.SIGINT, signal.SIGHUP
EXIT_CODES = {TERM: ExitCode.TERMINATED, INT: ExitCode.INTERRUPTED, HUP: ExitCode.HANGUP}

SHORT = ("train.log_every=1", "train.epochs=2")
# What is to be interrupted has to take long enough to be seen.
SETTINGS = {
    "training": ("train.log_every=1", "train.epochs=6", "train.batch_size=1"),
    "validation": (
        *SHORT,
        "data.segment_length=0.2",
        "data.min_clip_length=0.2",
        "data.validation_split=0.6",
    ),
    "sampling": (*SHORT, "evaluation.griffin_lim_steps=100", "evaluation.prior_samples=8"),
    # Often enough that one of them is seen in time.
    "checkpointing": ("train.log_every=1", "train.epochs=6", "model.hidden_dims=[256,256]"),
    # Long enough that the command to pause is read in time.
    "paused": ("train.log_every=1", "train.epochs=40", "output.checkpoint_every=1000"),
}


class Trainer:
    """The real command on one run, and what can be seen of it from outside."""

    def __init__(self, harmonic: Programs, profile: Path) -> None:
        self.run = RunDirectory(harmonic.place / "run")
        self._place = harmonic.place
        self.process = harmonic.start("train", str(profile), "--output-dir", str(self.run.path))

    @property
    def status(self) -> Status | None:
        """What it says of itself, if it has said anything."""
        return read_status(self.run.status)

    def wait_until(self, condition: Callable[[], object], hope: str) -> None:
        """Wait for a moment of its life."""

        def met() -> object:
            assert self.process.poll() is None, f"ended before: {hope}\n{self.said()}"
            return condition()

        wait_until(met, hope)

    def catches(self, number: signal.Signals) -> bool:
        """Whether it has a handler of its own in force."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines()
        caught = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt"))
        return bool(caught & 1 << (number - 1))

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.process.pid, number)

    def ends_with(self) -> int:
        """Exit code, once it is out."""
        began = time.monotonic()
        try:
            return self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"still there {time.monotonic() - began:.0f} s after the signal\n{self.said()}")

    def said(self) -> str:
        """What it has printed on stderr."""
        return (self._place / "stderr.txt").read_text(encoding="utf-8")


@pytest.fixture
def trainer_of(harmonic: Programs, profile_of: Callable[..., Resolved]) -> Callable[..., Trainer]:
    """Starts the real command with the tiny profile and further settings."""

    def start(*settings: str) -> Trainer:
        profile = harmonic.place / "profile.toml"
        profile.write_text(to_toml(profile_of(*settings).profile))
        return Trainer(harmonic, profile)

    return start


def has_step_row(run: RunDirectory, step: int) -> bool:
    return any(row["kind"] == "step" and row["step"] >= step for row in read_rows(run.metrics))


def wait_for(phase: str, trainer: Trainer) -> None:
    """Wait until the trainer is in the midst of a phase."""
    run = trainer.run
    match phase:
        case "training":
            trainer.wait_until(lambda: has_step_row(run, 2), "it trains")
        case "validation":
            # The last update of the first epoch is done, and its row of figures is not there before it is validated.
            steps = "step 0 to "
            trainer.wait_until(
                lambda: any(
                    steps in event["message"] and has_step_row(run, int(event["message"].split()[-1]) // 2)
                    for event in read_rows(run.events)
                ),
                "it validates",
            )
        case "sampling":
            trainer.wait_until(lambda: list(run.samples.glob(".step-*.tmp")), "it renders sounds")
        case "checkpointing":
            trainer.wait_until(lambda: list(run.checkpoints.glob(".step-*[!0].*.tmp")), "it writes a checkpoint")
        case "paused":
            trainer.wait_until(lambda: has_step_row(run, 1), "it trains")
            (run.control / "1.json").write_text('{"command": "pause"}')
            trainer.wait_until(lambda: (told := trainer.status) and told.state == "paused", "it is paused")


@pytest.mark.parametrize(
    ("phase", "number"),
    [
        ("training", TERM),
        ("training", INT),
        ("training", HUP),
        ("validation", TERM),
        ("sampling", TERM),
        ("sampling", HUP),
        ("checkpointing", TERM),
        ("checkpointing", INT),
        ("paused", INT),
        ("paused", HUP),
    ],
)
def test_a_signal_saves_what_is_trained_and_a_resume_ends_with_the_same_bytes(
    tmp_path: Path,
    trainer_of: Callable[..., Trainer],
    profile_of: Callable[..., Resolved],
    phase: str,
    number: signal.Signals,
) -> None:
    trainer = trainer_of(*SETTINGS[phase])
    wait_for(phase, trainer)
    trainer.send(number)
    assert trainer.ends_with() == EXIT_CODES[number], trainer.said()
    assert "Traceback" not in trainer.said()
    run, alone = trainer.run, RunDirectory(tmp_path / "alone")
    status = known_status(run)
    assert (status.state, status.exit_code) == ("stopped", EXIT_CODES[number]), status.message
    assert number.name in status.message
    assert checkpoint_steps(run)[-1] == status.step > 0
    assert not list(run.path.rglob(".*.tmp"))
    again = profile_of(*SETTINGS[phase])
    assert train(again, run, find_resume_point(run.path)) == ExitCode.OK
    assert train(again, alone) == ExitCode.OK
    assert_same(run, alone, checkpoint_steps(alone)[-1])


@pytest.mark.parametrize("number", [TERM, INT, HUP])
def test_a_signal_before_the_program_is_there_leaves_nothing(
    trainer_of: Callable[..., Trainer], number: signal.Signals
) -> None:
    trainer = trainer_of(*SHORT)
    trainer.wait_until(lambda: trainer.catches(TERM) and trainer.catches(HUP), "it is about to import")
    trainer.send(number)
    assert trainer.ends_with() == EXIT_CODES[number], trainer.said()
    assert f"stopped: {number.name} received before training began" in trainer.said()
    assert not trainer.run.exists()


@pytest.mark.parametrize(("phase", "number"), [("looking for music", TERM), ("decoding", INT), ("decoding", HUP)])
def test_a_signal_while_music_is_made_ready_ends_it_and_it_can_be_started_anew(
    tmp_path: Path,
    trainer_of: Callable[..., Trainer],
    profile_of: Callable[..., Resolved],
    phase: str,
    number: signal.Signals,
) -> None:
    music = tmp_path / "music"
    noise = np.random.default_rng(1).normal(0, 0.1, 240_000)
    for folder in range(20):
        (music / str(folder)).mkdir(parents=True)
        for piece in range(20):
            soundfile.write(music / str(folder) / f"{piece}.flac", np.roll(noise, folder * 1000 + piece), 8_000)
    settings = ("data.dataset=custom", f"data.custom_dir={music}", f"data.cache_dir={tmp_path / 'cache'}", *SHORT)
    trainer = trainer_of(*settings)

    def begun() -> object:
        # To look for music takes milliseconds, and what is decoded the status tells once a second: too soon, too late.
        if phase == "decoding":
            return list((tmp_path / "cache").rglob("??/*.s16"))
        return (told := trainer.status) and told.phase

    trainer.wait_until(begun, phase)
    trainer.send(number)
    assert trainer.ends_with() == EXIT_CODES[number], trainer.said()
    status = known_status(trainer.run)
    assert (status.state, status.exit_code) == ("stopped", EXIT_CODES[number])
    assert status.message == "before training began"
    assert "Traceback" not in trainer.said()
    again = profile_of("train.epochs=1")
    assert train(again, trainer.run) == ExitCode.OK
    assert checkpoint_steps(trainer.run)[-1] == STEPS_PER_EPOCH


def test_a_second_interrupt_stops_at_once(trainer_of: Callable[..., Trainer]) -> None:
    trainer = trainer_of(*SHORT, "data.segment_length=8", "evaluation.griffin_lim_steps=512")
    wait_for("sampling", trainer)
    trainer.send(INT)
    # Two signals of a kind that come before the first was taken are one.
    pending = Path(f"/proc/{trainer.process.pid}/status")
    trainer.wait_until(lambda: "ShdPnd:\t0000000000000000" in pending.read_text(encoding="ascii"), "the first is taken")
    trainer.send(INT)
    assert trainer.ends_with() == ExitCode.INTERRUPTED, trainer.said()
    status = known_status(trainer.run)
    assert (status.state, status.exit_code) == ("stopped", ExitCode.INTERRUPTED)
    assert "Traceback" not in trainer.said()
