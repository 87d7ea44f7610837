"""How a trial ends, shown on processes that leave behind what a trainer would."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import RecordWriter
from harmonic_core.run.status import State, Status, process_identity, write_status
from harmonic_core.tuning.objective import Goal, read_goal
from harmonic_core.tuning.report import closing_lines, trial_line
from harmonic_core.tuning.trial import Clock, Outcome, follow


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


def epochs_in(run: RunDirectory, *errors_db: float) -> None:
    """Write an epoch's row for each error."""
    writer = RecordWriter(run.metrics)
    for epoch, error in enumerate(errors_db, 1):
        writer.append({"kind": "epoch", "step": epoch, "epoch": epoch, "val_recon_db": error, "val_kl_nats": 20.0})
    writer.close()


def closed_with(run: RunDirectory, state: State, code: int, message: str) -> None:
    """Write the last status of a trainer."""
    now = time.time()
    write_status(
        run.status,
        Status(
            state=state,
            pid=1,
            process_start=now,
            host="here",
            started_at=now,
            heartbeat=now,
            exit_code=code,
            message=message,
        ),
    )


def ended(run: RunDirectory, end: str, hopeless: Callable[[int, float], bool] = lambda epoch, error: False) -> Outcome:
    """Outcome of a process that does nothing but end."""
    with subprocess.Popen([sys.executable, "-c", f"import os, sys; {end}"]) as process:
        process.wait()
        return follow(process, run, hopeless, lambda: False)


def test_the_error_after_the_last_epoch_is_the_result(run: RunDirectory) -> None:
    epochs_in(run, 7.0, 6.0, 6.5)
    closed_with(run, "finished", 0, "")
    assert ended(run, "sys.exit(0)") == Outcome("complete", "", 3, 6.5, 20.0)


def test_every_epoch_is_judged_once_and_the_first_without_hope_is_the_last(run: RunDirectory) -> None:
    epochs_in(run, 9.0, 8.0, 7.0)
    judged: list[tuple[int, float]] = []

    def hopeless(epoch: int, error_db: float) -> bool:
        judged.append((epoch, error_db))
        return epoch == 2

    assert ended(run, "sys.exit(0)", hopeless) == Outcome("pruned", "after epoch 2", 2, 8.0, 20.0)
    assert judged == [(1, 9.0), (2, 8.0)]


def test_a_run_that_somebody_stops_by_hand_counts_as_pruned(run: RunDirectory) -> None:
    epochs_in(run, 9.0)
    closed_with(run, "stopped", 0, "stopped by command at step 4")
    assert ended(run, "sys.exit(0)") == Outcome("pruned", "stopped by command at step 4", 1, 9.0, 20.0)


@pytest.mark.parametrize(("code", "kind"), [(1, ""), (3, "diverged, "), (4, "out of memory, "), (5, "disk, ")], ids=str)
def test_a_failure_is_named_with_what_the_run_says_of_it(run: RunDirectory, code: int, kind: str) -> None:
    epochs_in(run, 9.0)
    closed_with(run, "failed", code, "the reason")
    outcome = ended(run, f"sys.exit({code})")
    assert (outcome.outcome, outcome.reason) == ("failed", f"{kind}exit status {code}: the reason")


def test_without_a_status_the_log_gives_the_reason(run: RunDirectory) -> None:
    run.console_log.write_text("harmonic: old\nharmonic: mine.toml cannot be used:\n  a: b\n")
    assert ended(run, "sys.exit(2)").reason == "refused, exit status 2: mine.toml cannot be used: a: b"


def test_a_killed_trainer_is_said_to_be_killed(run: RunDirectory) -> None:
    assert ended(run, "os.kill(os.getpid(), 9)").reason.startswith("killed by SIGKILL, perhaps")


def test_an_error_that_is_no_number_is_no_result(run: RunDirectory) -> None:
    epochs_in(run, float("nan"))
    closed_with(run, "finished", 0, "")
    assert ended(run, "sys.exit(0)").outcome == "failed"


def test_time_counts_only_while_it_trains(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("harmonic_core.tuning.trial.time.monotonic", lambda: now[0])
    clock = Clock(limit_s=60.0, spent_s=20.0)

    def after(seconds: float, state: State) -> bool:
        now[0] += seconds
        trains(run, state)
        return clock.look(run)

    assert not after(0, "preparing")
    assert not after(500, "preparing")
    assert not after(500, "training")
    assert not after(30, "training")
    assert not after(5, "paused")
    assert not after(500, "training")
    assert after(10, "training")
    assert clock.spent_s == 60.0


def trains(run: RunDirectory, state: State) -> None:
    """Write the status of a trainer at work: this process."""
    now = time.time()
    write_status(run.status, Status(state=state, **process_identity(os.getpid()), started_at=now, heartbeat=now))


def finished_trial(value: float | None, distance: float = 4000.0, **attributes: object) -> FrozenTrial:
    """A trial as a study of two objectives records it."""
    state = TrialState.FAIL if value is None else TrialState.COMPLETE
    return create_trial(
        state=state,
        values=None if value is None else [value, distance],
        user_attrs={"outcome": "complete", "recon_db": value, "mel_fd": distance, **attributes},
    )


def numbered(*trials: FrozenTrial) -> list[FrozenTrial]:
    """Trials in the order of their numbers."""
    for number, trial in enumerate(trials):
        trial.number = number
    return list(trials)


def test_nothing_that_a_terminal_obeys_comes_through() -> None:
    line = trial_line(finished_trial(None, reason="\x1b[31m\u202e", run="\x1b]0;x"))
    command = closing_lines([finished_trial(6.0)], Goal(None), Path("\x1b[31m/x"))[-1]
    assert (line + command).isprintable()


def test_the_front_is_told_by_the_mel_error_and_the_one_nearest_to_the_best_of_both_stands_out() -> None:
    trials = numbered(
        finished_trial(5.0, 5000.0, run="a"),
        finished_trial(5.2, 4100.0, run="b"),
        finished_trial(5.3, 4200.0, run="c"),
        finished_trial(7.0, 4000.0, run="d"),
        finished_trial(None, run="e"),
    )
    head, *front, best, command = closing_lines(trials, Goal(None), Path("output/tuning/mine"))
    assert head == "Pareto front, 3 of 4 completed:"
    assert [line.split(":")[0] for line in front] == ["  a", "  b", "  d"]
    assert best.startswith("Nearest to the best of both: b: complete  5.20 dB  mel-FD 4100 dB²")
    assert command == "harmonic tune best mine --save profiles/mine-best.toml"


def test_the_best_of_one_number_is_the_lowest() -> None:
    trials = [create_trial(value=each, user_attrs={"outcome": "complete", "run": f"{each}"}) for each in (7.0, 6.0)]
    best, command = closing_lines(numbered(*trials), read_goal("mel_fd"), Path("else where/x"))
    assert best == "Best of 2 completed: 6.0: complete"
    assert command == "harmonic tune best x --output-dir 'else where' --save profiles/x-best.toml"
