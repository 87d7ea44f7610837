"""What has room: lines and footers in terminals of every width, and what stays where there is little of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded_run import CPU, NOW, PREPARING, Recording, record_run, status_of
from recording_player import Recorder
from textual.widgets import Footer
from textual.widgets._footer import FooterKey
from watching import alive, sees, text_of, until

from harmonic_core.run.stars import Star, keep_star
from harmonic_tui.app import Console
from harmonic_tui.places import PLACES
from harmonic_tui.runs.evaluated import Evaluated
from harmonic_tui.runs.messages import ProfileRead, Seen
from harmonic_tui.screens.dashboard import DashboardScreen
from harmonic_tui.screens.samples import SamplesScreen
from harmonic_tui.sound.heard import Heard
from harmonic_tui.widgets.latent_ways import WalkPanel
from harmonic_tui.widgets.lines import EventsPanel
from harmonic_tui.widgets.samples import SamplesPanel
from harmonic_tui.widgets.sound_line import Sounding, SoundLine

FULL, SMALL = (120, 36), (80, 24)
TRAINING = Recording(state="training")


def console(recording: Recording = TRAINING) -> Console:
    return Console(record_run(Path("my-run"), alive(recording)), clock=lambda: NOW, sound=False)


def rows_of_samples(app: Console) -> list[str]:
    """The rows inside the frame of the dashboard's samples."""
    panel = app.screen.query_one(SamplesPanel)
    inside = panel.scrollable_content_region
    rows = text_of(app).splitlines()[inside.y : inside.bottom]
    return [row.ljust(inside.right)[inside.x : inside.right].rstrip() for row in rows]


async def test_every_sample_has_one_line_with_its_figures_at_every_width() -> None:
    app = console()
    async with app.run_test(size=(60, 36)) as pilot:
        await sees(pilot, "● training", "jazz.00012")
        for width in range(60, 201, 3):
            await pilot.resize_terminal(width, 36)
            await until(pilot, lambda width=width: app.screen.size.width == width)
            await pilot.pause()
            rows = [row for row in rows_of_samples(app) if row]
            assert len(rows) == 4, f"{width}: {rows}"
            for row, title in zip(rows, ("prior 1", "prior 2", "jazz.00", "folk-03"), strict=True):
                assert title in row, f"{width}: {rows}"
                assert "3.0 s" in row, f"{width}: {rows}"
                assert re.search(r"−18 dBFS|5\.[15]0 dB", row), f"{width}: {rows}"
                assert title.startswith("prior") or "A B [C]" in row, f"{width}: {rows}"


@pytest.mark.parametrize("size", [(60, 20), (60, 16), (40, 12), (80, 14), (80, 18), (80, 19), (80, 24)])
async def test_the_chart_has_its_rows_before_anything_else(size: tuple[int, int]) -> None:
    app = console()
    async with app.run_test(size=size) as pilot:
        await sees(pilot, "─ Loss", "epoch 36" if size[0] >= 60 else "train 0.0882")
        assert app.screen.query_one("#loss").size.height >= 6
        assert "no room" not in text_of(app)


def keys_in_sight(app: Console) -> set[str]:
    footer = app.screen.query_one(Footer)
    shown = [key for key in footer.query(FooterKey) if key.region.right <= footer.region.right and key.region.width]
    return {key.description for key in shown}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("recording", [TRAINING, PREPARING, Recording(state="paused")], ids=lambda each: each.state)
async def test_help_and_the_way_out_are_in_the_footer_of_every_place(place: str, recording: Recording) -> None:
    app = console(recording)
    async with app.run_test(size=SMALL) as pilot:
        await sees(pilot, recording.state)
        app.action_place(place)
        await until(pilot, lambda: app.screen.query("FooterKey"))
        await until(pilot, lambda: {"Help", "Leave"} <= keys_in_sight(app))


async def test_a_broad_footer_names_the_way_to_the_charts() -> None:
    app = console()
    async with app.run_test(size=FULL) as pilot:
        await sees(pilot, "z Look", "q Leave")
        await pilot.resize_terminal(*SMALL)
        await until(pilot, lambda: "Look" not in keys_in_sight(app) and "Leave" in keys_in_sight(app))


