"""Where the console begins: profiles to start, runs to open."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from recorded_run import NOW, PREPARING, Recording, record_run
from textual.pilot import Pilot
from watching import alive, sees, text_of, until

from harmonic_core.errors import ProfileError, RunError
from harmonic_core.run.directory import RunDirectory
from harmonic_tui.app import Console
from harmonic_tui.command import main
from harmonic_tui.screens.dashboard import DashboardScreen
from harmonic_tui.screens.launch import LaunchScreen
from harmonic_tui.widgets.run_list import RunList

SIZE = (120, 36)


def console() -> Console:
    return Console(clock=lambda: NOW, sound=False)


async def test_profiles_are_listed_with_what_they_are_for_and_runs_with_how_they_are() -> None:
    record_run(Path("runs/one"), alive(Recording(state="training")))
    record_run(Path("output/two"), Recording(state="finished", epochs_done=12))
    async with console().run_test(size=SIZE) as pilot:
        await sees(pilot, "demo", "music made by the program itself", "quick_test", "maestro_full")
        await sees(pilot, "● training   epoch 37/100   best 6.46 dB", "✓ finished   epoch 12/100", "19:25")


async def test_without_runs_it_says_how_to_come_by_one() -> None:
    async with console().run_test(size=SIZE) as pilot:
        await sees(pilot, "No runs in ./runs and ./output yet", "press Enter")


async def test_enter_on_a_run_opens_it_and_1_and_2_go_back_and_forth() -> None:
    record_run(Path("runs/one"), Recording(state="finished"))
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await sees(pilot, "✓ finished")
        await pilot.press("tab", "enter")
        await sees(pilot, "Latent: 119 of 128 active")
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))


async def test_hjkl_move_in_and_between_the_lists() -> None:
    for name in ("one", "two", "three"):
        record_run(Path("runs") / name, Recording(epochs_done=1))
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await sees(pilot, "three")
        runs = app.screen.query_one(RunList)
        await pilot.press("l", "j", "j")
        await until(pilot, lambda: runs.has_focus and runs.highlighted == 2)
        await pilot.press("k")
        await until(pilot, lambda: runs.highlighted == 1)
        await pilot.press("h")
        await until(pilot, lambda: not runs.has_focus)


async def test_a_profile_that_cannot_be_used_says_why_and_is_not_started() -> None:
    Path("profiles").mkdir()
    Path("profiles/aa_broken.toml").write_text("[model]\nlatent_dimension = 3\n")
    async with console().run_test(size=SIZE, notifications=True) as pilot:
        await sees(pilot, "aa_broken", "✗")
        await pilot.press("down", "enter")
        await sees(pilot, "This profile cannot be used")
        assert not Path("runs").exists()


async def test_a_profile_whose_music_is_not_there_says_so_and_how_to_come_by_it() -> None:
    Path("profiles").mkdir()
    Path("profiles/aa_mine.toml").write_text('[data]\ndataset = "gtzan"\ndataset_dir = "big/gtzan"\n')
    async with console().run_test(size=SIZE, notifications=True) as pilot:
        await sees(pilot, "aa_mine   gtzan   project   ! big/gtzan: no such folder")
        await pilot.press("down")
        await sees(pilot, "harmonic data download gtzan --dataset-dir big/gtzan")
        await pilot.press("enter")
        await sees(pilot, "Not started")
        assert not Path("runs").exists()


async def test_music_that_appears_takes_the_warning_away() -> None:
    Path("profiles").mkdir()
    Path("profiles/aa_mine.toml").write_text('[data]\ndataset = "custom"\ncustom_dir = "songs"\n')
    async with console().run_test(size=SIZE) as pilot:
        await sees(pilot, "! songs: no such folder")
        Path("songs").mkdir()
        await sees(pilot, "! songs: no audio in it")
        Path("songs/one.wav").touch()
        await until(pilot, lambda: "! songs" not in text_of(pilot.app))
        await sees(pilot, "aa_mine   custom   project")


async def test_runs_that_prepare_or_failed_say_how_far_they_came_and_why() -> None:
    record_run(Path("runs/one"), alive(PREPARING))
    record_run(Path("runs/two"), Recording(state="failed", message="[b]the disk is full\x1b[31m; free some room"))
    async with console().run_test(size=(160, 36)) as pilot:
        await sees(pilot, "◌ preparing   412 of 1\N{THIN SPACE}000 files, 3.4 h ready, 3 refused, 2 min left")
        await sees(pilot, "✗ failed   [b]the disk is full; free some room")


async def test_two_hundred_runs_are_a_list_like_any_other() -> None:
    for number in range(200):
        run = RunDirectory(Path(f"runs/run-{number:03d}"))
        run.path.mkdir(parents=True)
        run.profile.write_text("")
        run.status.write_text('{"state": "dreaming"}' if number % 2 else "")
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await sees(pilot, "? status unreadable")
        runs = app.screen.query_one(RunList)
        await pilot.press("tab", "end")
        await until(pilot, lambda: runs.highlighted == 199)


async def test_the_chosen_run_stays_chosen_when_another_appears_above_it() -> None:
    record_run(Path("runs/old"), Recording(epochs_done=1))
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await sees(pilot, "✓ finished   epoch 1/100")
        runs = app.screen.query_one(RunList)
        record_run(Path("runs/new"), Recording(epochs_done=1))
        await until(pilot, lambda: runs.option_count == 2)
        assert runs.highlighted == 1


async def test_runs_show_their_validation_error_over_the_epochs() -> None:
    record_run(Path("runs/one"), Recording(state="finished"))
    async with console().run_test(size=SIZE) as pilot:
        await sees(pilot, "█▆▅▄▃▃▂▂▂▂▂▂▁▁▁▁▁▁▁▁")
        await pilot.press("tab")
        await sees(pilot, "best held-out error 6.46 dB at epoch 36, the mean spectrum's 10.7", "Still improving")


async def test_words_find_profiles_and_runs() -> None:
    for name in ("jazz-one", "jazz-two", "piano"):
        record_run(Path("runs") / name, Recording(state="stopped" if name == "piano" else "finished", epochs_done=1))
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await sees(pilot, "piano")
        await pilot.press("slash", *"jazz fin")
        await sees(pilot, "Runs: 2 of 3", "No profile is called so")
        await pilot.press("enter")
        runs = app.screen.query_one(RunList)
        await until(pilot, lambda: runs.has_focus)
        await pilot.press("escape")
        await sees(pilot, "Runs: open one", "quick_test")
        await pilot.press("slash", *"maestro", "enter")
        await sees(pilot, "No run is called so", "maestro_full")
        await until(pilot, lambda: app.screen.query_one("#profiles").has_focus and "quick_test" not in text_of(app))
        await pilot.press("slash", "escape")
        await sees(pilot, "quick_test", "piano")


async def test_runs_are_put_in_order() -> None:
    for name, epochs in (("b", 2), ("a", 30), ("c", 10)):
        record_run(Path("runs") / name, Recording(state="failed" if name == "c" else "finished", epochs_done=epochs))
        os.utime(Path("runs") / name / "status.json", (epochs, epochs))
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await sees(pilot, "newest first")
        runs = app.screen.query_one(RunList)
        orders = (("by state", "cab"), ("by name", "abc"), ("best first", "acb"), ("newest first", "acb"))
        await pilot.press("tab")
        for words, order in orders:
            await pilot.press("left_square_bracket")
            await sees(pilot, words)
            await pilot.press("home")
            assert "".join(run.name for run in runs.in_sight) == order
        await pilot.press("right_square_bracket")
        await sees(pilot, "best first")


async def test_only_curves_in_sight_are_read() -> None:
    for number in range(60):
        run = record_run(Path(f"runs/run-{number:02d}"), Recording(epochs_done=2, sample_epochs=()))
        os.utime(run.status, (number, number))
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await sees(pilot, "run-59")
        runs = app.screen.query_one(RunList)
        await until(pilot, lambda: runs.curve(RunDirectory(Path("runs/run-59"))))
        assert not runs.curve(RunDirectory(Path("runs/run-00")))
        await pilot.press("tab", "end")
        await until(pilot, lambda: runs.curve(RunDirectory(Path("runs/run-00"))))
        assert not runs.curve(RunDirectory(Path("runs/run-30")))
        await pilot.press("pageup")
        await until(pilot, lambda: runs.highlighted is not None and runs.highlighted < 55)
        await pilot.press("home", "pagedown", "j", "k", "down", "up")
        await until(pilot, lambda: runs.highlighted is not None and runs.highlighted > 5)


async def test_names_from_outside_are_shown_as_they_are() -> None:
    run = record_run(Path("runs/[b]bold\x1b[31m"), Recording(epochs_done=1, message="[red]x"))
    assert run.exists()
    async with console().run_test(size=SIZE) as pilot:
        await sees(pilot, "[b]bold")
        await pilot.press("tab")
        await sees(pilot, "About [b]bold")


async def test_q_leaves_at_once_where_nothing_runs() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await sees(pilot, "Profiles")
        await pilot.press("q")
        await until(pilot, lambda: app._exit)


async def test_every_row_can_be_clicked() -> None:
    record_run(Path("runs/one"), Recording(state="finished"))
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await sees(pilot, "✓ finished")
        assert await pilot.click("#runs", offset=(5, 2))
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        await sees(pilot, "one")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (["nowhere"], RunError.exit_code, "no such run"),
        (["--profile", "nothing"], ProfileError.exit_code, "nothing"),
        (["--profile", "demo", "--set", "train.epoch=1"], ProfileError.exit_code, "epochs"),
        (["--profile", "demo", "run"], ProfileError.exit_code, "one of them"),
        (["--set", "train.epochs=1"], ProfileError.exit_code, "--profile"),
        (["--once"], ProfileError.exit_code, "--once"),
    ],
)
def test_what_cannot_be_shown_is_refused_before_the_screen_is_taken(
    arguments: list[str],
    exit_code: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    printed = capsys.readouterr()
    assert ended.value.code == exit_code
    assert words in printed.err
    assert printed.out == ""
    assert not Path("runs").exists()


def test_without_a_terminal_it_says_what_to_use_instead(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([])
    assert "harmonic status" in capsys.readouterr().err


def test_once_prints_the_dashboard_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    record_run(Path("run"), Recording(state="finished"))
    main(["run", "--once"])
    printed = capsys.readouterr().out
    assert "✓ finished" in printed
    assert "val 0.0944" in printed
    assert "\x1b" not in printed


async def test_opening_another_run_shows_that_one_alone() -> None:
    for name in ("one", "two"):
        record_run(Path("runs") / name, Recording(state="finished"))
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        for key in ("k", "j"):
            await sees(pilot, "Runs: open one", "✓ finished")
            app.screen.query_one(RunList).focus()
            await pilot.press(key, "enter")
            await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
            shown = app.screen
            assert isinstance(shown, DashboardScreen)
            await sees(pilot, shown.run_directory.name, "Latent: 119 of 128 active")
            await pilot.press("1")
            await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        await pilot.press("2")
        await until(pilot, lambda: app.screen is shown)


async def test_a_run_that_has_just_been_started_shows_the_log_until_it_tells_more() -> None:
    run = RunDirectory(Path("run"))
    run.path.mkdir()
    run.console_log.write_text("loading torch\n")
    trainer = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        app = Console(run, process=trainer, clock=lambda: NOW, sound=False)
        async with app.run_test(size=SIZE) as pilot:
            await sees(pilot, "◌ starting", "loading torch", "this takes a few seconds")
            record_run(Path("run"), alive(Recording(state="training")))
            await sees(pilot, "● training", "Latent: 119 of 128 active")
            await until(pilot, lambda: "this takes a few seconds" not in text_of(app))
    finally:
        trainer.kill()
        trainer.wait()


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (200, 50)], ids=["full", "small", "broad"])
def test_profiles_and_runs_in_every_state(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    # Profiles of our own, so that a new one that comes with the program changes no picture.
    names = ("combined", "custom", "finetune", "gtzan", "maestro", "maestro_full", "quick_test")
    Path("profiles").mkdir()
    for name in names:
        Path(f"profiles/{name}.toml").write_text('[data]\ndataset = "gtzan"\n')
    Path("profiles/demo.toml").write_text('[run]\ndescription = "Music made by the program itself"\n')
    states: tuple[Recording, ...] = (
        PREPARING,
        Recording(state="failed", epochs_done=3, message="out of memory: 81 GB asked for"),
        Recording(state="finished", epochs_done=100),
        Recording(state="training"),
    )
    for number, recording in enumerate(states):
        run = record_run(Path(f"runs/{recording.state}"), alive(recording))
        os.utime(run.status, (number, number))

    async def look(pilot: Pilot[str]) -> None:
        await sees(pilot, "● training", "Music made by")
        await pilot.press("tab")
        await sees(pilot, "About training", "Still improving", "█")
        await pilot.pause()

    assert snap_compare(console(), terminal_size=size, run_before=look)
