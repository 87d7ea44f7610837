"""What the console shows when training is in trouble: waits, verdicts, bad updates, and how several ranks are."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from recorded_run import (
    COLLAPSED,
    DISK_FULL,
    DIVERGED,
    GPU,
    IMPROVING,
    NOW,
    Recording,
    event_rows,
    metric_rows,
    ranks_of,
    record_run,
    status_of,
)
from watching import alive, alive_now, sees, text_of, until

from harmonic_core.run.control import pending_commands
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import Row, encode_row, keep_rows
from harmonic_core.run.status import Rank, Verdict, VerdictKind, write_status
from harmonic_tui.app import Console
from harmonic_tui.widgets.chart import Chart
from harmonic_tui.widgets.plot import NOT_A_NUMBER
from harmonic_tui.widgets.verdict import VerdictLine
from harmonic_tui.wording import STATES, VERDICTS

FULL, SMALL, BROAD = (120, 36), (80, 24), (200, 50)
SIZES = pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
TRAINING = Recording(state="training")
FOUR_PARTS = "[train]\ngrad_accum_steps = 4\n"


def console_on(recording: Recording) -> Console:
    return Console(record_run(Path("run"), recording), clock=lambda: NOW, sound=False)


def hue_of(console: Console, text: str) -> str:
    """Colour of the first letter of `text` on the screen."""
    for strip in console.screen._compositor.render_strips():
        at = strip.text.find(text)
        if at >= 0:
            segment = next(iter(strip.crop(at, at + 1)))
            assert segment.style is not None
            assert segment.style.color is not None
            return segment.style.color.get_truecolor().hex
    raise AssertionError(f"{text!r} is not on the screen:\n{text_of(console)}")


def hue(console: Console, name: str) -> str:
    return console.theme_variables[name].lower()


def add_rows(run: RunDirectory, *rows: Row) -> None:
    with run.metrics.open("ab") as file:
        file.writelines(map(encode_row, rows))


@SIZES
async def test_a_run_that_waits_for_room_says_so_in_amber_and_how_much_it_needs(size: tuple[int, int]) -> None:
    console = console_on(alive(Recording(state="paused", why="disk full", message=DISK_FULL)))
    async with console.run_test(size=size) as pilot:
        await sees(pilot, "‖ paused: disk full", "1.24 GB needed in runs", "MB free; goes on by itself")
        assert hue_of(console, "‖ paused: disk full") == hue(console, "look")
        assert "seg/s" not in text_of(console)


async def test_a_run_that_goes_on_after_it_had_no_room_needs_no_words_any_more() -> None:
    waiting = alive(Recording(state="paused", why="disk full", message=DISK_FULL))
    run = record_run(Path("run"), waiting)
    console = Console(run, clock=lambda: NOW, sound=False)
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "1.24 GB needed")
        write_status(run.status, status_of(replace(waiting, state="training", why="", message="")))
        await sees(pilot, "● training")
        await until(pilot, lambda: "1.24 GB needed" not in text_of(console))


async def test_a_run_that_waits_for_room_is_not_told_to_go_on() -> None:
    run = record_run(Path("run"), alive_now(Recording(state="paused", why="disk full", message=DISK_FULL)))
    console = Console(run, sound=False)
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "‖ paused: disk full")
        await pilot.press("p")
        await pilot.pause()
        assert pending_commands(run) == []


async def test_a_pause_by_command_has_no_notice() -> None:
    console = console_on(alive(Recording(state="paused", why="by command", message="paused by command")))
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "‖ paused: by command")
        assert "paused by command" not in text_of(console)


async def test_a_run_that_was_lost_while_it_waited_says_what_it_waited_for() -> None:
    console = console_on(Recording(state="paused", why="disk full", message=DISK_FULL, heartbeat=NOW - 3000))
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "! lost", "Before that it was paused: disk full", "1.24 GB", "--resume-from run")


async def test_a_long_name_leaves_room_for_the_state() -> None:
    run = record_run(Path("an-extraordinarily-long-name-of-a-run-that-somebody-gave-it"), alive(TRAINING))
    console = Console(run, clock=lambda: NOW, sound=False)
    async with console.run_test(size=SMALL) as pilot:
        await sees(pilot, "● training", "1 file refused", "an-extraordinarily")
        await pilot.resize_terminal(*FULL)
        await sees(pilot, "● training", "ETA 42 min")


@pytest.mark.parametrize("kind", sorted(VERDICTS))
async def test_a_verdict_has_a_mark_and_the_hue_of_its_kind(kind: VerdictKind) -> None:
    told = Verdict(kind=kind, sentence="What it means", evidence="7.48 dB", action="do this")
    console = console_on(alive(replace(TRAINING, verdict=told)))
    async with console.run_test(size=BROAD) as pilot:
        mark = VERDICTS[kind]
        await sees(pilot, f"{mark.sign} What it means   7.48 dB   → do this")
        assert hue_of(console, "What it means") == hue(console, mark.hue)


def test_only_what_is_broken_is_red() -> None:
    assert {kind for kind, mark in VERDICTS.items() if mark.hue == "bad"} == {"collapsed", "diverged"}
    assert STATES["paused"].hue == "look"


@SIZES
async def test_a_verdict_that_asks_for_something_is_told_with_what_to_do(size: tuple[int, int]) -> None:
    console = console_on(alive(replace(TRAINING, verdict=COLLAPSED)))
    async with console.run_test(size=size) as pilot:
        await sees(pilot, "✗ Latent collapsed: all music gives nearly the same sound.", "sound: off")
        await sees(pilot, "3 of 128 units active", "→ Try `--beta-end 0.001` (now 0.01).")


async def test_of_a_verdict_too_long_for_the_screen_the_action_stays_and_the_figures_go() -> None:
    told = Verdict(kind="noisy", sentence="It is noise.", evidence="9.99 dB " * 25, action="Use --epochs 200.")
    console = console_on(alive(replace(TRAINING, verdict=told)))
    async with console.run_test(size=SMALL) as pilot:
        await sees(pilot, "! It is noise.", "→ Use --epochs 200.")
        assert "9.99 dB" not in text_of(console)


async def test_a_calm_verdict_takes_one_row_whatever_it_says() -> None:
    told = IMPROVING.model_copy(update={"evidence": "7.48 dB " * 40})
    console = console_on(alive(replace(TRAINING, verdict=told)))
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "✓ Still improving", "sound: off")
        assert console.screen.query_one(VerdictLine).size.height == 1


async def test_advice_at_the_end_of_a_good_run_is_told_too() -> None:
    told = IMPROVING.model_copy(update={"action": "Try `--epochs 200` (now 100)."})
    console = console_on(Recording(state="finished", verdict=told))
    async with console.run_test(size=SMALL) as pilot:
        await sees(pilot, "✓ Still improving", "Held-out error 6.48 dB", "→ Try `--epochs 200` (now 100).")


async def test_a_new_verdict_takes_the_place_of_the_old_one() -> None:
    run = record_run(Path("run"), alive(TRAINING))
    console = Console(run, clock=lambda: NOW, sound=False)
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "Still improving")
        worse = replace(alive(TRAINING), verdict=COLLAPSED)
        write_status(run.status, status_of(worse, metric_rows(worse)))
        await sees(pilot, "✗ Latent collapsed")
        assert "Still improving" not in text_of(console)


@pytest.mark.parametrize(
    ("recording", "words"),
    [
        (alive(Recording(state="training", epochs_done=0)), "No verdict yet: it comes when an epoch closes."),
        (Recording(state="finished", verdict=None), "No verdict was recorded for this run."),
    ],
    ids=["early", "older"],
)
async def test_a_run_without_a_verdict_says_why(recording: Recording, words: str) -> None:
    async with console_on(recording).run_test(size=FULL) as pilot:
        await sees(pilot, words)


async def test_a_verdict_from_outside_stays_text() -> None:
    told = Verdict(kind="plateau", sentence="[red]\x1b[31mflat\u202e[/red]", evidence="[/x]", action="\x1b]0;t\x07[b]")
    console = console_on(alive(replace(TRAINING, verdict=told)))
    async with console.run_test(size=BROAD) as pilot:
        await sees(pilot, "▬ [red]flat", "[/x]", "→ [b]")
        assert not set("\x1b\u202e\x07") & set(text_of(console))


async def test_every_rank_shows_its_memory_and_its_speed() -> None:
    console = console_on(alive(replace(TRAINING, device=GPU, ranks=ranks_of(2))))
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "2 ranks: GPU  NVIDIA H100", "rank  memory")
        rows = [row for row in text_of(console).splitlines() if "of 79.6" in row]
        assert ["▮" in row for row in rows] == [True, True]
        assert [row.split("▮", 1)[1].rsplit("·", 1)[1].split()[:4] for row in rows] == [
            ["11.2", "of", "79.6", "655"],
            ["11.5", "of", "79.6", "654"],
        ]
        await pilot.resize_terminal(*SMALL)
        await sees(pilot, "rank 0 ", "11.2 of 79.6 GiB  655 seg/s", "rank 1 ", "11.5 of 79.6 GiB  654 seg/s")


@pytest.mark.parametrize(("size", "shown"), [(SMALL, 2), (FULL, 6), (BROAD, 8)], ids=["small", "full", "broad"])
async def test_of_many_ranks_as_many_are_shown_as_fit_and_the_rest_is_counted(
    size: tuple[int, int], shown: int
) -> None:
    console = console_on(alive(replace(TRAINING, device=GPU, ranks=ranks_of(8, hosts=2))))
    async with console.run_test(size=size) as pilot:
        await sees(pilot, "11.2 of 79.6")
        await until(pilot, lambda: text_of(console).count("of 79.6") == shown)
        assert (f"and {8 - shown} more" in text_of(console)) == (shown < 8)


async def test_where_there_is_room_a_rank_says_its_host_and_its_card() -> None:
    console = console_on(alive(replace(TRAINING, device=GPU, ranks=ranks_of(8, hosts=2))))
    async with console.run_test(size=BROAD) as pilot:
        await sees(pilot, "8 ranks on 2 hosts", "0  node-a  …7e3f00", "7  node-b  …7e3f07")


async def test_a_full_card_among_the_hidden_ranks_is_named() -> None:
    ranks = ranks_of(8)
    full = ranks[7].device.model_copy(update={"allocated_bytes": ranks[7].device.total_bytes})
    ranks = (*ranks[:7], ranks[7].model_copy(update={"device": full}))
    console = console_on(alive(replace(TRAINING, device=GPU, ranks=ranks)))
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "and 2 more, nearly full: rank 7")


async def test_what_is_unknown_of_a_rank_is_not_shown_as_nothing() -> None:
    console = console_on(alive(replace(TRAINING, ranks=(Rank(rank=0, host=""), Rank(rank=1, host="[b]\x1b[31m")))))
    async with console.run_test(size=BROAD) as pilot:
        await sees(pilot, "2 ranks on 2 hosts: CPU", "n/a of n/a    n/a", "[b]")
        await pilot.resize_terminal(*SMALL)
        await sees(pilot, "n/a of n/a GiB  n/a seg/s")


@SIZES
async def test_what_training_had_to_do_without_is_told_once_there_is_something(size: tuple[int, int]) -> None:
    recording = alive(replace(TRAINING, device=GPU))
    run = record_run(Path("run"), recording)
    console = Console(run, clock=lambda: NOW, sound=False)
    async with console.run_test(size=size) as pilot:
        await sees(pilot, "11.2", "Still improving")
        assert not [word for word in ("skipped", "rollback", "batch") if word in text_of(console)]
        troubled = replace(recording, skipped_steps=13, rollbacks=2, grad_accum_steps=4)
        write_status(run.status, status_of(troubled, metric_rows(troubled)))
        words = ("13 updates skipped", "2 rollbacks", "batch in 4 parts")
        await sees(pilot, *(words if size == BROAD else ("13 skipped", "2 rollbacks", "batch ÷4")))


@pytest.mark.parametrize("profile", [FOUR_PARTS, "[train"], ids=["planned", "unknown"])
async def test_parts_of_a_batch_that_were_planned_are_no_news(profile: str) -> None:
    console = console_on(alive(replace(TRAINING, profile=profile, grad_accum_steps=4, skipped_steps=1)))
    async with console.run_test(size=BROAD) as pilot:
        await sees(pilot, "1 update skipped", "Still improving")
        assert "batch in" not in text_of(console)


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("skipped", "skipped"),
        ("rollback", "rollback"),
        ("oom", "memory"),
        ("disk", "disk"),
        ("diagnosis", "verdict"),
    ],
)
async def test_what_went_wrong_is_an_event_with_its_word_and_hue(kind: str, word: str) -> None:
    run = record_run(Path("run"), alive(TRAINING))
    rows = [*event_rows(TRAINING), {"time": NOW, "kind": kind, "message": "so it was"}]
    run.events.write_bytes(b"".join(map(encode_row, rows)))
    console = Console(run, clock=lambda: NOW, sound=False)
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, f"{word:<10} so it was")
        assert hue_of(console, f"{word:<10} so it was") == hue(console, "primary" if kind == "diagnosis" else "look")


async def test_intervals_without_a_number_leave_a_gap_with_a_mark_and_the_newest_figure_is_told_as_it_is() -> None:
    recording = alive(TRAINING)
    run = record_run(Path("run"), recording)
    none = {"loss": math.nan, "recon": math.nan, "recon_db": math.nan, "kl": math.nan, "grad_norm": math.inf}
    rows = [row | none if 600 < row["step"] <= 800 and row["kind"] == "step" else row for row in metric_rows(TRAINING)]
    run.metrics.write_bytes(b"".join(map(encode_row, rows)))
    console = Console(run, clock=lambda: NOW, sound=False)
    async with console.run_test(size=BROAD) as pilot:
        await sees(pilot, "× 20 NaN", "train 0.0882")
        await until(pilot, lambda: all(chart.is_current for chart in console.screen.query(Chart)))
        marks = [row for row in text_of(console).splitlines() if NOT_A_NUMBER * 3 in row]
        assert len(marks) == 2, "a row of marks in the upper charts, one in the lower"
        add_rows(run, {"kind": "step", "step": 1490, "epoch": 38, "skipped": 10, **none})
        await sees(pilot, "train NaN", "norm ∞", "× 21 NaN", "NaN nats/dim")


async def test_a_run_of_which_no_figure_is_a_number_says_so_instead_of_waiting() -> None:
    run = record_run(Path("run"), alive(Recording(state="training", epochs_done=0)))
    none = {
        "loss": math.nan,
        "recon_db": 12.5,
        "kl": -math.inf,
        "beta": None,
        "grad_norm": math.nan,
        "learning_rate": None,
    }
    add_rows(run, *({"kind": "step", "step": step, "epoch": 1, **none} for step in (10, 20)))
    add_rows(run, {"kind": "epoch", "step": 20, "epoch": 1, "val_loss": math.nan, "mean_spectrum_db": math.nan,
                   "kl_per_dim": [math.nan, None, 0.5], "active_units": math.nan, "sparsity": None})  # fmt: skip
    console = Console(run, clock=lambda: NOW, sound=False)
    async with console.run_test(size=BROAD) as pilot:
        await sees(pilot, "none of the figures so far is a number", "train NaN", "val NaN", "Latent: n/a of 3 active")
        await sees(pilot, "−∞ nats/dim", "beta n/a", "train 12.5", "mean spectrum n/a")


async def test_a_loss_that_explodes_is_still_drawn() -> None:
    run = record_run(Path("run"), alive(TRAINING))
    console = Console(run, clock=lambda: NOW, sound=False)
    async with console.run_test(size=BROAD) as pilot:
        await sees(pilot, "train 0.0882")
        add_rows(run, *({"kind": "step", "step": 1480 + n, "epoch": 38, "loss": 10.0 ** (4 * n)} for n in range(1, 10)))
        await sees(pilot, "train 1.00e36", "5e35")
        add_rows(run, {"kind": "step", "step": 1495, "epoch": 38, "loss": 1.7e308})
        await sees(pilot, "train 1.70e308", "∞ 1 infinite")


async def test_after_a_rollback_the_curves_end_where_the_run_is() -> None:
    run = record_run(Path("run"), alive(TRAINING))
    add_rows(run, *({"kind": "step", "step": 1480 + n, "epoch": 38, "loss": math.nan} for n in range(1, 6)))
    console = Console(run, clock=lambda: NOW, sound=False)
    async with console.run_test(size=BROAD) as pilot:
        await sees(pilot, "train NaN", "× 5 NaN")
        keep_rows(run.metrics, lambda row: row["step"] <= 200)
        await sees(pilot, "train 0.142", "val 0.146")
        await until(pilot, lambda: "× 5 NaN" not in text_of(console))
        keep_rows(run.metrics, lambda row: False)
        await sees(pilot, "the loss appears with the first logging interval", "Latent: no figures yet")


@SIZES
async def test_the_end_of_a_run_that_diverged_is_told_with_its_advice(size: tuple[int, int]) -> None:
    advice = "10 updates in a row were no numbers after 3 rollbacks; try --learning-rate 0.0001"
    console = console_on(Recording(state="diverged", verdict=DIVERGED, message=advice, skipped_steps=40, rollbacks=3))
    async with console.run_test(size=size) as pilot:
        await sees(pilot, "✗ diverged", "10 updates in a row", "✗ Diverged by epoch 37", "3 rollbacks")
        await sees(pilot, "40 updates skipped", "sound: off", "ran 62 min")


async def test_where_the_trainer_says_how_to_continue_the_console_adds_nothing() -> None:
    told = "lower it and continue with `harmonic train --resume-from run --allow-changes`"
    console = console_on(Recording(state="diverged", message=told))
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "--resume-from run --allow-changes")
        assert text_of(console).count("--resume-from") == 1


async def test_the_list_of_runs_says_what_a_paused_one_waits_for() -> None:
    record_run(Path("runs/waiting"), alive(Recording(state="paused", why="disk full", message=DISK_FULL)))
    async with Console(clock=lambda: NOW, sound=False).run_test(size=FULL) as pilot:
        await sees(pilot, "waiting", "‖ paused: disk full")
