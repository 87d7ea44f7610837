"""`harmonic data preprocess` and `harmonic data cache`, as whole programs."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from programs import DEADLINE_S, Programs, wait_until
from quick_music import tree, write_hours, write_wav

MOST_BYTES = 600 * 2**20


@pytest.fixture
def music(harmonic: Programs) -> Path:
    """Twelve seconds of sound in six files."""
    folder = harmonic.place / "music"
    folder.mkdir()
    for number in range(6):
        write_wav(folder / f"{number}.wav", 2.0, seed=number)
    return folder


def test_a_folder_is_made_ready_and_the_second_time_comes_from_the_cache(harmonic: Programs, music: Path) -> None:
    first = harmonic.run("data", "preprocess", "music", "--output-dir", "cache")
    assert "ready: 6 files, 12 s of music (0 from the cache, 6 decoded), 0 refused" in first.stdout
    assert "--cache-dir cache" in first.stdout
    second = harmonic.run("data", "preprocess", "music", "--output-dir", "cache")
    assert "(6 from the cache, 0 decoded)" in second.stdout
    assert "\x1b" not in first.stdout + first.stderr


def test_training_finds_what_was_made_ready(harmonic: Programs, music: Path, tiny: list[str]) -> None:
    harmonic.run("data", "preprocess", "music", "--output-dir", "cache")
    before = tree(harmonic.place / "cache")
    arguments = ["--dataset", "custom", "--custom-dir", "music", "--cache-dir", "cache", "--epochs", "1", "--name", "x"]
    harmonic.run("train", *arguments, *tiny)
    assert tree(harmonic.place / "cache") == before


def test_a_profile_is_made_ready_with_its_own_settings(harmonic: Programs) -> None:
    settings = ["--set", "data.demo_minutes=0.5", "--set", "audio.sample_rate=8000", "--set", "data.cache_dir=there"]
    said = harmonic.run("data", "preprocess", "demo", *settings).stdout
    assert "ready: " in said
    assert "--cache-dir" not in said
    assert list((harmonic.place / "there").glob("pcm-*-8000"))


def test_refused_files_are_named_on_stderr_without_their_escape_codes(harmonic: Programs, music: Path) -> None:
    (music / "\x1b[2J[bold]evil.wav").write_bytes(b"no audio at all" * 100)
    write_wav(music / "short.wav", 0.2)
    done = harmonic.run("data", "preprocess", "music", "--output-dir", "cache")
    assert "6 files" in done.stdout
    assert "2 refused" in done.stdout
    refused = [line for line in done.stderr.splitlines() if line.startswith("refused: ")]
    assert len(refused) == 2
    assert any("[bold]evil.wav: " in line for line in refused)
    assert any("short.wav: " in line for line in refused)
    assert "\x1b" not in done.stderr


def test_nothing_usable_is_a_failure(harmonic: Programs) -> None:
    (harmonic.place / "music").mkdir()
    write_wav(harmonic.place / "music/short.wav", 0.2)
    done = harmonic.run("data", "preprocess", "music", "--output-dir", "cache", expect=1)
    assert "nothing is ready" in done.stdout


def test_a_cache_that_cannot_be_written_is_said_in_one_line(harmonic: Programs, music: Path) -> None:
    (harmonic.place / "cache").write_text("in the way")
    done = harmonic.run("data", "preprocess", "music", "--output-dir", "cache", expect=5)
    assert "audio cache" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_and_the_same_command_goes_on(harmonic: Programs, number: signal.Signals, status: int) -> None:
    folder = harmonic.place / "music"
    folder.mkdir()
    write_hours(folder / "a.wav", 12)
    for each in range(3):
        write_wav(folder / f"{each}.wav", 2.0, seed=each)
    arguments = "data", "preprocess", "music", "--output-dir", "cache", "--workers", "2"
    process = harmonic.start(*arguments)
    wait_until(lambda: len(list((harmonic.place / "cache").rglob("??/*.s16"))) == 3, "the short files are decoded")
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    assert process.wait(DEADLINE_S) == status
    assert psutil.wait_procs(children, DEADLINE_S)[1] == []
    assert "the same command goes on" in (harmonic.place / "stderr.txt").read_text()
    assert list((harmonic.place / "cache/partial").iterdir()) == []
    (folder / "a.wav").unlink()
    assert "(3 from the cache, 0 decoded)" in harmonic.run(*arguments).stdout


@pytest.mark.slow
def test_killed_at_twenty_random_moments_it_leaves_what_an_undisturbed_one_does(harmonic: Programs) -> None:
    folder, cache = harmonic.place / "music", harmonic.place / "cache"
    folder.mkdir()
    for number in range(40):
        write_wav(folder / f"{number}.wav", 60.0, seed=number)
    arguments = "data", "preprocess", "music", "--set", "audio.sample_rate=22050", "--output-dir"
    harmonic.run(*arguments, "undisturbed")
    undisturbed = tree(harmonic.place / "undisturbed")
    moments, kills = random.Random(3), 0
    while kills < 20:
        if cache.exists() and tree(cache) == undisturbed:
            shutil.rmtree(cache)
        kills += _kill_at_work(harmonic.start(*arguments, str(cache)), cache, moments.uniform(0, 0.3))
    harmonic.run(*arguments, str(cache))
    assert tree(cache) == undisturbed


def _kill_at_work(process: subprocess.Popen[str], cache: Path, delay_s: float) -> bool:
    """Kill a process some time after it has begun to write; False if it has ended before."""
    before = _size(cache)
    wait_until(lambda: process.poll() is not None or _size(cache) != before, "it writes")
    time.sleep(delay_s)
    killed = process.poll() is None
    workers = _children(process)
    process.kill()
    process.wait()
    # They die with it, but not in the same moment, and one may be in the middle of a write.
    psutil.wait_procs(workers, DEADLINE_S)
    return killed


def _children(process: subprocess.Popen[str]) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(process.pid).children(recursive=True)
    return []


def _size(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).stat().st_size + 1
            except FileNotFoundError:
                continue
    return total


class _Memory:
    """The most memory that a process and all below it held at one time, looked at again and again."""

    def __init__(self, pid: int) -> None:
        self.most = 0
        self._process = psutil.Process(pid)
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        with suppress(psutil.Error):
            while self._process.status() != psutil.STATUS_ZOMBIE:
                total = 0
                for process in (self._process, *self._process.children(recursive=True)):
                    with suppress(psutil.NoSuchProcess):
                        total += process.memory_info().rss
                self.most = max(self.most, total)
                time.sleep(0.05)

    def in_all(self) -> int:
        """Bytes, once the process has ended."""
        self._thread.join()
        return self.most


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["three hours", "ten thousand files"])
def test_memory_stays_below_600_mb(harmonic: Programs, kind: str) -> None:
    folder = harmonic.place / "music"
    folder.mkdir()
    if kind == "three hours":
        write_hours(folder / "long.wav", 3)
    else:
        for number in range(10_000):
            write_wav(folder / f"{number:05d}.wav", 0.1 + number % 7 / 10, seed=number)
    settings = "--set", "audio.sample_rate=8000", "--set", "audio.n_mels=32", "--set", "data.min_clip_length=0.1"
    # As many workers as there may be on a machine of any size.
    process = harmonic.start("data", "preprocess", "music", "--output-dir", "cache", *settings, "--workers", "5")
    memory = _Memory(process.pid)
    said, _ = process.communicate()
    assert process.returncode == 0, (harmonic.place / "stderr.txt").read_text()[-2_000:]
    ready = "ready: 1 file, 3.0 h" if kind == "three hours" else "ready: 10\N{THIN SPACE}000 files"
    assert said.startswith(ready)
    assert 50 * 2**20 < memory.in_all() < MOST_BYTES


def test_the_cache_is_listed_by_sample_rate(harmonic: Programs, music: Path) -> None:
    harmonic.run("data", "preprocess", "music", "--output-dir", "cache")
    (music / "0.wav").unlink()
    (row,) = json.loads(harmonic.run("data", "cache", "list", "--json", "--cache-dir", "cache").stdout)["settings"]
    assert (row["sample_rate"], row["entries"], row["refused"], row["without_source"]) == (22_050, 6, 0, 1)
    assert row["seconds"] == pytest.approx(12, abs=0.1)
    words = harmonic.run("data", "cache", "list", "--cache-dir", "cache").stdout
    assert "22050 Hz" in words
    assert harmonic.run("data", "cache", "list", "--cache-dir", "nowhere").stdout.startswith("Nothing is kept")


def test_a_broken_entry_is_found_removed_and_decoded_anew(harmonic: Programs, music: Path) -> None:
    harmonic.run("data", "preprocess", "music", "--output-dir", "cache")
    assert "whole: 6 files" in harmonic.run("data", "cache", "verify", "--cache-dir", "cache").stdout
    before = tree(harmonic.place / "cache")
    broken = sorted((harmonic.place / "cache").rglob("*.s16"))[2]
    data = bytearray(broken.read_bytes())
    data[1_000] ^= 1
    broken.write_bytes(data)
    found = harmonic.run("data", "cache", "verify", "--cache-dir", "cache", expect=1).stdout
    assert broken.name in found
    assert "1 file of 6 broken and removed" in found
    assert (
        "(5 from the cache, 1 decoded)" in harmonic.run("data", "preprocess", "music", "--output-dir", "cache").stdout
    )
    assert tree(harmonic.place / "cache") == before


def test_pruning_frees_what_has_no_source_any_more_and_touches_nothing_foreign(harmonic: Programs, music: Path) -> None:
    harmonic.run("data", "preprocess", "music", "--output-dir", "cache")
    cache = harmonic.place / "cache"
    (shelf,) = {path.parent for path in cache.rglob("*.s16")} & {sorted(cache.rglob("*.s16"))[0].parent}
    foreign = [cache / "notes.txt", shelf / "mine.s16", cache / "partial.txt"]
    for path in foreign:
        path.write_text("mine")
    (music / "0.wav").unlink()
    (music / "1.wav").unlink()
    would = harmonic.run("data", "cache", "prune", "--dry-run", "--cache-dir", "cache").stdout
    assert would.startswith("would remove 2 files, 4 s of music")
    assert len(list(cache.rglob("*.s16"))) == 7
    assert harmonic.run("data", "cache", "prune", "--cache-dir", "cache").stdout == would.replace(
        "would remove", "removed"
    )
    assert (
        "(4 from the cache, 0 decoded)" in harmonic.run("data", "preprocess", "music", "--output-dir", "cache").stdout
    )
    assert harmonic.run("data", "cache", "prune", "--older-than", "1", "--cache-dir", "cache").stdout.startswith(
        "removed 0 files"
    )
    for path in cache.rglob("??/*"):
        os.utime(path, (0, 0))
    assert (
        "removed 4 files" in harmonic.run("data", "cache", "prune", "--older-than", "1", "--cache-dir", "cache").stdout
    )
    harmonic.run("data", "preprocess", "music", "--output-dir", "cache")
    assert "removed 4 files" in harmonic.run("data", "cache", "prune", "--all", "--cache-dir", "cache").stdout
    assert {path for path in cache.rglob("*") if path.is_file()} == {*foreign, cache / "in-use"}


def test_a_cache_in_use_is_not_pruned(harmonic: Programs) -> None:
    (harmonic.place / "music").mkdir()
    write_hours(harmonic.place / "music/a.wav", 6)
    process = harmonic.start("data", "preprocess", "music", "--output-dir", "cache")
    wait_until(lambda: list((harmonic.place / "cache").rglob("partial/*")), "it decodes")
    # Held still, so that it cannot be done too soon.
    process.send_signal(signal.SIGSTOP)
    refused = harmonic.run("data", "cache", "prune", "--all", "--cache-dir", "cache", expect=1)
    assert "a run uses this cache" in refused.stderr
    process.send_signal(signal.SIGCONT)
    process.terminate()
    process.wait(DEADLINE_S)
