"""A finished run as it looked while it was live."""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import psutil
import pytest
from recorded_run import IMPROVING, NOW, Recording, record_run
from terminal import Terminal
from watching import alive_now

from harmonic_core.errors import RunError
from harmonic_core.run.control import send_command
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.events import event_row
from harmonic_core.run.records import encode_row, read_rows
from harmonic_core.run.samples import sample_steps
from harmonic_core.run.stars import Star, keep_star, read_stars
from harmonic_core.run.status import Status, read_status
from harmonic_tui.runs.replay import Shadow, replaying

FINISHED = Recording(epochs=37)


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def play(run: RunDirectory, into: RunDirectory, speed: float) -> list[Status]:
    """Everything that was told in a replay, a status a tick."""
    clock, told = Clock(), []

    def wait(seconds: float) -> None:
        status = read_status(into.status)
        assert status is not None
        told.append(status)
        clock.now += seconds

    last = read_status(run.status)
    assert last is not None
    shadow = Shadow(run, into, last)
    shadow.prepare()
    shadow.play(speed, clock, wait)
    ended = read_status(into.status)
    assert ended is not None
    return [*told, ended]


def fingerprint(run: RunDirectory) -> dict[str, str]:
    files = sorted(path for path in run.path.rglob("*") if path.is_file())
    return {str(path): sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_replay_goes_through_the_run_and_ends_with_all_of_it() -> None:
    run, into = record_run(Path("run"), FINISHED), RunDirectory(Path("replay"))
    before = fingerprint(run)
    told = play(run, into, speed=600.0)
    steps = [status.step for status in told]
    assert steps == sorted(steps)
    assert len(set(steps)) > 10
    assert {status.state for status in told[:-1]} == {"preparing", "training"}
    assert told[-1].state == "finished"
    assert into.metrics.read_bytes() == run.metrics.read_bytes()
    assert into.events.read_bytes() == run.events.read_bytes()
    assert into.console_log.read_text() == run.console_log.read_text()
    assert sample_steps(into) == sample_steps(run)
    assert fingerprint(run) == before


def test_what_was_best_later_is_not_known_before() -> None:
    run, into = record_run(Path("run"), FINISHED), RunDirectory(Path("replay"))
    for status in play(run, into, speed=600.0)[:-1]:
        assert status.best is None or status.best.epoch <= status.epoch


def test_sounds_and_log_come_when_the_run_made_them() -> None:
    run, into = record_run(Path("run"), FINISHED), RunDirectory(Path("replay"))
    seen: list[tuple[int, list[int], int]] = []
    clock, last = Clock(), read_status(run.status)
    assert last is not None

    def wait(seconds: float) -> None:
        status = read_status(into.status)
        assert status is not None
        log = into.console_log.read_text().count("Epoch ") if into.console_log.exists() else 0
        seen.append((status.step, sample_steps(into), log))
        clock.now += seconds

    shadow = Shadow(run, into, last)
    shadow.prepare()
    shadow.play(600.0, clock, wait)
    for step, samples, log in seen:
        assert samples == [made for made in (400, 800, 1200) if made <= step]
        assert log == step // 40
    assert seen[-1][1] == [400, 800, 1200]


def test_the_verdict_is_the_one_of_its_time() -> None:
    run, into = record_run(Path("run"), FINISHED), RunDirectory(Path("replay"))
    with run.events.open("ab") as file:
        event = {**event_row("diagnosis", IMPROVING.sentence, verdict=IMPROVING.model_dump()), "time": NOW - 1000.0}
        file.write(encode_row(event))
    verdicts = [status.verdict for status in play(run, into, speed=600.0)[:-1]]
    assert verdicts[0] is None
    assert verdicts[-1] == IMPROVING


def test_a_night_in_which_nothing_was_written_is_left_out() -> None:
    run, into = record_run(Path("run"), Recording(epochs_done=2, epochs=2)), RunDirectory(Path("replay"))
    rows = read_rows(run.metrics)
    late = [{**row, "time": row["time"] + (36_000.0 if row["step"] > 40 else 0.0)} for row in rows]
    run.metrics.write_bytes(b"".join(map(encode_row, late)))
    # At the run's own pace ten hours would be 144 000 ticks.
    assert len(play(run, into, speed=1.0)) < 2_000
    assert read_rows(into.metrics) == late


@pytest.mark.parametrize("moment", [math.nan, math.inf, True, "soon", None])
def test_a_row_with_a_time_that_is_none_comes_with_the_row_before_it(moment: object) -> None:
    run, into = record_run(Path("run"), FINISHED), RunDirectory(Path("replay"))
    lines = run.metrics.read_bytes().splitlines(keepends=True)
    lines.insert(20, encode_row({"kind": "step", "step": 161, "loss": 0.1, "time": moment}))
    run.metrics.write_bytes(b"".join(lines))
    assert play(run, into, speed=600.0)[-1].state == "finished"
    assert into.metrics.read_bytes() == run.metrics.read_bytes()


def test_what_was_steered_and_went_wrong_is_told_from_when_it_did() -> None:
    run, into = record_run(Path("run"), FINISHED), RunDirectory(Path("replay"))
    happened = (
        (event_row("control", "learning rate", change=[400, "learning_rate", 5e-4, 1.0], after=5e-4), 2800.0),
        (event_row("skipped", "2 updates", count=2), 2000.0),
        (event_row("rollback", "back to step 600"), 1900.0),
        (event_row("control", "learning rate", change=[1200, "learning_rate", None, 1.0], after=1e-3), 500.0),
    )
    with run.events.open("ab") as file:
        file.write(b"".join(encode_row({**row, "time": NOW - before}) for row, before in happened))
    told = play(run, into, speed=300.0)[:-1]
    assert told[0].steered == {}
    assert (told[0].skipped_steps, told[0].rollbacks) == (0, 0)
    assert {"learning_rate": 5e-4} in [status.steered for status in told]
    assert told[-1].steered == {}
    assert (told[-1].skipped_steps, told[-1].rollbacks) == (2, 1)
    at = {row["step"]: row for row in read_rows(run.metrics) if row["kind"] == "step"}
    for status in told:
        if status.step in at:
            assert status.in_force["beta"] == at[status.step]["beta"]
        assert status.device.allocated_bytes is None


def test_a_star_given_in_a_replay_is_kept_in_the_run() -> None:
    run, into = record_run(Path("run"), FINISHED), RunDirectory(Path("replay"))
    play(run, into, speed=6000.0)
    keep_star(into, Star(step=400, kind="prior", index=0, starred=True))
    assert [star.step for star in read_stars(run).values()] == [400]
    assert read_stars(into) == read_stars(run)


@pytest.fixture
def live() -> Iterator[tuple[RunDirectory, RunDirectory]]:
    """A run, and the directory in which it is being replayed by a process."""
    run = record_run(Path("run"), FINISHED)
    with replaying(run, 300.0) as (into, _):
        yield run, into


def wait_for_step(into: RunDirectory, step: int) -> Status:
    deadline = time.monotonic() + 60.0
    while True:
        status = read_status(into.status)
        if status is not None and status.step >= step:
            return status
        assert time.monotonic() < deadline, status
        time.sleep(0.05)


def test_a_replay_pauses_and_goes_on_when_asked_and_refuses_the_rest(
    live: tuple[RunDirectory, RunDirectory],
) -> None:
    _, into = live
    wait_for_step(into, 1)
    for name in ("pause", "checkpoint"):
        send_command(into, name)  # type: ignore[arg-type]
    deadline = time.monotonic() + 60.0
    while (status := read_status(into.status)) is None or status.state != "paused":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    refusals = [row for row in read_rows(into.events) if row["kind"] == "control"]
    assert refusals[-1]["message"] == "checkpoint: refused, a replay can only pause and go on"
    send_command(into, "resume")
    wait_for_step(into, status.step + 1)


def test_nothing_of_a_replay_stays_behind() -> None:
    run = record_run(Path("run"), FINISHED)
    with replaying(run, 60.0) as (into, process):
        assert into.path.is_dir()
    assert process.poll() is not None
    assert not into.path.parent.exists()


def test_a_replay_ends_with_a_console_that_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    record_run(Path("run"), FINISHED)
    terminal = Terminal(["--replay", "run", "--speed", "1"])
    try:
        terminal.wait_for("1 times as fast", "● training")
        (into,) = (path.parent for path in place.glob("harmonic-*/*/status.json"))
        status = read_status(RunDirectory(into).status)
        assert status is not None
    finally:
        terminal.cut()
    deadline = time.monotonic() + 60.0
    while psutil.pid_exists(status.pid) or list(place.glob("harmonic-*")):
        assert time.monotonic() < deadline, "the replay outlives its console"
        time.sleep(0.1)


def test_a_run_that_still_goes_on_is_not_replayed() -> None:
    run = record_run(Path("run"), alive_now(replace(FINISHED, state="training")))
    with (
        pytest.raises(RunError, match=r"run: still training; watch it live with `harmonic-tui run`"),
        replaying(run, 1),
    ):
        pass


def test_a_run_without_figures_is_not_replayed() -> None:
    run = RunDirectory(Path("run"))
    run.path.mkdir()
    run.status.write_text(json.dumps({"state": "nonsense"}))
    with pytest.raises(RunError, match="nothing to replay"), replaying(run, None):
        pass


def test_the_console_shows_a_replay_and_leaves_it_without_a_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    record_run(Path("run"), FINISHED)
    terminal = Terminal(["--replay", "run", "--speed", "300"])
    try:
        terminal.wait_for("300 times as fast", "training", "stage")
        terminal.press("q")
        assert "goes on" not in terminal.wait_for_the_end()
        assert terminal.exit_status == 0
    finally:
        terminal.close()
    assert not list(place.glob("harmonic-*"))
