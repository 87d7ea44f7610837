"""What a run trains on: tracks found, decoded, judged, divided and cut."""

from __future__ import annotations

import hashlib
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harmonic_core.data.augment import stretch
from harmonic_core.data.cache import Cache, CachedTrack, default_cache_dir
from harmonic_core.data.inspect import Kind, faults
from harmonic_core.data.prepare import Outcome, prepare
from harmonic_core.data.segments import TrainingSegments, ValidationSegments
from harmonic_core.data.sources import find_tracks
from harmonic_core.data.sources.custom import no_valid_audio
from harmonic_core.data.split import split_tracks
from harmonic_core.data.tracks import RefusedTrack, Source, Track, with_tags
from harmonic_core.errors import DataError, DiskError
from harmonic_core.profile.music import music_folders
from harmonic_core.profile.sections import Data, Profile
from harmonic_core.run.atomic import free_bytes
from harmonic_core.run.music import Music
from harmonic_core.run.status import Preparation
from harmonic_core.run.words import duration, files, size
from harmonic_core.text import plain
from harmonic_core.training.inventory import take_stock
from harmonic_core.training.journal import Journal

_NAMED = 3
_BYTES_A_SAMPLE = 2
_LOOK_EVERY_S = 0.2
_TRY_AGAIN_S = 5.0
_WORTH_TRYING = 2**20
"""Bytes of room that appeared, and with which decoding is tried again at once."""


@dataclass(frozen=True)
class Material:
    """Segments to train and to validate on."""

    training: TrainingSegments
    validation: ValidationSegments
    summary: str
    """One line: tracks, minutes, genres, and how they were divided."""
    music: Music
    """What it adds up to."""

    @property
    def fingerprint(self) -> str:
        """What tells this music, divided like this, from any other."""
        digest = hashlib.sha256()
        for track in self.training.tracks:
            digest.update(f"{track.content} {track.samples}\n".encode())
        digest.update(b"held out\n")
        for track, start in self.validation.places:
            digest.update(f"{track.content} {start}\n".encode())
        return digest.hexdigest()


def prepare_material(profile: Profile, journal: Journal, stopped: Callable[[], bool]) -> Material | None:
    """Find, decode, judge and divide the music; None if it was stopped on the way.

    What is refused is recorded and named at once, with the reason; it never disappears silently, and nothing takes its
    place.

    Raises
    ------
    DataError
        If nothing usable is there.
    DiskError
        If the cache cannot be written, for another reason than want of room: for that it waits.
    """
    data, rate = profile.data, profile.audio.sample_rate
    folders = [plain(str(folder)) for _, folder in music_folders(data)]
    journal.phase(f"looking for music: {', '.join(folders) or data.dataset}")
    music = find_tracks(data, profile.run.seed)
    judge = _Judge(journal, data.min_clip_length)
    for note in music.notes:
        journal.warn(note)
    if music.other:
        others = ", ".join(f"{count} × {plain(ending, 20)}" for ending, count in Counter(music.other).most_common(5))
        journal.log(f"not looked at, because their names are not those of audio: {others}")
    for each in music.refused:
        judge.refuse(each)

    journal.phase(f"decoding {len(music.tracks)} tracks to {rate} Hz mono; what is cached is taken from there")
    cache = Cache(data.cache_dir or default_cache_dir())
    outcomes = _Decoding(music.tracks, rate, cache, journal, judge, stopped).run()
    journal.end_progress()
    if judge.refused:
        journal.log(f"{files(len(judge.refused))} refused")
    judge.warn()
    if stopped():
        return None
    tracks = [
        CachedTrack(
            with_tags(each.track, each.facts), each.cached.path, each.cached.samples, each.facts, each.cached.content
        )
        for each in outcomes
        if each.cached and each.facts and each.track.title not in judge.refused
    ]
    if not tracks:
        # In the order of the folder: that in which decoding ends is another one every time.
        refused = sorted(judge.refused.values(), key=lambda each: each.title)
        raise DataError(no_valid_audio(", ".join(folders) or data.dataset, refused))
    return _divide(profile, tracks, journal)


