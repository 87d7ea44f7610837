"""The dashboard: what it shows of a run in every state, and what its keys do."""

import json
import shutil
from pathlib import Path

import pytest
from recorded_run import GPU, NOW, Recording, event_rows, metric_rows, record_run, record_samples, status_of
from textual.widgets import Input
from watching import alive, alive_now, sees, text_of, until

from harmonic_core.run.control import pending_commands
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import encode_row
from harmonic_core.run.status import write_status
from harmonic_tui.app import Console
from harmonic_tui.screens.dashboard import DashboardScreen
from harmonic_tui.widgets.chart import Chart
from harmonic_tui.widgets.samples import SamplesPanel

FULL, SMALL = (120, 36), (80, 24)
TRAINING = Recording(state="training")


def console_on(run: RunDirectory) -> Console:
    return Console(run, clock=lambda: NOW, sound=False)


def dashboard(console: Console) -> DashboardScreen:
    assert isinstance(console.screen, DashboardScreen)
    return console.screen


def asked_of(run: RunDirectory) -> list[str]:
    return [command.name for command in pending_commands(run)]


async def test_a_live_run_shows_its_state_its_figures_and_its_samples() -> None:
    console = console_on(record_run(Path("my-run"), alive(TRAINING)))
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "my-run  gtzan   ● training", "epoch 37/100", "middle stage", "ETA 42 min", "37 %")
        await sees(pilot, "val 0.0944", "best 0.0935 at epoch 36", "1.33 nats/dim", "mean spectrum 10.7")
        await sees(pilot, "119 of 128 active", "1.31 of 15.6 GiB", "jazz.00012", "[C] reconstruction", "5.10 dB")
        await sees(pilot, "checkpoint step 1200, best so far", "Still improving")


async def test_memory_of_a_graphics_card_is_shown_with_what_the_allocator_holds() -> None:
    console = console_on(record_run(Path("run"), alive(Recording(state="training", device=GPU))))
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "GPU  NVIDIA H100", "▮ 11.2  ▯ 14.0  ░ 1.70  / 79.6 GiB", "peak 12.8", "uuid …7e3f2a")


async def test_what_cannot_be_known_of_a_device_is_not_shown_as_nothing() -> None:
    unknown = GPU.model_copy(update={"allocated_bytes": None, "peak_bytes": None, "cpu_percent": None})
    console = console_on(record_run(Path("run"), alive(Recording(state="training", device=unknown))))
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "▮ n/a  ▯ 14.0", "peak n/a", "CPU n/a")


async def test_before_the_first_figures_every_panel_says_what_it_waits_for() -> None:
    console = console_on(record_run(Path("run"), alive(Recording(state="training", epochs_done=0))))
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "● training", "broken/jazz.00054.wav", "the loss appears with the first logging interval")
        await sees(pilot, "measured after each epoch", "no samples yet", "No verdict yet")


async def test_a_lost_run_says_since_when_with_its_last_words_and_the_command_that_resumes_it() -> None:
    console = console_on(record_run(Path("run"), Recording(state="training", heartbeat=NOW - 3000)))
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "! lost", "lost since 19:36", "No word from the trainer for 50 min")
        await sees(pilot, "Epoch 37/100, Train Loss", "harmonic train --resume-from run")


async def test_a_silent_trainer_is_shown_with_the_age_of_its_last_word() -> None:
    console = console_on(record_run(Path("run"), alive(Recording(state="training", heartbeat=NOW - 23))))
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "● training, last heard 20 s ago")
        assert dashboard(console).has_class("-stale")


