"""`harmonic status --json` has every figure that the dashboard shows: what stands on the screen is looked up in it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from recorded_evaluation import PROMISING, record_evaluation, report_at
from recorded_run import GPU, PREPARING, Recording, ranks_of, record_run
from stub_driver import stub_driver
from watching import alive_now

from harmonic_core.run.words import duration, music_length
from harmonic_tui.wording import figure, gibibytes, hundredths, time_of_day

NUMBER = re.compile(r"\d+(?:\N{THIN SPACE}\d{3})*(?:\.\d+)?")
CHARTS = ("Loss", "KL, nats", "Reconstruction", "Gradient norm")
"""Panels whose axes have figures of no run: of them only title and foot count."""
OWN_WORDS = ("Log",)
"""Panels that quote the trainer's log, a file of its own."""
SERIES = {"kl_per_dim", "envelope", "log"}
"""So many figures that one would be found there whatever it is."""


def printed(environment: dict[str, str], program: str, *arguments: str) -> str:
    """What a program prints on a host with the stub's cards."""
    done = subprocess.run(
        [sys.executable, "-c", f"from {program} import main; main()", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def frames_of(lines: list[str]) -> Iterator[tuple[int, int, int, int]]:
    """Left, top, right and bottom of every panel."""
    for top, line in enumerate(lines):
        for found in re.finditer("╭[^╭╮]*╮", line):
            left, right = found.start(), found.end()
            bottom = next(row for row in range(top + 1, len(lines)) if lines[row][left : left + 1] == "╰")
            yield left, top, right, bottom


def words_on(screen: str) -> str:
    """What is said of the run: no axes, no keys, no log."""
    lines = screen.splitlines()[:-1]
    width = max(map(len, lines))
    lines = [line.ljust(width) for line in lines]
    kept = [list(line) for line in lines]
    for left, top, right, bottom in frames_of(lines):
        title = lines[top][left + 3 : right]
        if title.startswith(CHARTS + OWN_WORDS):
            for row in kept[top + 1 : bottom]:
                row[left:right] = " " * (right - left)
    return "\n".join("".join(line) for line in kept)


def values_in(told: Any) -> Iterator[str | float]:
    match told:
        case bool() | None:
            return
        case str() | int() | float():
            yield told
        case dict():
            for key, value in told.items():
                if key not in SERIES:
                    yield from values_in(value)
        case list():
            for value in told:
                yield from values_in(value)


def figures_in(told: Any) -> set[str]:
    """Every way in which people write what is told."""
    found: set[str] = set()
    for value in values_in(told):
        if isinstance(value, str):
            found.update(NUMBER.findall(value), NUMBER.findall(value[-6:]))
            continue
        written = [figure(value), figure(100 * value), hundredths(value), gibibytes(int(value)), duration(value)]
        written += [f"{value:.0f}", f"{value:.1f}", f"{100 * value:.0f}", f"{value / 100:.1f}", music_length(value)]
        written += [music_length(60 * value), time_of_day(value, seconds=True)]
        found.update(token for words in written for token in NUMBER.findall(words))
    return found


def missing(screen: str, told: Any) -> set[str]:
    """Figures on the screen that are not told."""
    return set(NUMBER.findall(words_on(screen))) - figures_in(told)


@pytest.fixture(scope="module")
def driver_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A driver with cards, compiled once."""
    driver = stub_driver(tmp_path_factory.mktemp("driver") / "stub")
    driver.feel()
    return driver.folder


@pytest.fixture
def environment(driver_folder: Path) -> dict[str, str]:
    """Where programs find the driver."""
    from stub_driver import StubDriver

    return {**StubDriver(driver_folder).environment, "LINES": "50"}


def both(environment: dict[str, str], columns: int) -> tuple[str, dict[str, Any]]:
    """The dashboard of the run, and what is told of it to programs."""
    screen = printed({**environment, "COLUMNS": str(columns)}, "harmonic_tui.command", "run", "--once")
    told: dict[str, Any] = json.loads(printed(environment, "harmonic_core.cli", "status", "run", "--json"))
    return screen, told


MEASURED = Recording(
    state="training", device=GPU, profile=PROMISING, skipped_steps=13, rollbacks=2, grad_accum_steps=4, epochs_done=37
)


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_every_figure_of_a_run_on_a_card_that_was_measured_is_told(environment: dict[str, str], columns: int) -> None:
    run = record_run(Path("run"), alive_now(MEASURED))
    record_evaluation(run, report_at(30))
    screen, told = both(environment, columns)
    assert "busy 93 %" in screen or columns == 80
    assert missing(screen, told) == set()
    # It is no accident that all were found.
    parts = ["device", "best", "evaluation", "samples"]
    parts += ["events", "latent", "newest"] if columns > 80 else []
    parts += ["case_study"] if columns == 200 else []
    for part in parts:
        without = {key: value for key, value in told.items() if key not in {part, "metrics"}}
        assert missing(screen, without), part


def test_every_figure_of_several_ranks_is_told(environment: dict[str, str]) -> None:
    record_run(Path("run"), alive_now(replace(MEASURED, ranks=ranks_of(8, hosts=2))))
    screen, told = both(environment, 200)
    assert "node-b" in screen
    assert missing(screen, told) == set()
    assert missing(screen, {**told, "ranks": []})


def test_every_figure_of_a_run_that_prepares_its_music_is_told(environment: dict[str, str]) -> None:
    record_run(Path("run"), alive_now(PREPARING))
    screen, told = both(environment, 120)
    assert "412 of 1" in screen
    assert missing(screen, told) == set()
    assert missing(screen, {**told, "preparation": None, "refused": None})


def test_every_figure_of_a_run_that_ended_is_told(environment: dict[str, str]) -> None:
    record_run(Path("run"), replace(MEASURED, state="finished"))
    screen, told = both(environment, 120)
    assert "ran 62 min" in screen
    assert missing(screen, told) == set()


def test_what_is_not_there_is_null_or_empty_and_never_an_error(environment: dict[str, str]) -> None:
    Path("run").mkdir()
    Path("run/status.json").write_text("{")
    Path("run/profile.toml").write_text("[")
    told = json.loads(printed(environment, "harmonic_core.cli", "status", "run", "--json"))
    assert told["state"] == "unknown"
    assert (told["newest"], told["evaluation"], told["samples"]["newest"]) == ({"step": None, "epoch": None}, None, [])
    assert told["refused"] == {"files": 0, "newest": []}


def test_an_epoch_long_ago_is_found_behind_all_the_steps_since(environment: dict[str, str]) -> None:
    run = record_run(Path("run"), alive_now(Recording(state="training", epochs_done=2)))
    with run.metrics.open("a") as file:
        file.writelines(
            json.dumps({"kind": "step", "step": step, "epoch": 3, "loss": 0.1}) + "\n" for step in range(81, 40_000)
        )
    told = json.loads(printed(environment, "harmonic_core.cli", "status", "run", "--json"))
    assert told["newest"]["step"]["step"] == 39_999
    assert told["newest"]["epoch"]["epoch"] == 2
    assert told["latent"]["dimensions"] == 128
