"""Studies in the console: trials, the best so far, what matters, and a trial opened as a run."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from recorded_run import NOW, Recording, record_run
from recorded_study import AGAIN_COMMAND, BEST_COMMAND, OBJECTIVES, ROOT, WORKER, a_study, record_study, trial
from textual.pilot import Pilot
from watching import sees, text_of, until

from harmonic_core.run.studies import Process, study_file
from harmonic_tui.app import Console
from harmonic_tui.screens.dashboard import DashboardScreen
from harmonic_tui.screens.launch import LaunchScreen
from harmonic_tui.screens.tuning import TuningScreen
from harmonic_tui.widgets.pareto_chart import ParetoChart
from harmonic_tui.widgets.trials import TrialsTable

FULL, SMALL, BROAD = (120, 36), (80, 24), (200, 50)


def console() -> Console:
    return Console(clock=lambda: NOW, sound=False)


def table_of(pilot: Pilot[str]) -> TrialsTable:
    return pilot.app.screen.query_one(TrialsTable)


async def open_tuning(pilot: Pilot[str], *words: str) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen))
    await pilot.press("7")
    await sees(pilot, *(words or ("● searching", "13 of 20 trials")))


async def test_without_a_study_it_says_how_one_is_begun() -> None:
    async with console().run_test(size=FULL) as pilot:
        await open_tuning(pilot, "No study in output/tuning yet.", "harmonic tune demo --trials 20")
        await sees(pilot, "How much each setting matters", "What every trial came to", "Completed trials appear here")
        await pilot.press("y", "b", "m", "enter", "right_square_bracket")
        assert isinstance(pilot.app.screen, TuningScreen)


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
async def test_every_trial_has_its_state_error_kl_and_what_was_chosen(size: tuple[int, int]) -> None:
    record_study(a_study(), 13)
    async with console().run_test(size=size) as pilot:
        await open_tuning(pilot)
        await sees(pilot, "● 1 running", "✓ 11 complete", "✂ 1 pruned", "✗ 1 failed", "last change 42 s ago")
        await sees(pilot, "● running 40 %", "✓ complete", "latent_dim", "epoch 12/30", "ETA 42 min")
        assert table_of(pilot).cursor == 13


async def test_what_matters_for_each_objective_and_the_best_so_far_stand_below() -> None:
    record_study(a_study(), 13)
    async with console().run_test(size=FULL) as pilot:
        await open_tuning(pilot)
        await sees(pilot, "What matters", "beta_end", "58 %", "72 %", "of the variance, 11 trials")
        await sees(pilot, "─ best so far", "best 5.52 dB at trial 11")


async def test_both_objectives_and_the_front_are_shown_by_sign_as_well_as_by_colour() -> None:
    study = a_study()
    record_study(study)
    async with console().run_test(size=FULL) as pilot:
        await open_tuning(pilot)
        await sees(pilot, "error dB", "mel-FD dB²", "◆ recommended  ◇ on the front", "mel-FD dB² over error")
        await pilot.press("b", "home")
        await until(pilot, lambda: f"◆{study.best:>3}  ✓ complete" in text_of(pilot.app))
        others = [number for number in study.front if number != study.best]
        assert len(others) > 1
        await sees(pilot, *(f"◇{number:>3}  ✓ complete" for number in others))


async def test_the_front_is_drawn_as_diamonds_on_a_line_beside_the_history() -> None:
    study = a_study()
    record_study(study)
    async with console().run_test(size=BROAD) as pilot:
        await open_tuning(pilot)
        table_of(pilot).choose(13)
        chart = pilot.app.screen.query_one(ParetoChart)
        await until(pilot, lambda: "◆" in str(chart.render()))
        drawn = str(chart.render())
        assert drawn.count("◇") == len(study.front) - 1
        assert any(0x2800 < ord(character) < 0x2900 for character in drawn)
        table_of(pilot).choose(study.front[0])
        await until(pilot, lambda: "◉" in str(chart.render()))


async def test_the_history_of_the_other_objective_comes_with_m() -> None:
    record_study(a_study())
    async with console().run_test(size=FULL) as pilot:
        await open_tuning(pilot)
        await sees(pilot, "Error dB  ─ best so far")
        await pilot.press("m")
        await sees(pilot, "Mel-FD dB²  ─ best so far")
        await pilot.press("m")
        await sees(pilot, "Error dB  ─ best so far")


async def test_it_says_what_each_trial_is_given_and_which_worker_runs_it() -> None:
    record_study(a_study(), 13)
    async with console().run_test(size=FULL) as pilot:
        await open_tuning(pilot, "2 workers", "30 epochs each", "tpe")
        await sees(pilot, "where", "● running 40 %", "worker 1")


async def test_of_several_machines_it_says_where_each_trial_ran() -> None:
    afar = Process(pid=7, process_start=1.0, boot="another", host="birch")
    study = a_study(workers=(WORKER, afar))
    changes = {"host": "birch", "worker": afar, "retry_of": 2, "stage": "refine learning_rate"}
    moved = study.trials[13].model_copy(update=changes)
    record_study(study.model_copy(update={"trials": (*study.trials[:-1], moved)}), 13)
    async with console().run_test(size=FULL) as pilot:
        await open_tuning(pilot, "2 workers on 2 machines")
        await sees(pilot, "stage", "where", "birch", "refine learning_rate", "takes up trial 2 again")


async def test_a_study_of_one_objective_has_no_front_to_show() -> None:
    study = a_study(objectives=OBJECTIVES[:1], front=())
    record_study(study)
    async with console().run_test(size=FULL) as pilot:
        await open_tuning(pilot)
        await sees(pilot, "This study has one objective", "Error dB")
        await pilot.press("m")
        await sees(pilot, "Error dB")
        assert "mel-FD dB²" not in text_of(pilot.app)


async def test_a_trial_says_why_it_ended_and_the_best_how_to_train_with_it() -> None:
    record_study(a_study())
    async with console().run_test(size=FULL) as pilot:
        await open_tuning(pilot)
        table_of(pilot).choose(7)
        await sees(pilot, "Trial 7", "diverged, exit status 4: no number", "output/tuning/gtzan/trial-0007")
        table_of(pilot).choose(5)
        await sees(pilot, "✂ pruned", "after epoch 9", "ran 2 min")
        best = a_study().best
        assert best is not None
        table_of(pilot).choose(best)
        await sees(pilot, "◆ recommended; y copies:", BEST_COMMAND)


async def test_the_best_come_first_with_b_and_in_their_order_again() -> None:
    study = a_study()
    record_study(study)
    async with console().run_test(size=FULL) as pilot:
        await open_tuning(pilot)
        await pilot.press("b")
        await sees(pilot, "Trials, the best first")
        await pilot.press("home")
        await until(pilot, lambda: table_of(pilot).chosen == study.trials[study.best or 0])
        await pilot.press("b", "home")
        await until(pilot, lambda: table_of(pilot).chosen == study.trials[0])


async def test_the_best_command_is_copied() -> None:
    record_study(a_study())
    async with console().run_test(size=FULL) as pilot:
        await open_tuning(pilot)
        await pilot.press("y")
        await until(pilot, lambda: pilot.app.clipboard == BEST_COMMAND)


@pytest.mark.parametrize("way", ["enter", "click"])
async def test_a_trial_is_opened_as_a_run(way: str) -> None:
    record_study(a_study(), 13)
    app = console()
    async with app.run_test(size=FULL) as pilot:
        await open_tuning(pilot)
        if way == "enter":
            await pilot.press("enter")
        else:
            row = next(row for row, line in enumerate(text_of(app).splitlines()) if "running 40 %" in line)
            await pilot.click(offset=(20, row))
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        await sees(pilot, "trial-0013")
        await pilot.press("7")
        await sees(pilot, "● searching")


async def test_a_trial_without_a_run_says_why_it_cannot_be_opened() -> None:
    record_study(a_study())
    app = console()
    async with app.run_test(size=FULL) as pilot:
        await open_tuning(pilot)
        table_of(pilot).choose(7)
        await pilot.press("enter")
        await until(pilot, lambda: any("diverged, exit status 4" in told.message for told in app._notifications))
        assert isinstance(app.screen, TuningScreen)


async def test_a_trial_that_ran_on_another_machine_says_where_its_run_is() -> None:
    study = a_study()
    record_study(study.model_copy(update={"trials": (study.trials[0].model_copy(update={"host": "birch"}),)}))
    app = console()
    async with app.run_test(size=FULL) as pilot:
        await open_tuning(pilot, "● searching")
        await sees(pilot, "✓ complete")
        await pilot.press("enter")
        await until(pilot, lambda: any("it ran on birch" in told.message for told in app._notifications))


async def test_what_the_search_does_is_followed_and_the_cursor_stays_on_its_trial() -> None:
    study = a_study()
    record_study(study)
    async with console().run_test(size=FULL) as pilot:
        await open_tuning(pilot)
        table_of(pilot).choose(3)
        more = (*study.trials[:-1], trial(13), trial(14, "running"))
        record_study(study.model_copy(update={"trials": more}))
        await sees(pilot, "14 of 20 trials", "✓ 12 complete")
        chosen = table_of(pilot).chosen
        assert chosen is not None
        assert chosen.number == 3


async def test_one_goes_through_several_studies_with_brackets() -> None:
    record_study(a_study("one"))
    record_study(a_study("two", state="finished", supervisor=None))
    async with console().run_test(size=FULL) as pilot:
        await open_tuning(pilot, "two", "✓ finished", "study 1 of 2")
        await pilot.press("right_square_bracket")
        await sees(pilot, "one", "● searching", "study 2 of 2")
        await pilot.press("left_square_bracket")
        await sees(pilot, "two", "study 1 of 2")


async def test_where_there_is_room_for_one_panel_only_tab_shows_the_next() -> None:
    record_study(a_study())
    async with console().run_test(size=SMALL) as pilot:
        await open_tuning(pilot)
        assert "What matters" not in text_of(pilot.app)
        await pilot.press("tab")
        await sees(pilot, "Error dB")
        await pilot.press("tab")
        await sees(pilot, "mel-FD dB² over error")
        await pilot.press("tab")
        await sees(pilot, "What matters")
        await pilot.press("tab")
        await sees(pilot, "Trials")


async def test_a_search_whose_process_is_gone_is_lost_and_says_how_it_goes_on() -> None:
    gone = Process(pid=2**22 + 1, process_start=1.0, host=socket.gethostname())
    record_study(a_study(supervisor=gone))
    async with console().run_test(size=FULL) as pilot:
        await open_tuning(pilot, "! lost", "whoever searched is gone", AGAIN_COMMAND)
        await sees(pilot, "■ interrupted")


@pytest.mark.parametrize(("state", "words"), [("stopped", "✓"), ("failed", "all 5 trials")])
async def test_why_a_study_ended_is_said(state: str, words: str) -> None:
    message = "SIGINT" if state == "stopped" else "all 5 trials so far failed [red]"
    record_study(a_study(state=state, message=message, supervisor=None))
    async with console().run_test(size=FULL) as pilot:
        await open_tuning(pilot, state, message, words)


async def test_a_study_of_an_older_version_shows_what_its_runs_tell_and_says_so() -> None:
    directory = record_study(a_study())
    study_file(directory).unlink()
    (directory / "study.db").write_text("")
    record_run(directory / "trial-0000", Recording(epochs_done=30, epochs=30, sample_epochs=()))
    async with console().run_test(size=FULL) as pilot:
        await open_tuning(pilot, "An older version made this study", "✓ complete", "n/a: an older version")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, DashboardScreen))


async def test_names_and_reasons_from_outside_are_harmless() -> None:
    bad = trial(0, "failed", reason="\x1b[2J[red]reason[/red]", params={"model.\x1b[31mx": "\x07[bold]"})
    record_study(a_study(trials=(bad,), space={}, best=None))
    async with console().run_test(size=FULL) as pilot:
        await open_tuning(pilot, "[red]reason[/red]")
        assert "\x1b" not in text_of(pilot.app)


async def test_one_outlier_does_not_flatten_the_chart_and_is_counted() -> None:
    study = a_study()
    far = trial(13, values={"recon_db": 900.0})
    record_study(study.model_copy(update={"trials": (*study.trials[:-1], far)}))
    async with console().run_test(size=BROAD) as pilot:
        await open_tuning(pilot, "1 beyond")


async def test_escape_goes_back_to_the_runs() -> None:
    assert not ROOT.exists()
    async with console().run_test(size=FULL) as pilot:
        await open_tuning(pilot, "No study")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen))


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
def test_picture_of_a_study(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def look(pilot: Pilot[str]) -> None:
        await open_tuning(pilot)
        await sees(pilot, "● running 40 %")
        await pilot.pause()

    record_study(a_study(), 13)
    assert snap_compare(console(), terminal_size=size, run_before=look)


def test_picture_without_a_study(snap_compare) -> None:  # type: ignore[no-untyped-def]
    async def look(pilot: Pilot[str]) -> None:
        await open_tuning(pilot, "No study in output/tuning yet.")
        await pilot.pause()

    assert Path.cwd().is_dir()
    assert snap_compare(console(), terminal_size=FULL, run_before=look)