@given(
    width=st.integers(30, 200),
    route=st.text("abcdefgh ", min_size=1, max_size=60).map(str.strip).filter(bool),
    elsewhere=st.sampled_from(["", "reconstruction 1 of step 12 000"]),
    switched=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_the_line_of_the_player_always_names_the_route(width: int, route: str, elsewhere: str, switched: bool) -> None:
    said = Sounding(
        sign="▶",
        position_s=12.3,
        duration_s=29.7,
        takes=("original", "decoded", "reconstruction"),
        take="reconstruction",
        level_db=-18.2,
        loop=switched,
        autoplay=switched,
        route=route,
        elsewhere=elsewhere,
    )
    shown = SoundLine.line_of(said, width)
    assert shown.cell_length <= width
    assert "sound: " + route[:1] in shown.plain
    assert "12.3 / 29.7 s" in shown.plain


async def test_the_route_is_named_below_the_samples_and_below_the_map_of_a_small_screen() -> None:
    app = console()
    app.player = Recorder(app._heard)  # type: ignore[assignment]
    app.player.route = "browser (1 listener)"
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("3")
        await sees(pilot, "jazz.00012", "sound: browser (1 listener)")
        await pilot.press("down", "down", "g", "u")
        await sees(pilot, "[C] reconstruction", "sound: browser (1 listener)")


async def test_why_nothing_is_heard_is_told_within_the_width_and_gone_with_the_screen() -> None:
    app = console()
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await sees(pilot, "● training")
        command = "scp somebody@a-machine.example.org:/music/output/my-run/samples/step-00001200/" + "x" * 40 + ".wav ."
        app._heard(Heard("failed", None, f"No sound card here.\n{command}\nOr press o.", command))
        await sees(pilot, "Not played", "Or press o.", "sent to your clipboard")
        said = "".join(line.partition("▌")[2].strip(" │─╮╯") for line in text_of(app).splitlines())
        assert command.replace(" ", "") in said.replace(" ", "")
        await pilot.press("8")
        await sees(pilot, "─ Log")
        await until(pilot, lambda: "Not played" not in text_of(app))
        assert not list(app._notifications)


async def test_nothing_is_said_to_be_in_the_clipboard_that_is_not() -> None:
    app = console()
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await sees(pilot, "● training")
        app._heard(Heard("failed", None, "PortAudio is missing."))
        await sees(pilot, "PortAudio is missing.")
        assert "clipboard" not in text_of(app)


async def test_a_long_event_goes_on_in_a_second_row_and_a_click_leads_to_all_of_them() -> None:
    app = console()
    async with app.run_test(size=FULL) as pilot:
        await sees(pilot, "8 shows all", "checkpoint step 1200")
        long = "learning rate 0.001 → 0.0005 from the next step on, as you asked"
        app.screen.query_one(EventsPanel).tell([{"time": NOW, "kind": "steered", "message": long}], restarted=False)
        await sees(pilot, "learning rate 0.001 → 0.0005 from", "as you asked")
        await pilot.click(EventsPanel, offset=(5, 2))
        await until(pilot, lambda: app.current_mode.startswith("log"))


async def test_enter_on_the_events_leads_to_all_of_them() -> None:
    app = console()
    async with app.run_test(size=FULL) as pilot:
        await sees(pilot, "8 shows all")
        app.screen.query_one(EventsPanel).focus()
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode.startswith("log"))


async def test_a_long_reason_for_a_device_goes_on_in_the_lines_below() -> None:
    reason = "neither a CUDA device nor Apple's MPS was found on this machine"
    app = console(Recording(state="training", device=CPU.model_copy(update={"reason": reason})))
    async with app.run_test(size=FULL) as pilot:
        await sees(pilot, "neither a CUDA device nor Apple's", "on this machine")


async def test_samples_with_a_star_have_it_on_the_dashboard_too() -> None:
    app = console()
    run = app.watched.run  # type: ignore[union-attr]
    keep_star(run, Star(step=1200, kind="reconstruction", index=0, starred=True))
    async with app.run_test(size=FULL) as pilot:
        await sees(pilot, "★ jazz.00012")
        assert text_of(app).count("★") == 1
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.screen, SamplesScreen))
        keep_star(run, Star(step=1200, kind="prior", index=1, starred=True))
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        await sees(pilot, "★ prior 2", "★ jazz.00012")


async def test_enter_on_the_event_of_samples_opens_them_at_their_step() -> None:
    app = console()
    async with app.run_test(size=FULL) as pilot:
        await pilot.press("8")
        await sees(pilot, "─ Events", "8 sounds written")
        # The first of three sets, and then, with the samples known already, the second.
        for ups, step in ((4, 400), (2, 800)):
            await pilot.press("8", "tab")
            await until(pilot, lambda: app.focused is not None and app.focused.id == "happenings")
            await pilot.press("end", *["up"] * (ups + 1), "enter")
            await until(pilot, lambda: isinstance(app.screen, SamplesScreen))
            await until(pilot, lambda step=step: app.screen.step == step)  # type: ignore[attr-defined]
            await sees(pilot, f"Step {step}: 4")
            await pilot.press("8", "tab")


async def test_a_filter_that_finds_nothing_says_why_there_is_no_error_to_follow() -> None:
    app = console()
    async with app.run_test(size=FULL) as pilot:
        await pilot.press("3")
        await sees(pilot, "jazz.00012", "no error")
        await pilot.press("slash", *"zzz")
        await sees(pilot, "none here is like that", "no sample is shown whose error could be followed")


def test_epochs_that_steering_added_count_for_promises_and_for_the_first_evaluation() -> None:
    evaluated = Evaluated(console().watched.run)  # type: ignore[union-attr]
    evaluated.tell_profile(ProfileRead("", 1, epochs=100, evaluated_every=75, case_study={}))
    status = status_of(TRAINING).model_copy(update={"epoch": 80, "epochs": 100})
    evaluated.tell_seen(Seen("training", status))
    assert "epoch 100 or later" in evaluated.measured
    evaluated.tell_seen(Seen("training", status.model_copy(update={"epochs": 200})))
    assert "epoch 150 or later" in evaluated.measured


@pytest.mark.parametrize("step", [None, *range(8)])
@pytest.mark.parametrize("rows", range(12))
def test_steps_of_a_walk_that_have_no_room_are_counted(rows: int, step: int | None) -> None:
    panel = WalkPanel()
    panel.tell_steps([f"song {number + 1}" for number in range(8)])
    panel.tell_step(step)
    lines = [line.plain for line in panel.steps_in(rows)]
    assert len(lines) == min(8, rows)
    if step is not None and rows:
        assert any(line.startswith("▶") for line in lines)
    if rows >= 3:
        counted = sum(int(found[1]) for line in lines if (found := re.search(r"… (\d+) ", line)))
        assert counted + sum("near" in line for line in lines) == 8
