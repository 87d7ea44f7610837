"""Killed without warning, again and again: what is trained in the end is what would have been trained anyway."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lives import Lives
from same_runs import assert_same, rows_without_times
from tiny_run import STEPS_PER_EPOCH

from harmonic_core.errors import ExitCode
from harmonic_core.profile.resolve import Resolved
from harmonic_core.profile.write import to_toml
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import read_rows
from harmonic_core.run.status import read_status
from harmonic_core.training.checkpoint import checkpoint_steps

KILLS = 100
INSIDE_A_CHECKPOINT = 20
ENDLESS = 1_000_000
EVERYTHING_KEPT = (
    "augment.augment=true",
    "train.ema_decay=0.9",
    "train.grad_accum_steps=2",
    "train.log_every=3",
    # What comes after the last epoch must not decide anything of the epochs before.
    "train.learning_rate_schedule=constant",
    "output.checkpoint_every=1000",
)

SavedProfile = Callable[[int], Path]


@pytest.fixture
def saved_profile(tmp_path: Path, profile_of: Callable[..., Resolved]) -> SavedProfile:
    """A file with the tiny profile for so many epochs."""

    def save(epochs: int) -> Path:
        path = tmp_path / f"epochs-{epochs}.toml"
        path.write_text(to_toml(profile_of(*EVERYTHING_KEPT, f"train.epochs={epochs}").profile))
        return path

    return save


@pytest.fixture
def lives(tmp_path: Path) -> Iterator[Lives]:
    with Lives(tmp_path / "said.txt") as started:
        yield started


class Killer:
    """Draws the moments, by a seed, and lets the trainer have commands until then."""

    def __init__(self, run: RunDirectory, lives: Lives) -> None:
        self.random = random.Random(1)
        self.kills = self.inside = 0
        self._run, self._lives = run, lives

    def strike(self) -> None:
        """Wait for the moment, and kill."""
        before = set(self._half_written())
        match self.random.choice(("anywhere", "training", "training", "checkpoint", "checkpoint")):
            case "anywhere":
                self._linger(self.random.uniform(0, 0.6))
            case "training":
                self._until(self._trains)
                self._linger(self.random.uniform(0, 0.6))
            case _:
                passed: set[str] = set(self._half_written())
                to_see = len(passed) + self.random.randint(1, 3)

                def has_seen() -> bool:
                    passed.update(self._half_written())
                    return len(passed) >= to_see

                self._until(has_seen)
        code = self._lives.kill()
        assert code == -signal.SIGKILL, f"ended by itself with {code}: {self._lives.said()[-2000:]}"
        self.kills += 1
        self.inside += bool(set(self._half_written()) - before)

    def _trains(self) -> bool:
        status = read_status(self._run.status)
        return status is not None and status.pid == self._lives.pid and status.state == "training"

    def _half_written(self) -> list[str]:
        """Folders of checkpoints that are newer than any whole one; older ones are on their way out."""
        newest = max(checkpoint_steps(self._run), default=-1)
        names = [path.name for path in self._run.checkpoints.glob(".step-*.tmp")]
        return [name for name in names if int(name.split(".")[1].removeprefix("step-")) > newest]

    def _until(self, condition: Callable[[], object]) -> None:
        while not condition():
            assert not self._lives.has_ended(), self._lives.said()[-2000:]
            self._command()

    def _linger(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._command()
            time.sleep(0.002)

    def _command(self) -> None:
        """Ask for a checkpoint, and now and then for sounds, whenever nothing is asked for."""
        if self._run.control.is_dir() and not list(self._run.control.iterdir()):
            name = "sample" if self.random.random() < 0.02 else "checkpoint"
            (self._run.control / f"{self.random.getrandbits(32)}.json").write_text(f'{{"command": "{name}"}}')


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_run_that_is_killed_a_hundred_times_ends_with_the_bytes_of_one_that_was_left_alone(
    tmp_path: Path, lives: Lives, saved_profile: SavedProfile
) -> None:
    run, alone = RunDirectory(tmp_path / "killed"), RunDirectory(tmp_path / "alone")
    endless = saved_profile(ENDLESS)
    killer = Killer(run, lives)
    while killer.kills < KILLS or killer.inside < INSIDE_A_CHECKPOINT:
        lives.start(run.path, endless)
        killer.strike()
    reached = checkpoint_steps(run)[-1]
    assert reached > STEPS_PER_EPOCH, "it never got anywhere"
    # One that ends by itself, both times.
    epochs = reached // STEPS_PER_EPOCH + 2
    for directory in (run, alone):
        lives.start(directory.path, saved_profile(epochs))
        assert lives.wait() == ExitCode.OK, lives.said()[-2000:]
    assert_same(run, alone, epochs * STEPS_PER_EPOCH)
    assert read_status(run.status).state == "finished"  # type: ignore[union-attr]
    left_behind = [*run.path.glob(".*.tmp"), *run.checkpoints.glob(".*"), *run.samples.glob(".*")]
    assert not left_behind, "half-written files of killed trainers stay for good"


def test_a_run_that_is_killed_before_it_had_anything_to_lose_can_be_started_anew(
    tmp_path: Path, lives: Lives, saved_profile: SavedProfile
) -> None:
    run = RunDirectory(tmp_path / "killed")
    lives.start(run.path, saved_profile(ENDLESS))
    while (status := read_status(run.status)) is None or status.state != "preparing":
        assert not lives.has_ended(), lives.said()
    lives.kill()
    assert not checkpoint_steps(run)
    lives.start(run.path, saved_profile(1))
    assert lives.wait() == ExitCode.OK, lives.said()
    assert [row["step"] for row in rows_without_times(run)][-1] == STEPS_PER_EPOCH
    assert [row["kind"] for row in read_rows(run.metrics)].count("epoch") == 1
