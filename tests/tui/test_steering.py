"""Steering from the console: what can be asked for, what cannot and why, and what the trainer said to it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from real_runs import the_run, wait_for_state
from recorded_run import NOW, PREPARING, Recording, record_run
from textual.pilot import Pilot
from textual.widgets import Input, OptionList
from watching import DEADLINE_S, alive, alive_now, sees, text_of, until

from harmonic_core.run.control import pending_commands
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import RecordWriter, read_rows
from harmonic_core.run.status import process_identity, read_status, write_status
from harmonic_tui.app import Console
from harmonic_tui.profiles.launching import launch
from harmonic_tui.runs.messages import ProfileRead, Seen
from harmonic_tui.runs.steering import REQUESTS, in_force, objection, standing
from harmonic_tui.screens.confirm import ConfirmScreen
from harmonic_tui.screens.dashboard import DashboardScreen
from harmonic_tui.screens.steer import SteerScreen

SMALL, FULL, BROAD = (80, 24), (120, 36), (200, 50)
TRAINING = Recording(state="training")
IN_FORCE = {"learning_rate": 7.43e-4, "beta": 0.02, "augment_strength": 0.0, "epochs": 100.0}


def run_in_force(recording: Recording = TRAINING, path: str = "run", **fields: Any) -> RunDirectory:
    """A recorded run whose status tells what is in force."""
    run = record_run(Path(path), recording)
    status = read_status(run.status)
    assert status is not None
    write_status(run.status, status.model_copy(update={"in_force": IN_FORCE, "steered": {"beta": 0.02}, **fields}))
    return run


def sent(run: RunDirectory) -> list[dict[str, Any]]:
    """What was asked for, without the time."""
    told = [json.loads(command.path.read_text()) for command in pending_commands(run)]
    return [{name: value for name, value in each.items() if name != "sent_at"} for each in told]


async def steer(pilot: Pilot[str], *words: str) -> None:
    """Open the screen and wait until its ranges are there."""
    await sees(pilot, "● training")
    await pilot.press("t")
    await sees(pilot, *(words or ["from 0 to 1000"]))


async def choose(pilot: Pilot[str], name: str) -> None:
    """Go to a line and press Enter."""
    options = pilot.app.screen.query_one(OptionList)
    options.highlighted = options.get_option_index(name)
    await pilot.press("enter")


async def typed(pilot: Pilot[str], name: str, text: str) -> None:
    """Open the field of a setting and put text into it."""
    await choose(pilot, name)
    field = pilot.app.screen.query_one(Input)
    await until(pilot, lambda: field.has_focus)
    await pilot.press("ctrl+u", "ctrl+k")
    field.value = text


def answer(run: RunDirectory, **fields: Any) -> None:
    """Say what a trainer would say to what was asked for last."""
    command = pending_commands(run)[-1]
    writer = RecordWriter(run.events)
    writer.append({"time": NOW, "kind": "control", "sent_at": command.sent_at, **fields})
    writer.close()
    command.done()


async def test_the_list_says_what_is_in_force_by_whom_and_what_is_allowed() -> None:
    console = Console(run_in_force(alive_now(TRAINING)), sound=False)
    async with console.run_test(size=SMALL) as pilot:
        await steer(pilot)
        await sees(pilot, "0.000743 by schedule", "above 0 and at most 100", "0.02 by hand", "37 of 100", "from 37")
        lines = text_of(console).splitlines()
        assert next(line for line in lines if "Augmentation" in line).split()[1:3] == ["Augmentation", "off"]
        assert any("Steer run" in line for line in lines)
        assert not any("Go on" in line for line in lines)


async def test_t_escape_and_q_go_back_and_nothing_happens_to_the_run() -> None:
    run = run_in_force(alive_now(TRAINING))
    console = Console(run, sound=False)
    async with console.run_test(size=SMALL) as pilot:
        for key in ("escape", "q", "t"):
            await steer(pilot)
            await pilot.press(key)
            await until(pilot, lambda: isinstance(console.screen, DashboardScreen))
    assert pending_commands(run) == []


@pytest.mark.parametrize("name", ["pause", "checkpoint", "sample", "evaluate"])
async def test_what_loses_nothing_is_asked_for_at_once(name: str) -> None:
    run = run_in_force(alive_now(TRAINING))
    console = Console(run, sound=False)
    async with console.run_test(size=SMALL) as pilot:
        await steer(pilot)
        await choose(pilot, name)
        await sees(pilot, f"… {REQUESTS[name].title}: asked for")
        assert sent(run) == [{"command": name, "by": "console"}]
        answer(run, message=name, step=1481, obeyed=True)
        await sees(pilot, f"✓ {REQUESTS[name].title}: taken up at step 1481")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("learning-rate", "5e-4", 5e-4),
        ("beta", "0", 0.0),
        ("augment-strength", " 0.25 ", 0.25),
        ("epochs", "120", 120),
        ("epochs", "+20", 120),
        ("beta", "AUTO", "auto"),
    ],
)
async def test_a_value_is_sent_as_it_was_typed(name: str, text: str, value: object) -> None:
    run = run_in_force(alive_now(TRAINING))
    console = Console(run, sound=False)
    async with console.run_test(size=SMALL) as pilot:
        await steer(pilot)
        await typed(pilot, name, text)
        await sees(pilot, "✓")
        await pilot.press("enter")
        await sees(pilot, "asked for")
        assert sent(run) == [{"command": name, "value": value, "by": "console"}]
        assert console.screen.query_one(OptionList).has_focus


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("learning-rate", "0", "0 is not a number above 0 and at most 100"),
        ("learning-rate", "1e3", "1000 is not a number above 0"),
        ("beta", "-1", "-1 is not a number from 0 to 1000"),
        ("beta", "nan", "nan is not a number"),
        ("beta", "", "give a number from 0 to 1000"),
        ("augment-strength", "1.5", "1.5 is not a number from 0 to 1"),
        ("epochs", "36", "epoch 37 is under way"),
        ("epochs", "40.5", '"40.5" is not a whole number'),
        ("epochs", "[b]x", '"[b]x" is not a whole number'),
    ],
)
async def test_a_value_that_cannot_be_is_refused_as_one_types_and_enter_keeps_it_there(
    name: str, text: str, reason: str
) -> None:
    run = run_in_force(alive_now(TRAINING))
    console = Console(run, sound=False)
    async with console.run_test(size=SMALL) as pilot:
        await steer(pilot)
        await typed(pilot, name, text)
        await sees(pilot, f"✗ {reason}")
        await pilot.press("enter")
        await pilot.pause()
        assert console.screen.query_one(Input).value == text
        assert pending_commands(run) == []
        await pilot.press("escape")
        await until(pilot, lambda: console.screen.query_one(OptionList).has_focus)
        assert isinstance(console.screen, SteerScreen)


async def test_letters_that_are_keys_elsewhere_are_letters_in_the_field() -> None:
    console = Console(run_in_force(alive_now(TRAINING)), sound=False)
    async with console.run_test(size=SMALL) as pilot:
        await steer(pilot)
        await typed(pilot, "beta", "")
        await pilot.press("a", "u", "t", "o", "q", "j", "k")
        assert console.screen.query_one(Input).value == "autoqjk"


async def test_what_the_trainer_answers_is_shown() -> None:
    run = run_in_force(alive_now(TRAINING))
    console = Console(run, sound=False)
    async with console.run_test(size=SMALL) as pilot:
        await steer(pilot)
        await typed(pilot, "learning-rate", "0.0005")
        await pilot.press("enter")
        await sees(pilot, "asked for")
        answer(
            run,
            message="learning rate 0.000743 → 0.0005 from step 1481 (console)",
            command="learning-rate",
            value=5e-4,
            step=1481,
            obeyed=True,
        )
        await sees(pilot, "✓ learning rate 0.000743 → 0.0005 from step 1481")
        await choose(pilot, "evaluate")
        await sees(pilot, "Evaluate now: asked for")
        answer(
            run, message="evaluate: refused, why", command="evaluate", obeyed=False, why="nothing is \x1b[2Jheld out"
        )
        await sees(pilot, "✗ Evaluate now: refused, nothing is held out")


async def test_stopping_and_killing_are_asked_twice_and_the_safe_answer_comes_first() -> None:
    run = run_in_force(alive_now(TRAINING))
    console = Console(run, sound=False)
    async with console.run_test(size=SMALL) as pilot:
        await steer(pilot)
        for name, question in (("stop", "can be continued from there"), ("kill", "last checkpoint is lost")):
            for keys in (("enter",), ("escape",), ("q",)):
                await choose(pilot, name)
                await sees(pilot, question, "No, leave it running")
                await pilot.press(*keys)
                await until(pilot, lambda: isinstance(console.screen, SteerScreen))
        assert pending_commands(run) == []
        await choose(pilot, "stop")
        await sees(pilot, "Stop it")
        await pilot.press("j", "enter")
        await sees(pilot, "… Stop: asked for")
    assert sent(run) == [{"command": "stop", "by": "console"}]


@pytest.fixture
def trainer() -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, as trainers have."""
    code = "import sys; sys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_the_trainer_is_killed_when_that_is_meant(trainer: subprocess.Popen[bytes]) -> None:
    recording = replace(TRAINING, **process_identity(trainer.pid), heartbeat=time.time() + DEADLINE_S)
    run = run_in_force(recording)
    console = Console(run, sound=False)
    async with console.run_test(size=SMALL) as pilot:
        await steer(pilot)
        await choose(pilot, "kill")
        await until(pilot, lambda: isinstance(console.screen, ConfirmScreen))
        await pilot.press("down", "enter")
        await sees(pilot, "✓ Kill: the trainer is dead")
    assert trainer.wait(DEADLINE_S) == -9
    assert read_rows(run.events)[-1]["by"] == "console"


