"""On a slow link less is drawn: the same run costs half as much."""

import time
from pathlib import Path

import pytest
from recorded_run import STEPS_PER_EPOCH, Recording, metric_rows, record_run, status_of
from terminal import Terminal
from watching import alive, alive_now, sees, until

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import encode_row
from harmonic_core.run.status import write_status
from harmonic_tui.app import Console

LIVE = Recording(state="training", epochs_done=6, sample_epochs=())
SECONDS = 12.0


def bytes_of_a_while(run: RunDirectory, *flags: str) -> int:
    """What the console sends to the terminal while the run goes on for some seconds."""
    recording = alive_now(LIVE)
    rows = metric_rows(Recording(epochs_done=90))
    terminal = Terminal([*flags, str(run.path)])
    try:
        terminal.wait_for("Loss", "train", "Still improving")
        began, sent, step = time.monotonic(), terminal.received, LIVE.step
        while (now := time.monotonic()) < began + SECONDS:
            step += 10
            with run.metrics.open("ab") as file:
                file.write(b"".join(encode_row(row) for row in rows if row["step"] == step))
            status = status_of(recording, rows).model_copy(
                update={"step": step, "epoch": step // STEPS_PER_EPOCH, "heartbeat": time.time()}
            )
            write_status(run.status, status)
            terminal.read_for(max(0.0, now + 0.25 - time.monotonic()))
        return terminal.received - sent
    finally:
        terminal.close()


@pytest.mark.slow
def test_low_bandwidth_halves_what_is_sent() -> None:
    run = record_run(Path("run"), alive_now(LIVE))
    usual = bytes_of_a_while(run)
    run = record_run(Path("other"), alive_now(LIVE))
    assert bytes_of_a_while(run, "--low-bandwidth") <= usual / 2


async def test_the_palette_switches_it() -> None:
    run = record_run(Path("run"), alive(LIVE))
    console = Console(run, sound=False)
    async with console.run_test(size=(120, 36)) as pilot:
        for wanted in (True, False):
            await pilot.press("ctrl+p")
            await until(pilot, lambda: len(console.screen_stack) == 2)
            await pilot.press(*"bandwidth")
            await sees(pilot, "Draw ")
            await pilot.press("enter")
            await until(pilot, lambda wanted=wanted: console.low_bandwidth is wanted)
            await until(pilot, lambda: len(console.screen_stack) == 1)
