"""What the journal tells of the music while it is made ready."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from programs import DEADLINE_S

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import Device, Preparation, read_status
from harmonic_core.training.journal import DecodingRate, Journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """The journal of a run that has just begun."""
    run = RunDirectory(tmp_path / "run")
    run.create()
    with Journal(run, Device) as opened:
        yield opened


def ready(seconds: float, from_cache: int = 0) -> Preparation:
    return Preparation(done=1, total=9, audio_s=seconds, from_cache=from_cache)


def test_what_is_told_reaches_the_status_with_the_next_heartbeat(journal: Journal) -> None:
    journal.preparing(Preparation(done=3, total=8, refused=1, audio_s=60.0, label="song.wav", eta_s=4.0))
    journal.update()
    written = read_status(journal.run.status)
    assert written is not None
    assert written.preparation is not None
    assert (written.preparation.done, written.preparation.total, written.preparation.label) == (3, 8, "song.wav")


def test_what_is_told_between_two_heartbeats_waits_for_the_next_one(journal: Journal) -> None:
    journal._stop_heart()
    journal.update()
    before = journal.run.status.read_bytes()
    for done in range(1, 1001):
        journal.preparing(Preparation(done=done, total=1000))
    assert journal.run.status.read_bytes() == before
    journal.update()
    written = read_status(journal.run.status)
    assert written is not None
    assert written.preparation is not None
    assert written.preparation.done == 1000


def test_the_speed_is_that_of_the_last_ten_seconds() -> None:
    rate = DecodingRate()
    assert rate.measure(ready(0.0), now=0.0) is None
    assert rate.measure(ready(500.0), now=5.0) == 100.0
    for second in range(6, 40):
        last = rate.measure(ready(500.0 + 300.0 * (second - 5)), now=float(second))
    assert last == pytest.approx(300.0)


def test_what_came_from_the_cache_does_not_count_as_speed() -> None:
    rate = DecodingRate()
    assert rate.measure(ready(3600.0, from_cache=100), now=0.0) is None
    assert rate.measure(ready(7200.0, from_cache=200), now=1.0) is None
    assert rate.measure(ready(7400.0, from_cache=200), now=3.0) == 100.0


def test_without_new_music_there_is_no_speed() -> None:
    rate = DecodingRate()
    rate.measure(ready(100.0), now=0.0)
    assert rate.measure(ready(100.0), now=2.0) is None


TELL = """
import sys
from pathlib import Path
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import Device, Preparation
from harmonic_core.training.journal import Journal
run = RunDirectory(Path(sys.argv[1]))
run.create()
with Journal(run, Device) as journal:
    journal.preparing(Preparation(done=4, total=10, refused=2, audio_s=120.0, label="song.wav"))
    if sys.stdin.isatty():
        sys.stdin.readline()
"""


def test_in_a_terminal_a_bar_says_how_far_the_music_is(tmp_path: Path) -> None:
    arguments = ["-c", TELL, str(tmp_path / "run")]
    child = pexpect.spawn(sys.executable, arguments, dimensions=(24, 120), timeout=DEADLINE_S)
    child.expect("4 of 10 files, 2 min ready, 2 refused")
    child.sendline()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_without_a_terminal_nothing_is_drawn(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", TELL, str(tmp_path / "run")], capture_output=True, check=True, stdin=subprocess.DEVNULL
    )
    assert ended.stderr == b""