async def test_the_mouse_does_all_that_keys_do() -> None:
    run = run_in_force(alive_now(TRAINING))
    console = Console(run, sound=False)
    async with console.run_test(size=SMALL) as pilot:
        await steer(pilot)
        lines = console.screen.query_one(OptionList)
        await pilot.click(lines, offset=(2, lines.get_option_index("sample")))
        await sees(pilot, "Sample now: asked for")
        await pilot.click(lines, offset=(2, lines.get_option_index("beta")))
        await until(pilot, lambda: console.screen.query_one(Input).has_focus)
        console.screen.query_one(Input).value = "0.5"
        await until(pilot, lambda: not console.screen.query_one("#set").disabled)
        await pilot.click("#set")
        await sees(pilot, "Beta: asked for")
        await pilot.click(lines, offset=(2, lines.get_option_index("learning-rate")))
        await until(pilot, lambda: console.screen.query_one(Input).has_focus)
        await pilot.click("#auto")
        await sees(pilot, "Learning rate: asked for")
    assert [(each["command"], each.get("value")) for each in sent(run)] == [
        ("sample", None),
        ("beta", 0.5),
        ("learning-rate", "auto"),
    ]


async def test_everything_is_in_the_palette_too() -> None:
    run = run_in_force(alive_now(TRAINING))
    console = Console(run, sound=False)
    async with console.run_test(size=SMALL) as pilot:
        await sees(pilot, "● training")
        titles = {command.title for command in console.get_system_commands(console.screen)}
        assert {f"Steer: {request.title}" for request in REQUESTS.values()} - titles == {"Steer: Go on"}
        command = next(each for each in console.get_system_commands(console.screen) if each.title == "Steer: Beta")
        command.callback()
        await until(pilot, lambda: isinstance(console.focused, Input))