@pytest.mark.parametrize(
    ("recording", "words"),
    [
        (Recording(state="finished"), ["✓ finished", "ran 62 min"]),
        (Recording(state="stopped", message="asked to stop"), ["■ stopped", "asked to stop", "--resume-from run"]),
        (Recording(state="failed", message="no space left"), ["✗ failed", "no space left", "--resume-from run"]),
        (Recording(state="diverged", message="the loss is NaN"), ["✗ diverged", "the loss is NaN"]),
        (alive(Recording(state="paused")), ["‖ paused", "p Go on"]),
        (alive(Recording(state="paused", why="by command")), ["‖ paused: by command", "p Go on"]),
    ],
)
async def test_every_state_is_shown_in_words(recording: Recording, words: list[str]) -> None:
    console = console_on(record_run(Path("run"), recording))
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, *words)


@pytest.mark.parametrize(("key", "command"), [("p", "pause"), ("c", "checkpoint"), ("s", "sample")])
async def test_a_key_asks_the_trainer(key: str, command: str) -> None:
    run = record_run(Path("run"), alive_now(TRAINING))
    async with Console(run, sound=False).run_test(size=FULL, notifications=True) as pilot:
        await sees(pilot, "● training")
        await pilot.press(key)
        await until(pilot, lambda: asked_of(run) == [command])
        await sees(pilot, "The trainer was asked")


async def test_p_lets_a_paused_run_go_on() -> None:
    run = record_run(Path("run"), alive_now(Recording(state="paused")))
    async with Console(run, sound=False).run_test(size=FULL) as pilot:
        await sees(pilot, "‖ paused")
        await pilot.press("p")
        await until(pilot, lambda: asked_of(run) == ["resume"])


async def test_an_ended_run_is_asked_nothing() -> None:
    run = record_run(Path("run"), Recording(state="finished"))
    async with console_on(run).run_test(size=FULL) as pilot:
        await sees(pilot, "✓ finished")
        await pilot.press("p", "c", "s")
        await pilot.pause()
        assert asked_of(run) == []


async def test_a_run_that_ends_before_the_key_is_calmly_said_to_have_nothing_to_do() -> None:
    run = record_run(Path("run"), alive(TRAINING))
    console = console_on(run)
    async with console.run_test(size=FULL, notifications=True) as pilot:
        await sees(pilot, "● training")
        write_status(run.status, status_of(Recording(state="finished")))
        await dashboard(console).action_command("checkpoint")
        await sees(pilot, "nothing to checkpoint, the run is")


async def test_figures_that_arrive_are_drawn_and_nothing_is_drawn_when_nothing_arrives() -> None:
    run = record_run(Path("run"), alive(TRAINING))
    console = console_on(run)
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "Still improving", "val 0.0944")
        chart = dashboard(console).query_one("#loss", Chart)
        # Two more heartbeats without news, seen by the feed.
        before = chart.redraws
        for beat in (0.2, 0.1):
            status = status_of(alive(TRAINING), metric_rows(TRAINING))
            write_status(run.status, status.model_copy(update={"heartbeat": NOW - beat, "step": status.step + 1}))
            await sees(pilot, "step 1\N{THIN SPACE}481")
        assert chart.redraws == before
        with run.metrics.open("ab") as file:
            file.write(encode_row({"kind": "step", "step": 1490, "epoch": 38, "loss": 0.0123}))
        await sees(pilot, "train 0.0123")
        assert chart.redraws > before


async def test_a_chart_is_not_drawn_for_figures_of_others() -> None:
    run = record_run(Path("run"), alive(TRAINING))
    console = console_on(run)
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "Still improving", "val 0.0944")
        loss, kl = (dashboard(console).query_one(name, Chart) for name in ("#loss", "#kl"))
        await until(pilot, lambda: loss.is_current and kl.is_current)
        before = loss.redraws, kl.redraws
        with run.metrics.open("ab") as file:
            file.write(encode_row({"kind": "step", "step": 1490, "epoch": 38, "kl": 0.321}))
        await sees(pilot, "0.321 nats/dim")
        assert kl.redraws > before[1]
        assert loss.redraws == before[0]


