"""A disk that fills up whenever a test wants it to."""

from __future__ import annotations

import os
import resource
import subprocess
from pathlib import Path

SIZE = 16 * 2**20


class SmallDisk:
    """A file system of its own in memory; where mounting is not allowed, a limit on the size of files instead.

    Both make writing fail for want of room, the one with ENOSPC and the other with EFBIG.
    """

    def __init__(self, path: Path) -> None:
        path.mkdir()
        self.path = path
        self.is_mounted = is_mounted(["-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs"], path)
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self, leave: int) -> None:
        """Take all room but `leave` bytes."""
        if not self.is_mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (max(leave, 4096), self._limits[1]))
            return
        stat = os.statvfs(self.path)
        with self._ballast.open("ab") as ballast:
            ballast.write(bytes(max(0, stat.f_bavail * stat.f_frsize - leave)))

    def free(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)

    def remove(self) -> None:
        """Take the disk away, whoever still uses it."""
        self.free()
        if self.is_mounted:
            subprocess.run(["umount", "--lazy", str(self.path)], check=True)

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"


def is_mounted(what: list[str], path: Path) -> bool:
    """Mount something at `path`, with the arguments of mount(8); False where that is not allowed."""
    return subprocess.run(["mount", *what, str(path)], capture_output=True, check=False).returncode == 0
