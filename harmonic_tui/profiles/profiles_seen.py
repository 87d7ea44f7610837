"""All profiles as they look from here: read again where a file changed, their music looked at now and then."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harmonic_core.errors import HarmonicError
from harmonic_tui.profiles.drafts import read_drafts
from harmonic_tui.profiles.readiness import Readiness, look, missing

if TYPE_CHECKING:
    from harmonic_core.profile.search import Listing
    from harmonic_core.profile.sections import Profile

THOROUGH_LOOK_EVERY_S = 30.0
"""Files are counted and looked up in the cache as often as this; whether folders are there, at every look."""


@dataclass(frozen=True)
class ProfileSeen:
    """A profile in the list."""

    listing: Listing
    profile: Profile | None
    """None where it cannot be used."""
    readiness: Readiness | None
    changes: int = 0
    """Settings that were changed and neither saved nor started."""

    @property
    def argument(self) -> str:
        """How the profile is named on a command line."""
        return self.listing.name if self.listing.origin != "project" else str(self.listing.path)

    def matches(self, words: Sequence[str]) -> bool:
        """Whether all `words`, in lower case, are in its name, its data set or what it is for."""
        told = f"{self.listing.name} {self.listing.dataset} {self.listing.description}".lower()
        return all(word in told for word in words)


class ProfilesSeen:
    """Looks at all profiles that can be named. To be used from one thread at a time."""

    def __init__(self) -> None:
        self._stamp: object = None
        self._read: list[tuple[Listing, Profile | None]] = []
        self._looked: dict[Path, tuple[float, bool, Readiness]] = {}

    def look(self) -> list[ProfileSeen]:
        """Every profile, the demo first."""
        stamp = _stamp()
        if stamp != self._stamp:
            self._stamp, self._read = stamp, _read()
            self._looked.clear()
        kept = read_drafts()
        return [
            ProfileSeen(
                listing,
                profile,
                self._readiness(listing.path, profile) if profile else None,
                len(kept.get(str(listing.path.absolute()), ())),
            )
            for listing, profile in self._read
        ]

    def _readiness(self, path: Path, profile: Profile) -> Readiness:
        now, lacking = time.monotonic(), missing(profile.data) is not None
        known = self._looked.get(path)
        # What is missing may come at any time, and is quickly looked for.
        stale = known is None or known[1] != lacking or known[2].state == "missing"
        if known is None or stale or now - known[0] > THOROUGH_LOOK_EVERY_S:
            known = self._looked[path] = now, lacking, look(profile)
        return known[2]


def _read() -> list[tuple[Listing, Profile | None]]:
    from harmonic_core.profile.resolve import load
    from harmonic_core.profile.search import available

    read: list[tuple[Listing, Profile | None]] = []
    try:
        listings = sorted(available(), key=lambda each: each.name != "demo")
    except (HarmonicError, OSError):
        return []
    for listing in listings:
        try:
            read.append((listing, load(listing.path)))
        except HarmonicError:
            read.append((listing, None))
    return read


def _stamp() -> object:
    from harmonic_core.profile.search import folders

    found = []
    for folder in folders().values():
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            if entry.name.endswith(".toml"):
                try:
                    stat = entry.stat()
                except OSError:
                    continue
                found.append((entry.path, stat.st_mtime_ns, stat.st_size))
    return sorted(found)
