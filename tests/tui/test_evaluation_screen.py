"""What a run measured of itself, in the console: on one line, on the case-study card, and as a whole."""

import math
from pathlib import Path

import pytest
from recorded_evaluation import PROMISING, record_evaluation, report_at
from recorded_run import NOW, Recording, record_run
from textual.pilot import Pilot
from watching import alive, sees, text_of, until

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.evaluations import Closeness, Draws, Musicality, Smoothness, Telling
from harmonic_core.run.records import keep_rows
from harmonic_tui.app import Console
from harmonic_tui.screens.dashboard import DashboardScreen
from harmonic_tui.screens.evaluation import EvaluationScreen

FULL, SMALL, BROAD = (120, 36), (80, 24), (200, 50)
TRAINING = Recording(state="training", profile=PROMISING)


def evaluated_run(recording: Recording = TRAINING) -> RunDirectory:
    """A live run that measured itself twice."""
    run = record_run(Path("run"), alive(recording))
    record_evaluation(run, report_at(20, active_units=7))
    record_evaluation(run, report_at(30))
    return run


def console_on(run: RunDirectory) -> Console:
    return Console(run, clock=lambda: NOW, sound=False)


async def back_on_the_dashboard(pilot: Pilot[str]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, DashboardScreen))


async def test_the_newest_figures_stand_on_one_line_with_the_epoch_and_what_chance_would_get() -> None:
    async with console_on(evaluated_run()).run_test(size=(160, 36)) as pilot:
        await sees(pilot, "measured at epoch 30", "mel 5.83 dB", "perceptual 4.90 dB", "genre kNN 46 % (chance 10 %)")
        await sees(pilot, "chroma 0.93", "mel-FD 212 dB²", "case study 3 of 5 reached")


async def test_a_small_screen_has_the_most_telling_figures() -> None:
    async with console_on(evaluated_run()).run_test(size=SMALL) as pilot:
        await sees(pilot, "epoch 30  mel 5.83 dB  perceptual 4.90 dB  case study 3/5")


async def test_a_broad_screen_shows_each_promise_with_its_figure_and_how_it_stands() -> None:
    async with console_on(evaluated_run()).run_test(size=BROAD) as pilot:
        await sees(pilot, "Case study: 3 of 5 reached", "─ measured at epoch 30 ─")
        for line in (
            "✓ kNN genre accuracy     0.46  ≥ 0.40  by epoch  30",
            "✗ genre silhouette      −0.02  ≥ 0.00  by epoch  30",
            "✓ evenness of paths      0.71  ≥ 0.60  by epoch 100",
            "✓ samples' key clarity   0.63  ≥ 0.60  by epoch  80",
            "… samples' regularity    0.31  ≥ 0.40  by epoch  80",
        ):
            await sees(pilot, line)


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
async def test_before_the_first_evaluation_it_is_said_when_it_comes(size: tuple[int, int]) -> None:
    console = console_on(record_run(Path("run"), alive(TRAINING)))
    async with console.run_test(size=size) as pilot:
        await sees(pilot, "case study: first measured at epoch 40 or later")
        await pilot.press("e")
        await sees(pilot, "first measured at epoch 40 or later", "– kNN genre accuracy", "n/a  ≥ 0.40")


@pytest.mark.parametrize(
    ("recording", "words"),
    [
        (alive(Recording(state="training", profile=f"{PROMISING}[output]\ncheckpoint_every = 300\n")), "at epoch 100"),
        (
            alive(Recording(state="training", profile=f"{PROMISING}[evaluation]\nevaluation_share = 0\n")),
            "evaluate run",
        ),
        (Recording(state="finished", profile=PROMISING), "never measured by itself; harmonic evaluate run does"),
    ],
)
async def test_a_run_that_measures_itself_late_or_never_says_so(recording: Recording, words: str) -> None:
    async with console_on(record_run(Path("run"), recording)).run_test(size=FULL) as pilot:
        await sees(pilot, "case study: ", words)


async def test_without_promises_and_evaluations_there_is_nothing_to_open() -> None:
    console = console_on(record_run(Path("run"), alive(Recording(state="training"))))
    async with console.run_test(size=BROAD) as pilot:
        await sees(pilot, "Still improving", "val 0.0944")
        await pilot.press("e")
        await pilot.pause()
        assert isinstance(console.screen, DashboardScreen)
        assert not any(word in text_of(console) for word in ("ase study", "Evaluation", "measured at"))