async def test_the_footer_is_made_anew_only_when_the_keys_do_something_else() -> None:
    run = record_run(Path("run"), alive(TRAINING))
    console = console_on(run)
    async with console.run_test(size=FULL) as pilot:
        status = status_of(alive(TRAINING), metric_rows(TRAINING))
        write_status(run.status, status.model_copy(update={"step": status.step + 1}))
        await sees(pilot, "step 1\N{THIN SPACE}481", "Still improving", "Pause")
        await pilot.pause()
        keys = list(dashboard(console).query("FooterKey"))
        for step in (1482, 1483):
            write_status(run.status, status.model_copy(update={"step": step}))
            await sees(pilot, f"step 1\N{THIN SPACE}{step - 1000}")
            await pilot.pause()
        assert list(dashboard(console).query("FooterKey")) == keys
        write_status(run.status, status.model_copy(update={"state": "paused", "why": "by command"}))
        await sees(pilot, "Go on")


async def test_a_loss_that_is_no_number_is_marked_and_counted() -> None:
    run = record_run(Path("run"), alive(TRAINING))
    with run.metrics.open("ab") as file:
        file.write(encode_row({"kind": "step", "step": 1490, "epoch": 38, "loss": float("nan")}))
    async with console_on(run).run_test(size=(160, 40)) as pilot:
        await sees(pilot, "× 1 NaN", "train NaN")


async def test_on_a_small_screen_tab_goes_through_the_charts() -> None:
    console = console_on(record_run(Path("run"), alive(TRAINING)))
    async with console.run_test(size=SMALL) as pilot:
        await sees(pilot, "─ Loss")
        assert "Reconstruction, dB" not in text_of(console)
        await pilot.press("tab")
        await sees(pilot, "KL, nats per dimension")
        await pilot.press("tab")
        await sees(pilot, "Gradient norm", "norm 0.3", "7.0e−4")
        await pilot.press("tab")
        await sees(pilot, "Reconstruction, dB", "latent 119 of 128 active")
        await pilot.press("tab")
        await sees(pilot, "─ Loss")


async def test_a_broad_screen_adds_the_gradient_norm_and_the_log() -> None:
    console = console_on(record_run(Path("run"), alive(TRAINING)))
    async with console.run_test(size=(200, 50)) as pilot:
        await sees(pilot, "Gradient norm", "─ Log", "Epoch 37/100, Train Loss")


@pytest.mark.parametrize("size", [(20, 5), (40, 12), (80, 24), (100, 30), (300, 100)])
async def test_any_size_of_terminal_will_do(size: tuple[int, int]) -> None:
    console = console_on(record_run(Path("run"), alive(TRAINING)))
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "● training")
        await pilot.resize_terminal(*size)
        await sees(pilot, "HarmonicVAE")
        await pilot.resize_terminal(*FULL)
        await sees(pilot, "● training", "Latent: 119 of 128 active")


async def test_a_takes_the_next_take_of_the_same_item() -> None:
    console = console_on(record_run(Path("run"), alive(TRAINING)))
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "[C] reconstruction")
        panel = dashboard(console).query_one(SamplesPanel)
        await pilot.press("j", "down")
        await until(pilot, lambda: panel.highlighted == 2)
        seen = []
        for _ in range(4):
            chosen = panel.chosen
            assert chosen is not None
            seen.append((chosen[0].title, chosen[0].step, chosen[1]))
            await pilot.press("a")
            await until(pilot, lambda before=chosen: panel.chosen != before)
        assert [take for _, _, take in seen] == ["reconstruction", "original", "decoded", "reconstruction"]
        assert {(title, step) for title, step, _ in seen} == {("jazz.00012, 0:06", 1200)}