@pytest.mark.parametrize(
    ("state", "reason"), [("finished", "the run is finished"), ("stopped", "the run is stopped"), ("lost", "is lost")]
)
async def test_of_a_run_that_nobody_trains_every_line_says_why_not(state: str, reason: str) -> None:
    recording = Recording(state="training" if state == "lost" else state)  # type: ignore[arg-type]
    run = run_in_force(recording)
    console = Console(run, clock=lambda: NOW, sound=False)
    async with console.run_test(size=SMALL) as pilot:
        await sees(pilot, state)
        await pilot.press("t")
        await sees(pilot, reason)
        assert all(option.disabled for option in console.screen.query_one(OptionList).options)
        await pilot.press("enter")
    assert pending_commands(run) == []


async def test_a_paused_run_can_go_on_and_takes_values() -> None:
    run = run_in_force(alive_now(Recording(state="paused", why="by command")))
    console = Console(run, sound=False)
    async with console.run_test(size=SMALL) as pilot:
        await sees(pilot, "paused")
        await pilot.press("t")
        await sees(pilot, "Go on", "from 0 to 1000")
        assert "Pause" not in text_of(console).replace("paused", "")
        await pilot.press("enter")
        await sees(pilot, "Go on: asked for")
        await typed(pilot, "beta", "0.03")
        await pilot.press("enter")
        await sees(pilot, "Beta: asked for")
    assert [each["command"] for each in sent(run)] == ["resume", "beta"]


def test_what_cannot_be_done_has_its_reason() -> None:
    status = read_status(run_in_force(alive(TRAINING)).status)
    assert status is not None
    training = Seen("training", status)
    measuring = ProfileRead("", None, epochs=100, evaluated_every=10)
    assert objection("evaluate", training, measuring) == ""
    assert (
        objection("evaluate", training, replace(measuring, evaluated_every=0)) == "the profile's evaluation_share is 0"
    )
    held = status.model_copy(update={"mean_spectrum_db": None})
    assert objection("evaluate", Seen("training", held), measuring) == "nothing is held out"
    full = Seen("paused", status.model_copy(update={"state": "paused", "why": "disk full"}))
    assert objection("resume", full, None) == "it waits by itself: disk full"
    assert objection("stop", full, None) == ""
    assert objection("sample", Seen("preparing", status), None) == "the music is still made ready"
    assert objection("beta", None, None) == "the run is being read"
    assert objection("beta", Seen("gone"), None) == "its directory is gone"


