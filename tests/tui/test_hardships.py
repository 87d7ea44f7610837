"""What befalls a console on a box far away: on every screen it goes on, and says what it sees."""

import os
import shutil
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from recorded_run import NOW, Recording, metric_rows, record_run, status_of
from terminal import Terminal
from textual.pilot import Pilot
from watching import alive, alive_now, sees, text_of, until

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import encode_row
from harmonic_core.run.status import write_status
from harmonic_tui.app import Console
from harmonic_tui.places import PLACES

LIVE = Recording(state="training")
HOSTILE = ("[bold red]loud[/] \x1b[2J\x1b]0;owned\x07 \u202egnp.exe", "jazz\nwith a second line")


@asynccontextmanager
async def console_on(run: RunDirectory, size: tuple[int, int] = (120, 36)) -> AsyncIterator[Pilot[str]]:
    console = Console(run, clock=lambda: NOW, sound=False)
    async with console.run_test(size=size) as pilot:
        await sees(pilot, "HarmonicVAE")
        yield pilot


async def go_everywhere(pilot: Pilot[str]) -> dict[str, str]:
    """Visit every place by its key; what each shows."""
    console = pilot.app
    assert isinstance(console, Console)
    shown = {}
    for number, name in enumerate(PLACES, start=1):
        await pilot.press(str(number))
        await until(pilot, lambda name=name: console.current_mode.startswith(name) or console.current_mode == "first")
        await pilot.pause(0.3)
        shown[name] = text_of(console)
        assert shown[name].strip(), f"{name} is blank"
    await pilot.press("2")
    return shown


async def test_the_terminal_may_have_any_size_on_every_screen() -> None:
    run = record_run(Path("run"), alive(LIVE))
    async with console_on(run) as pilot:
        await go_everywhere(pilot)
        for number in range(1, len(PLACES) + 1):
            await pilot.press(str(number))
            for size in ((20, 5), (300, 100), (40, 12), (120, 36)):
                await pilot.resize_terminal(*size)
                await pilot.pause(0.05)
                lines = text_of(pilot.app).splitlines()
                assert len(lines) == size[1]
        await pilot.press("2")
        await sees(pilot, "Loss", "train", "Events")


async def test_garbage_among_the_figures_is_passed_over() -> None:
    run = record_run(Path("run"), alive(LIVE))
    good = run.metrics.read_bytes().splitlines(keepends=True)
    garbage = (
        b"\x00\xff\xfe binary\n",
        b"[1, 2, 3]\n",
        b'{"kind": "step", "step": "many", "loss": {}}\n',
        b'{"kind": "step", "step": 1e400, "loss": [1]}\n',
        b"{" * 5_000 + b"\n",
        b'"\xed\xa0\x80"\n',
        b"\n",
    )
    half = len(good) // 2
    run.metrics.write_bytes(b"".join(good[:half]) + b"".join(garbage) + b"".join(good[half:]) + b'{"kind": "st')
    async with console_on(run) as pilot:
        await sees(pilot, "val 0.0944", "1.31 of 15.6 GiB")
        await go_everywhere(pilot)


async def test_a_run_that_is_deleted_is_said_to_be_gone_and_what_was_read_stays() -> None:
    run = record_run(Path("run"), alive(LIVE))
    async with console_on(run) as pilot:
        await sees(pilot, "Loss", "train 0.0882")
        await go_everywhere(pilot)
        shutil.rmtree(run.path)
        await sees(pilot, "the run's directory is gone", "train 0.0882")
        await go_everywhere(pilot)


async def test_a_run_whose_files_are_cut_is_read_again() -> None:
    run = record_run(Path("run"), alive(LIVE))
    async with console_on(run) as pilot:
        await sees(pilot, "epoch 37/100", "train 0.0882")
        rows = metric_rows(replace(LIVE, epochs_done=3))
        run.metrics.write_bytes(b"".join(map(encode_row, rows)))
        run.events.write_bytes(b"")
        run.console_log.write_bytes(b"")
        run.profile.write_bytes(b"")
        await sees(pilot, f"train {rows[-2]['loss']:.3f}"[:10])
        await go_everywhere(pilot)


async def test_a_status_by_a_newer_version_is_said_to_be_unreadable() -> None:
    run = record_run(Path("run"), alive(LIVE))
    run.status.write_text('{"version": 99, "state": "meditating", "pid": "none"}')
    async with console_on(run) as pilot:
        await sees(pilot, "status unreadable", "newer version", "train 0.0882")
        await go_everywhere(pilot)


