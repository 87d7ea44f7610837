"""Making music ready: worker processes that may crash or hang, several preparations at once, progress, stopping."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from programs import DEADLINE_S, wait_until
from scripted_sounds import RATE, Ramp, played, ramps

from harmonic_core.data.cache import Cache
from harmonic_core.data.prepare import Outcome, prepare
from harmonic_core.data.tracks import Track
from harmonic_core.errors import DiskError
from harmonic_core.run.status import Preparation


def outcomes(tracks: Sequence[Track], cache: Path, workers: int = 2, patience_s: float = 60.0) -> dict[str, Outcome]:
    done = prepare(tracks, RATE, Cache(cache), lambda told: None, workers=workers, patience_s=patience_s)
    return {each.track.title: each for each in done}


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("crash", "the decoder crashed (SIGSEGV)"),
        ("exit", "the decoder ended with status 7"),
        ("break", "RuntimeError: never thought of"),
        ("refuse", "ramp: torn"),
    ],
)
def test_a_decoder_that_fails_costs_its_own_file_and_no_other(tmp_path: Path, deed: str, reason: str) -> None:
    log = tmp_path / "log"
    tracks = [*ramps(log, "a"), Track("bad", Ramp(log, "bad", deed=deed)), *ramps(log, "b", "c")]  # type: ignore[arg-type]
    done = outcomes(tracks, tmp_path / "cache", workers=1)
    assert list(done) == ["a", "bad", "b", "c"]
    assert done["bad"].reason == reason
    assert [title for title, each in done.items() if each.cached] == ["a", "b", "c"]
    assert list((tmp_path / "cache" / "partial").iterdir()) == []


def test_a_decoder_that_hangs_is_ended_and_the_others_go_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    tracks = [*ramps(log, "hangs", deed="hang"), *ramps(log, "a", "b")]
    # Enough for a worker to start on a busy machine, which counts as well.
    done = outcomes(tracks, tmp_path / "cache", workers=1, patience_s=15)
    assert done["hangs"].reason == "no progress for 15 s"
    assert done["a"].cached
    assert done["b"].cached
    (pid,) = {int(line.split()[1]) for line in log.read_text().splitlines() if line.startswith("hangs")}
    wait_until(lambda: not psutil.pid_exists(pid), "the worker ends")


def test_a_decoder_that_is_killed_names_its_file(tmp_path: Path) -> None:
    log = tmp_path / "log"

    def kill_it() -> None:
        wait_until(lambda: played(log), "a sound is played")
        os.kill(int(log.read_text().split()[1]), signal.SIGKILL)

    killer = threading.Thread(target=kill_it)
    killer.start()
    done = outcomes([*ramps(log, "victim", deed="wait", length=4 * RATE), *ramps(log, "a")], tmp_path / "cache", 1)
    killer.join()
    assert done["victim"].reason == "the decoder crashed (SIGKILL)"
    assert done["a"].cached


def test_a_crash_is_not_held_against_the_file_for_ever(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for _ in range(2):
        outcomes(ramps(log, "a", deed="crash"), tmp_path / "cache")
    assert played(log) == ["a", "a"]


def test_a_sound_that_changes_while_it_is_read_is_not_kept(tmp_path: Path) -> None:
    done = outcomes([Track("restless", Restless(tmp_path / "log", "restless"))], tmp_path / "cache")
    assert done["restless"].reason == "it was changed while it was read"
    assert not list((tmp_path / "cache").rglob("*.s16"))


class Restless(Ramp):
    """Is another one whenever it was played."""

    def identity(self) -> str:
        """As often as it was played."""
        return f"{len(played(self.log))}"

    def content(self) -> str:
        """Always the same."""
        return "0" * 64


def test_two_preparations_at_once_share_the_work(tmp_path: Path) -> None:
    log, cache = tmp_path / "log", tmp_path / "cache"
    names = [f"t{number:02d}" for number in range(40)]
    other = subprocess.Popen([sys.executable, "-c", _PREPARE, str(log), str(cache), *names], env=_environment())
    done = outcomes(ramps(log, *names), cache)
    assert other.wait(DEADLINE_S) == 0
    assert all(each.cached for each in done.values())
    assert sorted(played(log)) == names
    for each in done.values():
        assert each.cached is not None
        np.testing.assert_array_equal(each.cached.read(0, 2 * RATE), np.arange(2 * RATE) + 1)


def test_what_another_preparation_decodes_is_waited_for(tmp_path: Path) -> None:
    log, cache = tmp_path / "log", tmp_path / "cache"
    tracks = [*ramps(log, "slow", deed="wait", length=4 * RATE), *ramps(log, "a")]
    other = threading.Thread(target=outcomes, args=(tracks[:1], cache))
    other.start()
    wait_until(lambda: played(log) == ["slow"], "the other one is at it")

    told: list[Preparation] = []

    def go_on(preparation: Preparation) -> None:
        told.append(preparation)
        if preparation.done == 1:
            log.with_suffix(".go").touch()

    done = prepare(tracks, RATE, Cache(cache), go_on, workers=1)
    other.join()
    assert played(log) == ["slow", "a"]
    assert [each.from_cache for each in done] == [True, False]


def test_progress_counts_files_refusals_and_seconds_and_ends_with_all_of_them(tmp_path: Path) -> None:
    log, cache = tmp_path / "log", tmp_path / "cache"
    outcomes(ramps(log, "a"), cache)
    told: list[Preparation] = []
    tracks = [*ramps(log, "a", "\x1b[2Jb"), *ramps(log, "bad", deed="refuse")]
    prepare(tracks, RATE, Cache(cache), told.append)
    last = told[-1]
    assert (last.done, last.total, last.refused, last.from_cache, last.audio_s) == (3, 3, 1, 1, 4.0)
    assert [each.done for each in told] == sorted(each.done for each in told)
    assert all("\x1b" not in each.label for each in told)


def test_stopping_leaves_the_rest_and_nothing_half_made(tmp_path: Path) -> None:
    log, cache = tmp_path / "log", tmp_path / "cache"
    tracks = [*ramps(log, "a"), *ramps(log, "endless", deed="wait"), *ramps(log, "never")]
    done = prepare(tracks, RATE, Cache(cache), lambda told: None, lambda: "endless" in played(log), workers=1)
    assert [each.track.title for each in done] == ["a"]
    assert list((cache / "partial").iterdir()) == []
    wait_until(lambda: not working(), "the worker ends")


def working() -> list[psutil.Process]:
    """Workers of this process; what is dead, waited for or not, is none."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            found += [child] * ("harmonic_core.data.worker" in child.cmdline())
    return found


