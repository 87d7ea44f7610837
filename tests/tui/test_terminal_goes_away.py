"""A training run outlives the terminal that it was started from."""

from pathlib import Path

import psutil
import pytest
from real_runs import DEADLINE_S, PROFILE, the_run, wait_for_state
from terminal import Terminal

from harmonic_core.run.events import EventKind
from harmonic_core.run.records import read_rows


@pytest.mark.slow
def test_the_run_goes_on_when_its_terminal_is_closed_and_another_console_shows_it(profile: Path) -> None:
    profile.write_text(PROFILE.replace("epochs = 3", "epochs = 30"))
    terminal = Terminal(["--profile", str(profile)])
    try:
        terminal.wait_for("small-", deadline_s=DEADLINE_S)
        trainer = psutil.Process(wait_for_state("training").pid)
        # Held still, so that it cannot be done before its terminal is gone.
        trainer.suspend()
        terminal.wait_for("small-", "● training", deadline_s=DEADLINE_S)
    finally:
        terminal.hang_up()
    assert trainer.is_running()
    trainer.resume()
    ended = wait_for_state("finished", "failed", "stopped", "diverged")
    assert (ended.state, ended.epoch) == ("finished", 30)
    again = Terminal([the_run().name])
    try:
        again.wait_for("✓ finished", "epoch 30/30", "100 %", "prior 1")
        again.press("q")
        again.wait_for_the_end()
    finally:
        again.close()


@pytest.mark.slow
def test_stop_after_a_checkpoint_really_stops_the_trainer(profile: Path) -> None:
    profile.write_text(PROFILE.replace("epochs = 3", "epochs = 100000"))
    terminal = Terminal(["--profile", str(profile)])
    try:
        terminal.wait_for("● training", deadline_s=DEADLINE_S)
        terminal.press("q")
        terminal.wait_for("Stop after a checkpoint")
        terminal.press("j\r")
        assert "Continue it with: harmonic train --resume-from" in terminal.wait_for_the_end()
    finally:
        terminal.close()
    assert wait_for_state("stopped", "failed", "finished").state == "stopped"
    assert list(the_run().checkpoints.iterdir())


@pytest.mark.slow
def test_the_keys_steer_a_real_trainer(profile: Path) -> None:
    profile.write_text(PROFILE.replace("epochs = 3", "epochs = 100000"))
    terminal = Terminal(["--profile", str(profile)])
    try:
        terminal.wait_for("● training", deadline_s=DEADLINE_S)
        terminal.press("p")
        terminal.wait_for("‖ paused")
        terminal.press("p")
        terminal.wait_for("● training")
        terminal.press("s")
        terminal.wait_for("prior 1", deadline_s=DEADLINE_S)
        terminal.press("q")
        terminal.wait_for("Kill it now")
        terminal.press("jj\r")
        assert "was killed" in terminal.wait_for_the_end()
    finally:
        terminal.close()
    kinds: set[EventKind] = {row["kind"] for row in read_rows(the_run().events)}
    assert {"sample", "signal"} <= kinds


@pytest.mark.slow
def test_a_trainer_that_cannot_begin_is_shown_with_its_last_words(profile: Path, workplace: Path) -> None:
    (workplace / "empty").mkdir()
    profile.write_text('[data]\ndataset = "custom"\ncustom_dir = "empty"\n')
    terminal = Terminal(["--profile", str(profile)])
    try:
        terminal.wait_for("✗ failed", deadline_s=DEADLINE_S)
        terminal.wait_for("No valid audio files", deadline_s=DEADLINE_S)
        terminal.press("q")
        terminal.wait_for_the_end()
        assert terminal.exit_status == 0
    finally:
        terminal.close()
