"""Making music ready: what is in the cache is taken from there, the rest is decoded by worker processes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harmonic_core.audio.facts import SoundFacts
from harmonic_core.data.cache import Cache, CachedTrack, Entry
from harmonic_core.data.tracks import AudioFile, Track
from harmonic_core.run.status import Preparation

if TYPE_CHECKING:
    from harmonic_core.data.workers import Crew

PATIENCE_S = 60.0
"""Seconds without a decoded block after which a decoder is taken to hang."""

MOST_WORKERS = 5
"""A worker takes up to 85 MB, and all together with their parent are to stay below 600 MB."""

_TELL_EVERY_S = 0.1
_TYPICAL_BYTES = 1_000_000


@dataclass(frozen=True)
class Outcome:
    """What became of a track. Either `facts` or `reason` is None.

    Attributes
    ----------
    track
        As it was given.
    cached
        Where its samples lie; None where nothing was to be written, or where there are none.
    facts
        What decoding told.
    content
        SHA-256 of its samples.
    reason
        Why it cannot be decoded, in the decoder's words.
    from_cache
        Whether it was decoded before.
    """

    track: Track
    cached: CachedTrack | None
    facts: SoundFacts | None
    content: str | None
    reason: str | None
    from_cache: bool


def prepare(
    tracks: Sequence[Track],
    sample_rate: int,
    cache: Cache,
    progress: Callable[[Preparation], None],
    stopped: Callable[[], bool] = lambda: False,
    *,
    report: Callable[[Outcome], None] = lambda _: None,
    write: bool = True,
    workers: int | None = None,
    patience_s: float = PATIENCE_S,
) -> list[Outcome]:
    """Decode what is not decoded yet.

    Several processes may do so at once with the same cache: they share the work. Killed at any moment, the next call
    goes on where this one was.

    Parameters
    ----------
    tracks
        What to decode.
    sample_rate
        In Hz.
    cache
        Where decoded audio is kept.
    progress
        Called in this thread, at most ten times a second and once at the end.
    stopped
        Asked ten times a second; once true, the rest is left.
    report
        Told what became of each track as soon as it is known, in any order; called in this thread.
    write
        Keep what is decoded; else it is only looked at.
    workers
        Processes that decode. Default: one a core, five at most.
    patience_s
        Seconds without a decoded block after which a decoder is killed.

    Returns
    -------
    outcomes
        In the order of `tracks`; those that were left are missing.

    Raises
    ------
    DiskError
        If the cache cannot be written.
    """
    work = _Preparing(tracks, sample_rate, cache, progress, report, write=write)
    if write:
        cache.hold()
    missing = work.take_from_cache(stopped)
    if missing and not stopped():
        from harmonic_core.data.workers import Crew, available_cores

        if write:
            cache.sweep()
        size = min(workers or min(available_cores(), MOST_WORKERS), len(missing))
        try:
            with Crew(size, patience_s) as crew:
                work.decode(missing, crew, stopped)
        finally:
            if write:
                cache.sweep()
    work.tell(last=True)
    return [outcome for outcome in work.outcomes if outcome]


class _Preparing:
    def __init__(
        self,
        tracks: Sequence[Track],
        sample_rate: int,
        cache: Cache,
        progress: Callable[[Preparation], None],
        report: Callable[[Outcome], None],
        *,
        write: bool,
    ) -> None:
        self.outcomes: list[Outcome | None] = [None] * len(tracks)
        self._tracks = tracks
        self._sample_rate = sample_rate
        self._cache = cache
        self._progress = progress
        self._report = report
        self._write = write
        self._told = 0.0
        self._state = Preparation(done=0, total=len(tracks))
        self._sizes: dict[int, int] = {}
        self._began = 0.0

    def take_from_cache(self, stopped: Callable[[], bool]) -> dict[int, int]:
        """Settle all that is known. Returns the numbers of the other tracks, and the sizes of their files."""
        for number, track in enumerate(self._tracks):
            if number % 256 == 0 and stopped():
                break
            try:
                entry = self._known(track)
            except OSError as error:
                self._settle(number, Entry("", reason=error.strerror or str(error)), from_cache=False)
                continue
            if entry:
                self._settle(number, entry, from_cache=True)
            else:
                self._sizes[number] = _size(track)
        return self._sizes

    def decode(self, missing: dict[int, int], crew: Crew, stopped: Callable[[], bool]) -> None:
        """Have the workers decode what is missing, the largest files first: no worker is left alone with one."""
        from harmonic_core.data.jobs import Busy, Job

        queue = deque(sorted(missing, key=lambda number: -missing[number]))
        shared: set[int] = set()
        self._began = time.monotonic()
        while (queue or crew.working) and not stopped():
            while queue and crew.has_room:
                number = queue.popleft()
                track = self._tracks[number]
                job = Job(track.sound, self._sample_rate, self._cache.folder, self._write, wait=number in shared)
                crew.give(number, job, missing[number])
                self.tell(track.label)
            for number, answer in crew.hear(_TELL_EVERY_S):
                if isinstance(answer, Busy):
                    # Another process is at it: everything else comes first, then its result is waited for.
                    shared.add(number)
                    queue.append(number)
                else:
                    self._settle(number, answer.entry, from_cache=answer.from_cache)
            self.tell()

    def tell(self, label: str | None = None, *, last: bool = False) -> None:
        """Say how far it is, unless that was just done."""
        if label is not None:
            self._state = self._state.model_copy(update={"label": label})
        now = time.monotonic()
        if last or now - self._told >= _TELL_EVERY_S:
            self._told = now
            self._progress(self._state.model_copy(update={"eta_s": self._seconds_left(now)}))

    def _known(self, track: Track) -> Entry | None:
        source = self._cache.known_source(track.sound, track.sound.identity())
        return self._cache.entry(source, self._sample_rate) if source else None

    def _settle(self, number: int, entry: Entry, *, from_cache: bool) -> None:
        track = self._tracks[number]
        cached = None
        if entry.facts is not None and self._write:
            path = self._cache.samples_path(entry.source, self._sample_rate)
            cached = CachedTrack(track, path, entry.samples, entry.facts, entry.sha256)
        outcome = Outcome(track, cached, entry.facts, entry.sha256 or None, entry.reason, from_cache=from_cache)
        self.outcomes[number] = outcome
        self._report(outcome)
        self._state = Preparation(
            done=self._state.done + 1,
            total=self._state.total,
            refused=self._state.refused + (entry.reason is not None),
            from_cache=self._state.from_cache + from_cache,
            audio_s=self._state.audio_s + entry.samples / self._sample_rate,
            label=track.label,
        )
        self.tell()

    def _seconds_left(self, now: float) -> float | None:
        done = sum(size for number, size in self._sizes.items() if self.outcomes[number])
        if not done:
            return None
        return (now - self._began) * (sum(self._sizes.values()) - done) / done


def _size(track: Track) -> int:
    if isinstance(track.sound, AudioFile):
        with suppress(OSError):
            return track.sound.path.stat().st_size
    return _TYPICAL_BYTES