async def test_a_run_that_promises_nothing_shows_what_it_measured() -> None:
    console = console_on(evaluated_run(Recording(state="training")))
    async with console.run_test(size=BROAD) as pilot:
        await sees(pilot, "measured at epoch 30", "mel-FD 212 dB²", "e Evaluation")
        assert "ase study" not in text_of(console)
        await pilot.press("e")
        await sees(pilot, "Whose error is whose", "Samples of the prior")
        assert "ase study" not in text_of(console)


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
async def test_a_key_that_help_lists_opens_everything_and_escape_goes_back(size: tuple[int, int]) -> None:
    console = console_on(evaluated_run())
    async with console.run_test(size=size) as pilot:
        await sees(pilot, "epoch 30")
        await pilot.press("question_mark")
        await sees(pilot, "Everything that was measured of the model last")
        await pilot.press("escape")
        await back_on_the_dashboard(pilot)
        await pilot.press("e")
        await sees(pilot, "epoch 30, step 1\N{THIN SPACE}200", "512 held-out segments, 64 of them heard", "930 tracks")
        await sees(pilot, "vocoder  model  both", "1.21   5.83  6.12", "✓ kNN genre accuracy")
        await pilot.press("end")
        await sees(pilot, "119 of 128", "distance to training", "onset regularity", "0.55")
        await pilot.press("escape")
        await back_on_the_dashboard(pilot)


@pytest.mark.parametrize(
    ("size", "widget"), [(FULL, "#evaluation"), (SMALL, "#evaluation"), (BROAD, "#evaluation"), (BROAD, "#case-study")]
)
async def test_a_click_opens_everything_as_well(size: tuple[int, int], widget: str) -> None:
    console = console_on(evaluated_run())
    async with console.run_test(size=size) as pilot:
        await sees(pilot, "epoch 30")
        await pilot.click(widget)
        await until(pilot, lambda: isinstance(console.screen, EvaluationScreen))
        await pilot.press("j", "k", "e")
        await back_on_the_dashboard(pilot)


async def test_everything_is_told_apart_by_label_and_worse_than_chance_shows() -> None:
    async with console_on(evaluated_run()).run_test(size=FULL) as pilot:
        await sees(pilot, "epoch 30")
        await pilot.press("e")
        await sees(pilot, "kNN  probe  chance  silhouette  values", "genre  46 %   52 %    10 %       −0.02      10")
        await sees(pilot, "key    12 %    n/a    14 %       −0.11      21")


async def test_the_open_screen_follows_the_run() -> None:
    run = evaluated_run()
    console = console_on(run)
    async with console.run_test(size=BROAD) as pilot:
        await sees(pilot, "measured at epoch 30")
        await pilot.press("e")
        await sees(pilot, "119 of 128")
        telling = Telling(neighbours=0.61, probe=0.7, chance=0.1, silhouette=0.04, values=10, segments=512)
        record_evaluation(run, report_at(40, active_units=121, tells_apart={"genre": telling}))
        await sees(pilot, "epoch 40, step 1\N{THIN SPACE}600", "121 of 128", "✓ genre silhouette")
        await pilot.press("escape")
        await sees(pilot, "measured at epoch 40", "Case study: 4 of 5 reached", "0.61  ≥ 0.40")


async def test_what_a_resumed_run_has_yet_to_do_again_is_forgotten() -> None:
    run = evaluated_run()
    console = console_on(run)
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "epoch 30  mel")
        keep_rows(run.evaluations, lambda row: row["epoch"] < 30)
        await sees(pilot, "epoch 20  mel")
        keep_rows(run.evaluations, lambda row: False)
        await sees(pilot, "case study: first measured at epoch 40 or later")


