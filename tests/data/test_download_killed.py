"""Downloads that are killed, at random moments and at every step that changes the disk, and what comes of them."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from download_server import MisbehavingServer
from download_tries import gtzan, maestro, maestro_part, tree
from made_archives import gtzan_clips, maestro_rows, maestro_site, tar_gz

SITE = {"/genres.tar.gz": tar_gz(gtzan_clips(4)), **maestro_site()}
SMALL_SITE = {"/genres.tar.gz": tar_gz(gtzan_clips(1, ("jazz", "pop"))), **maestro_site(maestro_rows(4))}
Download = Callable[[Path, str], str]
DOWNLOADS: dict[str, Download] = {
    "gtzan": gtzan,
    "gtzan with its archive": partial(gtzan, keep_archive=True),
    "maestro": maestro,
    "maestro in part": partial(maestro_part, hours=0.9),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "ranges", "kills"),
    [("gtzan", True, 20), ("gtzan", False, 5), ("maestro", True, 10), ("maestro in part", True, 10)],
)
def test_killed_at_random_moments_it_ends_as_if_undisturbed(
    what: str, ranges: bool, kills: int, tmp_path: Path
) -> None:
    download, chance = DOWNLOADS[what], random.Random(3)
    processes = multiprocessing.get_context("forkserver")
    # What every process would import first, so that they are killed at work and not while they get ready.
    processes.set_forkserver_preload(
        ["pytest", "harmonic_core.data.download.gtzan", "harmonic_core.data.download.maestro_part"]
    )
    with MisbehavingServer(dict(SITE), ranges=ranges) as server:
        for path in SITE:
            server.misbehave(path, drip=6000, pause_s=0.004)
        # The first one also waits for the server of processes.
        for place in ("warm", "undisturbed"):
            begun = time.monotonic()
            process = processes.Process(target=download, args=(tmp_path / place, server.url))
            process.start()
            process.join()
            took_s = time.monotonic() - begun
        whole = tree(tmp_path / "undisturbed")
        killed, folder = 0, tmp_path / "killed"
        while killed < kills:
            process = processes.Process(target=download, args=(folder, server.url))
            process.start()
            process.join(chance.uniform(0, 1.3 * took_s))
            if process.is_alive():
                process.kill()
                killed += 1
            process.join()
            if process.exitcode == 0:
                assert tree(folder) == whole
                shutil.rmtree(folder)
        download(folder, server.url)
        assert tree(folder) == whole
        assert not (folder / ".download").exists()


class KilledError(BaseException):
    """Stands for the end of a process: nothing may change after it."""


@dataclass
class Disk:
    """Changes of names on disk, which end with the process after so many."""

    changes_left: int = 1 << 30
    dead: bool = False

    def dying(self, real: Callable[..., object]) -> Callable[..., object]:
        """A change that counts."""

        def change(*args: object, **kwargs: object) -> object:
            self.dead = self.dead or self.changes_left == 0
            self.changes_left -= 1
            if self.dead:
                raise KilledError
            return real(*args, **kwargs)

        return change


@pytest.mark.parametrize("what", DOWNLOADS)
def test_killed_before_any_change_of_a_name_it_ends_as_if_undisturbed(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    download, disk, step = DOWNLOADS[what], Disk(), 0
    with MisbehavingServer(dict(SMALL_SITE)) as server:
        download(tmp_path / "undisturbed", server.url)
        whole = tree(tmp_path / "undisturbed")
        for name in ("rename", "replace", "unlink", "rmdir", "mkdir"):
            monkeypatch.setattr(os, name, disk.dying(getattr(os, name)))
        for step in itertools.count():
            folder = tmp_path / str(step)
            disk.changes_left = step
            with suppress(KilledError):
                download(folder, server.url)
            died, disk.dead, disk.changes_left = disk.dead, False, 1 << 30
            if died:
                download(folder, server.url)
            assert tree(folder) == whole, f"killed before change {step}"
            assert not (folder / ".download").exists()
            if not died:
                break
    assert step > 20
