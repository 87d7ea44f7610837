"""Whatever ends a rank or the launcher, nothing is left over, and the run goes on to the very same bytes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from launched import TWO_RANKS, Team, figures, kill, programs_in, start_team, tiny_run
from programs import Programs, known_status, wait_until

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import Status

pytestmark = pytest.mark.slow

EPOCHS, STEPS = 60, 240
SETTINGS = tiny_run(
    train_epochs=EPOCHS,
    train_batch_size=4,
    train_grad_accum_steps=2,
    train_ema_decay=0.9,
    augment_augment=True,
    output_checkpoint_every=5,
    evaluation_max_validation_segments=3,
)
RUN = "runs/troubled"
GO_ON = ("--resume-from", RUN)


@dataclass(frozen=True)
class Ended:
    """How a start ended."""

    exit_code: int
    said: str
    status: Status
    left_over: int
    newest_checkpoint: int


def ended(team: Team) -> Ended:
    exit_code = team.wait()
    if exit_code == -signal.SIGKILL:
        wait_until(lambda: not team.still_there(), "the ranks end with their launcher")
    newest = max(int(path.name.removeprefix("step-")) for path in team.run.checkpoints.glob("step-*"))
    return Ended(exit_code, team.said(), known_status(team.run), len(team.still_there()), newest)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory, audio_cache: Path) -> Iterator[Programs]:
    """The command line, in a folder for all tests of this module."""
    programs = programs_in(tmp_path_factory.mktemp("ranks"), audio_cache)
    yield programs
    programs.end()


@pytest.fixture(scope="module")
def undisturbed(programs: Programs) -> RunDirectory:
    """A run on two ranks from its first step to its last in one go."""
    programs.run("train", *SETTINGS, "--output-dir", "runs/undisturbed", *TWO_RANKS)
    return RunDirectory(programs.place / "runs/undisturbed")


# One run, ended five times in different ways and continued each time: the fixtures follow each other.


@pytest.fixture(scope="module")
def terminated(programs: Programs) -> Ended:
    """SIGTERM to the launcher of a new run."""
    team = start_team(programs, RUN, *SETTINGS, "--output-dir", RUN)
    team.launcher.terminate()
    return ended(team)


@pytest.fixture(scope="module")
def orphaned(programs: Programs, terminated: Ended) -> Ended:
    """Kill -9 for the launcher."""
    team = start_team(programs, RUN, *GO_ON)
    team.launcher.kill()
    return ended(team)


@pytest.fixture(scope="module")
def interrupted(programs: Programs, orphaned: Ended) -> Ended:
    """SIGINT to the launcher, as Ctrl+C at the terminal."""
    team = start_team(programs, RUN, *GO_ON)
    team.launcher.send_signal(signal.SIGINT)
    return ended(team)


@pytest.fixture(scope="module")
def bereft(programs: Programs, interrupted: Ended) -> Ended:
    """Kill -9 for rank 1."""
    team = start_team(programs, RUN, *GO_ON)
    kill(team.ranks[1])
    return ended(team)


@pytest.fixture(scope="module")
def restarted(programs: Programs, bereft: Ended) -> Ended:
    """Kill -9 for rank 0, where a restart is allowed."""
    team = start_team(programs, RUN, *GO_ON, "--max-restarts", "1")
    kill(team.ranks[0])
    return ended(team)


def test_sigterm_is_passed_on_and_all_ranks_leave_with_a_checkpoint(terminated: Ended) -> None:
    assert terminated.exit_code == 143
    assert (terminated.status.state, terminated.status.exit_code) == ("stopped", 143)
    assert terminated.newest_checkpoint == terminated.status.step > 0
    assert terminated.left_over == 0
    assert "Traceback" not in terminated.said
    assert "Warning" not in terminated.said
    assert "torch" not in terminated.said


def test_ranks_whose_launcher_is_killed_save_their_work_and_end(orphaned: Ended) -> None:
    assert orphaned.left_over == 0
    assert (orphaned.status.state, orphaned.status.exit_code) == ("stopped", 143)
    assert orphaned.newest_checkpoint == orphaned.status.step


def test_ctrl_c_is_passed_on_and_keeps_its_own_exit_code(interrupted: Ended) -> None:
    assert interrupted.exit_code == 130
    assert (interrupted.status.state, interrupted.status.exit_code) == ("stopped", 130)
    assert interrupted.newest_checkpoint == interrupted.status.step
    assert interrupted.left_over == 0
    assert "Traceback" not in interrupted.said


def test_a_killed_rank_ends_the_job_with_a_line_that_names_it_and_says_how_to_go_on(bereft: Ended) -> None:
    assert bereft.exit_code == 1
    assert bereft.left_over == 0
    last = bereft.said.splitlines()[-1]
    assert last.startswith("harmonic: rank 1 ")
    assert "SIGKILL" in last
    assert f"`harmonic train --resume-from {RUN}` continues" in last
    assert "Traceback" not in bereft.said


def test_where_restarts_are_allowed_the_job_goes_on_by_itself(restarted: Ended) -> None:
    assert restarted.exit_code == 0
    assert restarted.said.count("all ranks start again") == 1
    assert "harmonic: rank 0 " in restarted.said
    assert (restarted.status.state, restarted.status.step) == ("finished", STEPS)
    assert restarted.left_over == 0


def test_a_run_that_was_cut_five_times_ends_with_the_bytes_of_one_that_was_not(
    programs: Programs, undisturbed: RunDirectory, restarted: Ended
) -> None:
    cut = RunDirectory(programs.place / RUN)
    last = f"step-{STEPS:08d}"
    names = {path.name for path in (undisturbed.checkpoints / last).glob("*.safetensors")}
    assert names == {"model.safetensors", "ema.safetensors", "optim.safetensors", "rng.safetensors"}
    for name in names:
        ours, theirs = ((run.checkpoints / last / name).read_bytes() for run in (cut, undisturbed))
        assert ours == theirs, name
    assert figures(cut) == figures(undisturbed)
    assert len(figures(cut, "step")) == STEPS