class _Decoding:
    """Decodes what is not in the cache, and waits where there is no room for it."""

    def __init__(
        self,
        tracks: Sequence[Track],
        rate: int,
        cache: Cache,
        journal: Journal,
        judge: _Judge,
        stopped: Callable[[], bool],
    ) -> None:
        self._tracks, self._rate, self._cache, self._stopped = tracks, rate, cache, stopped
        self._journal, self._judge = journal, judge
        self._told = Preparation(done=0, total=len(tracks))
        self._heard: set[str] = set()

    def run(self) -> list[Outcome]:
        """Outcomes of all tracks, or of some of them where it was stopped."""
        began = None
        while True:
            try:
                outcomes = prepare(
                    self._tracks, self._rate, self._cache, self._progress, self._stopped, report=self._hear
                )
            except DiskError as error:
                if not error.lacks_room:
                    raise
            else:
                break
            if began is None:
                began = time.monotonic()
                self._pause()
            self._wait()
        if began is not None:
            self._journal.update(state="preparing", why="", message="")
            self._journal.event("disk", f"there is room again; going on after {duration(time.monotonic() - began)}")
        return outcomes

    def _progress(self, told: Preparation) -> None:
        self._told = told
        self._journal.preparing(told.model_copy(update={"refused": len(self._judge.refused)}))

    def _hear(self, outcome: Outcome) -> None:
        # What was decoded before it had to wait comes again, from the cache.
        if outcome.track.title not in self._heard:
            self._heard.add(outcome.track.title)
            self._judge.hear(outcome)

    def _pause(self) -> None:
        told, folder = self._told, self._cache.folder
        free = size(free_bytes(folder))
        guess = ""
        if told.done:
            each = told.audio_s / told.done * self._rate * _BYTES_A_SAMPLE
            guess = f"about {size(round(each * (told.total - told.done)))} "
        message = (
            f"disk full: {guess}needed in {plain(str(folder), 400)} for decoded music, {free} free; "
            "goes on by itself when there is room"
        )
        self._journal.update(state="paused", why="disk full", message=message)
        self._journal.event("disk", message)
        self._journal.log(f"paused: {message}")

    def _wait(self) -> None:
        began, before = time.monotonic(), free_bytes(self._cache.folder)
        # A quota or a limit of files does not show in the free space: then only trying tells.
        while not self._stopped() and time.monotonic() - began < _TRY_AGAIN_S:
            if free_bytes(self._cache.folder) > before + _WORTH_TRYING:
                return
            time.sleep(_LOOK_EVERY_S)


def _divide(profile: Profile, tracks: list[CachedTrack], journal: Journal) -> Material:
    data, seed = profile.data, profile.run.seed
    split = split_tracks(tracks, data, seed)
    for note in split.notes:
        journal.warn(note)
    if data.validation_split and not split.validation:
        journal.warn("one track only: nothing is held out, and there will be no validation figures")
    sides = (split.training, split.validation)
    minutes = [sum(track.samples for track in side) / profile.audio.sample_rate / 60 for side in sides]
    genres = Counter(track.track.metadata.get("genre", "") for track in tracks)
    training = TrainingSegments(
        split.training,
        profile.segment_samples,
        seed,
        stretch(profile.augment.augment_strength) if profile.augment.augment else 1.0,
        _weights(data),
    )
    validation = ValidationSegments(
        split.validation, profile.segment_samples, profile.evaluation.max_validation_segments
    )
    return Material(
        training,
        validation,
        f"{len(split.training)} tracks ({minutes[0]:.1f} min) to train on, "
        f"{len(split.validation)} ({minutes[1]:.1f} min) held out"
        + (f", {len(split.aside)} kept aside" if split.aside else "")
        + (f", {len(genres)} genres" if len(genres) > 1 else ""),
        take_stock(split, profile, epoch=len(training), validated=len(validation)),
    )


def _weights(data: Data) -> Mapping[Source, float] | None:
    if data.dataset != "combined":
        return None
    return {"gtzan": data.gtzan_weight, "maestro": data.maestro_weight, "custom": data.custom_weight}


class _Judge:
    """Says of every sound, as soon as it is decoded, whether it can be trained on."""

    def __init__(self, journal: Journal, min_seconds: float) -> None:
        self.refused: dict[str, RefusedTrack] = {}
        self._journal = journal
        self._min_seconds = min_seconds
        self._flaws: defaultdict[Kind, list[str]] = defaultdict(list)

    def hear(self, outcome: Outcome) -> None:
        """Take what became of a track."""
        title = outcome.track.title
        if outcome.reason is not None:
            self.refuse(RefusedTrack(title, outcome.reason))
            return
        found = faults(outcome.facts, self._min_seconds) if outcome.facts else []
        for fault in found:
            if fault.refuses:
                self.refuse(RefusedTrack(title, fault.message))
                return
        for fault in found:
            self._flaws[fault.kind].append(outcome.track.label)

    def refuse(self, track: RefusedTrack) -> None:
        """Leave a track out, and say so."""
        self.refused[track.title] = track
        self._journal.event("refused", str(track), title=track.title)
        self._journal.log(f"refused: {track}")

    def warn(self) -> None:
        """Name what is not quite right and used all the same, a line for each kind of flaw."""
        for kind, labels in self._flaws.items():
            shown = ", ".join(labels[:_NAMED]) + (f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else "")
            self._journal.warn(f"{kind.replace('_', ' ')}: {shown}; `harmonic data validate` says more")