async def test_copies_and_a_model_no_better_than_the_mean_spectrum_are_pointed_at() -> None:
    run = record_run(Path("run"), alive(TRAINING))
    near = Draws(mel_fd=5.0, mel_fd_mean=1.0, mel_fd_noise=2.0, diversity=0.9, nearest_training=0.2)
    record_evaluation(run, report_at(30, draws=near))
    async with console_on(run).run_test(size=FULL) as pilot:
        await sees(pilot, "epoch 30")
        await pilot.press("e")
        await sees(pilot, "! they may be copies of the training music", "0.20")


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
async def test_what_was_not_measured_or_is_no_number_is_not_shown_as_a_figure(size: tuple[int, int]) -> None:
    run = record_run(Path("run"), alive(TRAINING))
    nan, huge = math.nan, 1e300
    odd = report_at(
        30,
        mean_spectrum_db=nan,
        vocoder=Closeness(mel_db=huge, perceptual_db=-math.inf),
        model=Closeness(mel_db=nan, perceptual_db=huge),
        kl_nats=math.inf,
        kl_bits_per_s=nan,
        active_units=0,
        sparsity=nan,
        principal_shares={},
        tells_apart={"genre": Telling(neighbours=nan, probe=nan, chance=0.1, silhouette=nan, values=2, segments=4)},
        smoothness=Smoothness(evenness=nan, middle=huge),
        draws=Draws(mel_fd=huge, mel_fd_mean=nan, mel_fd_noise=nan, diversity=nan, nearest_training=nan),
        samples_music=Musicality(key_clarity=nan, onset_regularity=-huge),
        held_out_music=None,
    )
    record_evaluation(run, odd)
    console = console_on(run)
    async with console.run_test(size=size) as pilot:
        await sees(pilot, "epoch 30", "mel NaN dB")
        await pilot.press("e")
        await sees(pilot, "Whose error is whose", "n/a")
        await pilot.press("end")
        await sees(pilot, "onset regularity")
        assert isinstance(console.screen, EvaluationScreen)


async def test_what_little_was_measured_leaves_no_empty_frame() -> None:
    run = record_run(Path("run"), alive(Recording(state="training")))
    nothing = {"tells_apart": {}, "smoothness": None, "draws": None, "samples_music": None, "held_out_music": None}
    record_evaluation(run, report_at(30, principal_shares={}, **nothing))
    async with console_on(run).run_test(size=FULL) as pilot:
        await sees(pilot, "epoch 30")
        await pilot.press("e")
        await sees(pilot, "no labels to tell apart, or no time for it", "too few held-out segments to compare with")


async def test_strings_of_a_report_stay_text() -> None:
    run = record_run(Path("run"), alive(TRAINING))
    telling = Telling(neighbours=0.5, probe=None, chance=0.1, silhouette=0.0, values=2, segments=4)
    labels = {f"[b]{number}\x1b[31m\u202e": telling for number in range(20)}
    record_evaluation(run, report_at(30, music="[red]\x1b]0;title\x07music", weights="\x1b[2J", tells_apart=labels))
    console = console_on(run)
    async with console.run_test(size=(160, 50)) as pilot:
        await sees(pilot, "measured at epoch 30", "[b]0")
        await pilot.press("e")
        await sees(pilot, "[red]music", "[b]11", "and 8 more")
        assert not set("\x1b\u202e\x07") & set(text_of(console))


async def test_rows_that_are_no_reports_are_passed_over() -> None:
    run = evaluated_run()
    with run.evaluations.open("ab") as file:
        file.write(b'{"epoch": 99}\nnonsense\n{"kind": "evaluation", "mel')
    async with console_on(run).run_test(size=FULL) as pilot:
        await sees(pilot, "epoch 30  mel 5.83 dB")


@pytest.mark.parametrize("size", [(20, 5), (40, 12), (60, 20), (112, 30), (300, 100)])
async def test_any_size_of_terminal_will_do_for_an_evaluation(size: tuple[int, int]) -> None:
    console = console_on(evaluated_run())
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "epoch 30")
        await pilot.press("e")
        await sees(pilot, "Whose error is whose")
        await pilot.resize_terminal(*size)
        await sees(pilot, "Evaluation", "epoch 30")
        await pilot.resize_terminal(*FULL)
        await sees(pilot, "Whose error is whose", "✓ kNN genre accuracy     0.46  ≥ 0.40")
        await pilot.press("escape")
        await pilot.resize_terminal(*size)
        await sees(pilot, "HarmonicVAE")