async def test_names_with_escape_codes_and_markup_are_shown_as_text() -> None:
    recording = alive(
        replace(
            LIVE, titles=HOSTILE, refused=tuple((name, name) for name in HOSTILE), message=HOSTILE[0], why=HOSTILE[0]
        )
    )
    run = record_run(Path("run [red]x[/]"), recording)
    (run.path / "samples" / "step-00000040").mkdir(exist_ok=True)
    async with console_on(run) as pilot:
        shown = await go_everywhere(pilot)
        for name, text in shown.items():
            assert "\x1b" not in text, name
            assert "\u202e" not in text, name
            assert "\x07" not in text, name


def test_a_directory_that_may_only_be_read_is_shown_and_steering_it_is_refused_with_the_reason() -> None:
    run = record_run(Path("run"), alive_now(LIVE))
    shutil.rmtree(run.control)
    for folder, _, names in os.walk(run.path):
        for name in names:
            (Path(folder) / name).chmod(0o400)
        Path(folder).chmod(0o500)
    terminal = Terminal([str(run.path)], unprivileged=True)
    try:
        terminal.wait_for("● training", "Loss", "train 0.0882")
        terminal.press("c")
        terminal.wait_for("cannot be left there: Permission denied")
        for number in range(1, len(PLACES) + 1):
            terminal.press(str(number))
            terminal.read_for(0.5)
            assert terminal.text.strip()
        terminal.press("2")
        terminal.wait_for("● training")
    finally:
        terminal.close()
        for folder, _, _ in os.walk(run.path):
            Path(folder).chmod(0o700)


async def test_a_lost_trainer_is_lost_since_its_last_word() -> None:
    run = record_run(Path("run"), Recording(state="training", host=socket.gethostname()))
    async with console_on(run) as pilot:
        await sees(pilot, "lost since", "harmonic train --resume-from")
        await go_everywhere(pilot)


async def test_two_hundred_runs_are_listed() -> None:
    first = record_run(Path("runs/run-000"), replace(alive(LIVE), epochs_done=3, epochs=3, sample_epochs=()))
    for number in range(1, 200):
        shutil.copytree(first.path, f"runs/run-{number:03}")
    console = Console(clock=lambda: NOW, sound=False)
    async with console.run_test(size=(120, 36)) as pilot:
        await sees(pilot, "run-0")
        await pilot.press("5")
        await sees(pilot, "run-0")


@pytest.fixture
def live() -> tuple[RunDirectory, Recording]:
    recording = alive_now(replace(LIVE, epochs_done=4))
    return record_run(Path("run"), recording), recording


@pytest.mark.slow
def test_a_frozen_link_holds_nothing_up_and_thaws_to_what_is_now(live: tuple[RunDirectory, Recording]) -> None:
    run, recording = live
    rows = metric_rows(replace(recording, epochs_done=90))
    terminal = Terminal([str(run.path)])
    try:
        terminal.wait_for("epoch 4/100", "Loss")
        step = recording.step
        frozen_until = time.monotonic() + 60.0
        while time.monotonic() < frozen_until:
            # Nobody reads the terminal meanwhile.
            step += 10
            with run.metrics.open("ab") as file:
                file.write(b"".join(encode_row(row) for row in rows if row["step"] == step))
            told = status_of(replace(recording, epochs_done=step // 40), rows)
            write_status(run.status, told.model_copy(update={"step": step, "heartbeat": time.time()}))
            time.sleep(0.2)
        terminal.wait_for(f"epoch {step // 40}/100")
        terminal.press("?")
        terminal.wait_for("Leave the console")
        terminal.press("\x1b")
        terminal.wait_for("Events")
        terminal.press("q")
        terminal.wait_for("Leave it running")
        terminal.press("\r")
        assert "goes on" in terminal.wait_for_the_end()
        assert terminal.exit_status == 0
    finally:
        terminal.close()


@pytest.mark.parametrize("environment", [{"TERM": "xterm"}, {"NO_COLOR": "1"}, {"TERM": "linux"}])
def test_terminals_with_few_colours_or_none_show_the_same_words(
    live: tuple[RunDirectory, Recording], environment: dict[str, str]
) -> None:
    run, _ = live
    terminal = Terminal([str(run.path)], environment={**environment, "COLORTERM": ""})
    try:
        terminal.wait_for("● training", "✓ Still improving", "━ validation", "Events")
        assert not terminal.used(b"[38;2;", b"[48;2;", b";38;2;", b";48;2;")
    finally:
        terminal.close()