def test_a_replay_can_be_paused_and_go_on_and_nothing_else() -> None:
    status = read_status(run_in_force(alive(TRAINING), phase="replaying").status)
    assert status is not None
    objections = {name: objection(name, Seen("training", status), None) for name in REQUESTS}
    assert {name for name, why in objections.items() if not why} == {"pause", "resume"}
    assert {why for why in objections.values() if why} == {"this is a replay"}


def test_a_run_of_an_older_trainer_says_not_what_is_in_force() -> None:
    status = read_status(record_run(Path("run"), alive(TRAINING)).status)
    assert in_force("learning-rate", status) == "n/a"
    assert in_force("epochs", status) == "37 of 100"
    assert in_force("beta", None) == "n/a"


def test_answers_to_others_are_not_taken_for_ours() -> None:
    rows = [{"kind": "control", "sent_at": 1.0, "obeyed": True, "message": "pause"}, {"kind": "control"}, {}]
    assert standing("Pause", 2.0, rows).obeyed is None
    assert standing("Pause", 1.0, rows).obeyed is True


def test_what_came_of_it_is_told_and_a_value_that_stays_as_well() -> None:
    done = {"kind": "control", "sent_at": 1.0, "obeyed": True, "message": "sample", "outcome": "done at step 5"}
    assert standing("Sample now", 1.0, [done]).words == "Sample now: done at step 5"
    same = {**done, "message": "beta 0.25 from step 3 (console)", "change": [3, "beta", 0.25, 1.0]}
    assert standing("Beta", 1.0, [same]).words == "beta 0.25 from step 3"


@pytest.mark.slow
async def test_a_real_trainer_is_steered_from_the_console(profile: Path) -> None:
    started = launch(str(profile), ["train.epochs=100000", "train.log_every=1", "output.checkpoint_every=100000"])
    wait_for_state("training")
    console = Console(started.run, process=started.process, sound=False)
    async with console.run_test(size=FULL) as pilot:
        await steer(pilot, "by schedule", "from 0 to 1000")
        await typed(pilot, "beta", "0.75")
        await pilot.press("enter")
        await sees(pilot, "→ 0.75 from step")
        await sees(pilot, "0.75 by hand")
        await typed(pilot, "learning-rate", "0.0001")
        await pilot.press("enter")
        await sees(pilot, "→ 0.0001 from step")
        await choose(pilot, "stop")
        await sees(pilot, "Stop it")
        await pilot.press("down", "enter")
        await sees(pilot, "✓ Stop: stopped by command")
        wait_for_state("stopped")
        await sees(pilot, "not now: the run is stopped")
    assert any(row.get("beta") == 0.75 for row in read_rows(the_run().metrics))


def picture(recording: Recording = TRAINING) -> Console:
    return Console(run_in_force(alive(recording), "gtzan_ld128_e100"), clock=lambda: NOW, sound=False)


def hide_what_is_behind(pilot: Pilot[str]) -> None:
    """The dashboard has pictures of its own."""
    styles = pilot.app.screen.styles
    styles.background = styles.background.with_alpha(1.0)


@pytest.mark.parametrize("size", [SMALL, FULL, BROAD], ids=["small", "full", "broad"])
def test_picture_of_the_list(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def look(pilot: Pilot[str]) -> None:
        await steer(pilot)
        hide_what_is_behind(pilot)
        await pilot.pause()

    assert snap_compare(picture(), terminal_size=size, run_before=look)


@pytest.mark.parametrize("size", [SMALL, FULL, BROAD], ids=["small", "full", "broad"])
def test_picture_of_a_value_that_cannot_be(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def look(pilot: Pilot[str]) -> None:
        await steer(pilot)
        hide_what_is_behind(pilot)
        await typed(pilot, "learning-rate", "500")
        pilot.app.screen.query_one(Input).cursor_blink = False
        await sees(pilot, "✗ 500 is not")
        await pilot.pause()

    assert snap_compare(picture(), terminal_size=size, run_before=look)


def test_picture_of_the_question(snap_compare) -> None:  # type: ignore[no-untyped-def]
    async def look(pilot: Pilot[str]) -> None:
        await steer(pilot)
        hide_what_is_behind(pilot)
        await choose(pilot, "kill")
        await sees(pilot, "No, leave it running")
        await pilot.pause()

    assert snap_compare(picture(), terminal_size=SMALL, run_before=look)


def test_picture_while_the_music_is_made_ready(snap_compare) -> None:  # type: ignore[no-untyped-def]
    async def look(pilot: Pilot[str]) -> None:
        await sees(pilot, "Preparing the music")
        await pilot.press("t")
        await sees(pilot, "not now: the music is still made ready", "from 0 to 1000")
        hide_what_is_behind(pilot)
        await pilot.pause()

    assert snap_compare(picture(PREPARING), terminal_size=SMALL, run_before=look)