def test_workers_end_with_the_one_who_started_them(tmp_path: Path) -> None:
    log, cache = tmp_path / "log", tmp_path / "cache"
    arguments = [sys.executable, "-c", _PREPARE, str(log), str(cache), "endless:hang", "too:hang"]
    parent = subprocess.Popen(arguments, env=_environment())
    wait_until(lambda: len(played(log)) == 2, "both sounds are played")
    workers = [psutil.Process(int(line.split()[1])) for line in log.read_text().splitlines()]
    parent.kill()
    parent.wait()
    assert psutil.wait_procs(workers, DEADLINE_S)[1] == []


def test_a_disk_that_is_full_is_named_with_the_way_out_and_costs_nothing_that_is_there(tmp_path: Path) -> None:
    log, cache = tmp_path / "log", tmp_path / "cache"
    before = outcomes(ramps(log, "a"), cache)["a"]
    # A limit on the size of files is what a process can have without a disk of its own.
    code = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))\n{_PREPARE}"
    arguments = [sys.executable, "-c", code, str(log), str(cache), "a", "small", "large:wide"]
    ended = subprocess.run(arguments, env=_environment(), capture_output=True, text=True, check=False)
    assert "DiskError" in ended.stderr
    assert str(cache) in ended.stderr
    assert "harmonic data cache prune" in ended.stderr
    assert list((cache / "partial").iterdir()) == []
    again = outcomes(ramps(log, "a"), cache)["a"]
    assert (again.from_cache, again.cached) == (True, before.cached)


def test_a_cache_that_cannot_be_made_is_a_disk_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DiskError, match="audio cache"):
        outcomes(ramps(tmp_path / "log", "a"), tmp_path / "file" / "cache")


def test_a_full_cache_needs_neither_a_worker_nor_a_decoder(tmp_path: Path) -> None:
    log, cache = tmp_path / "log", tmp_path / "cache"
    outcomes(ramps(log, "a", "b"), cache)
    heavy = "av", "soundfile", "soxr", "torch", "harmonic_core.data.workers"
    code = f"{_PREPARE}\nprint([name for name in {heavy} if name in sys.modules])"
    arguments = [sys.executable, "-c", code, str(log), str(cache), "a", "b"]
    ended = subprocess.run(arguments, env=_environment(), capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


_PREPARE = """
import sys
from pathlib import Path
from harmonic_core.data.cache import Cache
from harmonic_core.data.prepare import prepare
from harmonic_core.data.tracks import Track
from scripted_sounds import RATE, Ramp
log, cache, *names = sys.argv[1:]
def ramp(spec):
    name, _, deed = spec.partition(":")
    length = 2 * RATE * (5 if deed == "wide" else 1)
    return Track(name, Ramp(Path(log), name, length, "" if deed == "wide" else deed))
prepare([ramp(each) for each in names], RATE, Cache(Path(cache)), lambda told: None, workers=2)
"""


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