async def test_new_samples_keep_the_chosen_item_and_take() -> None:
    run = record_run(Path("run"), alive(TRAINING))
    console = console_on(run)
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "Samples, step 1\N{THIN SPACE}200")
        await pilot.press("j", "j", "j", "a")
        await sees(pilot, "[A] B C original")
        record_samples(run, 40, Recording().titles)
        await sees(pilot, "Samples, step 1\N{THIN SPACE}600")
        chosen = dashboard(console).query_one(SamplesPanel).chosen
        assert chosen is not None
        assert (chosen[0].title, chosen[1]) == ("folk-03, 0:12", "original")


async def test_names_and_messages_from_outside_stay_text() -> None:
    recording = alive(Recording(state="training", refused=(), titles=("[red]\x1b[31mx\u202e.wav[/red]",)))
    run = record_run(Path("run"), recording)
    with run.events.open("ab") as file:
        file.write(encode_row({"time": NOW, "kind": "refused", "message": "[/oops] \x1b]0;title\x07song"}))
    console = console_on(run)
    async with console.run_test(size=(160, 40)) as pilot:
        await sees(pilot, "[/oops] song", "[red]x")
        assert not set("\x1b\u202e\x07") & set(text_of(console))


async def test_a_run_rewritten_from_a_checkpoint_is_drawn_anew() -> None:
    run = record_run(Path("run"), alive(TRAINING))
    console = console_on(run)
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "Still improving", "checkpoint step 1200")
        early = Recording(state="training", epochs_done=3)
        temporary = run.path / "rows"
        temporary.write_bytes(b"".join(map(encode_row, metric_rows(early))))
        temporary.replace(run.metrics)
        temporary.write_bytes(b"".join(map(encode_row, event_rows(early))))
        temporary.replace(run.events)
        await sees(pilot, "val 0.167")
        await until(pilot, lambda: "step 1200" not in text_of(console))


@pytest.mark.parametrize("damage", ["deleted", "garbage", "newer"])
async def test_a_damaged_run_is_named_as_such(damage: str) -> None:
    run = record_run(Path("run"), alive(TRAINING))
    console = console_on(run)
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "● training")
        if damage == "deleted":
            shutil.rmtree(run.path)
        elif damage == "garbage":
            for path in (run.metrics, run.events, run.status):
                path.write_bytes(b"\xff\x00{[\n" * 50)
        else:
            content = json.loads(run.status.read_bytes())
            run.status.write_text(json.dumps({**content, "version": 9, "state": "dreaming", "more": 1}))
        words = {"deleted": "directory is gone", "garbage": "cannot be read", "newer": "newer version of HarmonicVAE"}
        await sees(pilot, words[damage])


@pytest.mark.parametrize("size", [FULL, SMALL], ids=["full", "small"])
async def test_a_long_reason_for_a_failure_is_told_to_its_end(size: tuple[int, int]) -> None:
    reason = f"the disk is full: {' '.join(f'word{number}' for number in range(30))} nothing-was-lost"
    console = console_on(record_run(Path("run"), Recording(state="failed", message=reason)))
    async with console.run_test(size=size) as pilot:
        await sees(pilot, "✗ failed", "word29", "nothing-was-lost", "harmonic train --resume-from run")
        rows = text_of(console).splitlines()
        assert not any(word in row and "…" in row for row in rows for word in ("word0 ", "word15", "word29"))


async def test_help_lists_what_the_keys_do_here() -> None:
    console = console_on(record_run(Path("run"), alive(TRAINING)))
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "● training")
        await pilot.press("question_mark")
        await sees(pilot, "Keys on this screen", "Pause the training after this step", "All commands by name")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(console.screen, DashboardScreen))


async def test_the_palette_finds_a_key_by_its_name() -> None:
    run = record_run(Path("run"), alive_now(TRAINING))
    async with Console(run, sound=False).run_test(size=FULL) as pilot:
        await sees(pilot, "● training")
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(pilot.app.focused, Input))
        await pilot.press(*"checkp")
        await sees(pilot, "Write a checkpoint after this step")
        await pilot.press("enter")
        await until(pilot, lambda: asked_of(run) == ["checkpoint"])
