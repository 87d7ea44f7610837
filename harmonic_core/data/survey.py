"""A collection of music as a whole: a verdict on every file, what it adds up to, and whether it can be trained on."""

from __future__ import annotations

import os
import shutil
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harmonic_core.audio.facts import SoundFacts
from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.inspect import Fault, fault_of_reason, faults, wrong_ending
from harmonic_core.data.names import folded
from harmonic_core.data.prepare import Outcome
from harmonic_core.data.split import split_tracks
from harmonic_core.data.tracks import Music, Track, with_tags
from harmonic_core.errors import DataError
from harmonic_core.profile.sections import Profile
from harmonic_core.run.words import files
from harmonic_core.text import plain

DURATION_EDGES_S = (0.0, 1.0, 3.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1800.0, 3600.0)
"""Lower edges of the bins of the histogram of durations, in seconds. The last has no upper one."""

Judgement = Literal["fine", "warning", "known fault", "refused"]


@dataclass(frozen=True)
class Verdict:
    """What is thought of one file.

    Attributes
    ----------
    name
        Path below its folder; may hold any character.
    faults
        What is wrong with it, those that refuse first.
    facts
        What decoding told; None if it failed.
    track
        None for what has only the name of audio.
    """

    name: str
    faults: tuple[Fault, ...]
    facts: SoundFacts | None = None
    track: Track | None = None
    content: str | None = None
    from_cache: bool = False

    @property
    def judgement(self) -> Judgement:
        """In a word. What is known to be faulty of the data set itself is no surprise, and left out."""
        if not self.usable:
            return "known fault" if any(fault.kind == "known_fault" for fault in self.faults) else "refused"
        return "warning" if self.faults else "fine"

    @property
    def usable(self) -> bool:
        """Whether it is trained on."""
        return self.facts is not None and not any(fault.refuses for fault in self.faults)


@dataclass(frozen=True)
class Segments:
    """Number of training examples on each side."""

    training: int = 0
    validation: int = 0
    aside: int = 0


@dataclass(frozen=True)
class Needs:
    """What training on the collection takes, in bytes.

    Attributes
    ----------
    cache_dir
        Where decoded sound is kept.
    cache_bytes, missing_bytes, free_bytes
        All decoded sound; what of it is not there yet; free on that disk.
    batch_bytes
        Sound, spectra and mel spectrograms of one batch.
    """

    cache_dir: Path
    cache_bytes: int
    missing_bytes: int
    free_bytes: int
    batch_bytes: int


@dataclass(frozen=True)
class Survey:
    """All verdicts, and what the usable files add up to. `problems` is empty when training can begin."""

    verdicts: list[Verdict]
    segments: Segments
    needs: Needs
    problems: list[str]
    notes: list[str] = field(default_factory=list)

    @property
    def usable(self) -> list[Verdict]:
        """Files that are trained on."""
        return [verdict for verdict in self.verdicts if verdict.usable]

    @property
    def seconds(self) -> float:
        """Length of all usable files."""
        return sum(verdict.facts.seconds for verdict in self.verdicts if verdict.usable and verdict.facts)

    def by(self, kind: Literal["genre", "source"]) -> dict[str, int]:
        """Usable files of each genre or data set, the most frequent first; "" where it is not known.

        Spellings of one genre, `Hip Hop` and `hip hop`, count together under the first.
        """
        tracks = [verdict.track for verdict in self.usable if verdict.track]
        values = [track.source if kind == "source" else track.metadata.get(kind, "") for track in tracks]
        spelled: dict[str, str] = {}
        return dict(Counter(spelled.setdefault(folded(value), value) for value in values).most_common())

    def durations(self) -> list[int]:
        """Files between every two of `DURATION_EDGES_S`."""
        bins = Counter(bisect_right(DURATION_EDGES_S, each.facts.seconds) - 1 for each in self.verdicts if each.facts)
        return [bins[index] for index in range(len(DURATION_EDGES_S))]

    def rates(self) -> dict[int, int]:
        """Files of each sample rate in Hz, the lowest first."""
        return dict(sorted(Counter(each.facts.sample_rate for each in self.verdicts if each.facts).items()))


def survey(music: Music, outcomes: Sequence[Outcome], profile: Profile, cache_dir: Path) -> Survey:
    """Judge what was found and decoded.

    Parameters
    ----------
    music
        What lies in the folders.
    outcomes
        What decoding it came to.
    profile
        What it is for: lengths, sides, sample rate, batches.
    cache_dir
        Where decoded sound will be kept.
    """
    refused = [Verdict(each.title, (fault_of_reason(each.reason),)) for each in music.refused]
    verdicts = _with_duplicates([_judge(each, profile.data.min_clip_length) for each in outcomes]) + refused
    usable = [verdict for verdict in verdicts if verdict.usable]
    needs = _needs(usable, profile, cache_dir)
    problems = [] if usable else ["nothing usable is there"]
    count = sum(verdict.judgement == "refused" for verdict in verdicts)
    if count:
        problems.append(
            f"{files(count)} {'is' if count == 1 else 'are'} refused, and would be left out: mend or remove what is "
            "named above"
        )
    shown = plain(str(cache_dir), 400)
    if not os.access(place := _nearest(cache_dir), os.W_OK | os.X_OK) or not place.is_dir():
        problems.append(f"the cache, {shown}, cannot be written; name another folder with `--cache-dir`")
    elif needs.missing_bytes > needs.free_bytes:
        lacking = (needs.missing_bytes - needs.free_bytes) / 1e6
        problems.append(f"the disk of the cache, {shown}, has {lacking:,.0f} MB too little")
    segments, notes = Segments(), list(music.notes)
    if usable:
        try:
            segments, more = _divide(usable, profile)
            notes += more
        except DataError as error:
            problems.append(str(error))
        else:
            if profile.data.validation_split and not segments.validation:
                problems.append("nothing is left to hold out for validation; add music, or set data.validation_split=0")
    return Survey(sorted(verdicts, key=lambda verdict: verdict.name), segments, needs, problems, notes)


def _judge(outcome: Outcome, min_seconds: float) -> Verdict:
    found: list[Fault] = []
    track = outcome.track
    if outcome.facts:
        found += faults(outcome.facts, min_seconds)
        ending = wrong_ending(track.title, outcome.facts) if track.source != "demo" else None
        found += [ending] if ending else []
        track = with_tags(track, outcome.facts)
    else:
        found.append(fault_of_reason(outcome.reason or "cannot be decoded"))
    if track.fault:
        found.append(Fault("known_fault", f"known fault: {track.fault}", refuses=False))
    return Verdict(track.title, tuple(found), outcome.facts, track, outcome.content, outcome.from_cache)


def _with_duplicates(verdicts: Iterable[Verdict]) -> list[Verdict]:
    verdicts = sorted(verdicts, key=lambda verdict: verdict.name)
    same: defaultdict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.content and verdict.usable:
            same[verdict.content].append(verdict)
    copies = {id(each): first for first, *others in same.values() for each in others}
    return [
        Verdict(
            each.name,
            (*each.faults, _duplicate(copies[id(each)])),
            each.facts,
            each.track,
            each.content,
            each.from_cache,
        )
        if id(each) in copies
        else each
        for each in verdicts
    ]


def _duplicate(original: Verdict) -> Fault:
    return Fault("duplicate", f"the same sound as {plain(original.name)}", refuses=False)


def _divide(usable: Sequence[Verdict], profile: Profile) -> tuple[Segments, tuple[str, ...]]:
    rate = profile.audio.sample_rate
    tracks = [
        CachedTrack(each.track, Path(), round(each.facts.seconds * rate), each.facts, each.content or "")
        for each in usable
        if each.track and each.facts
    ]
    split = split_tracks(tracks, profile.data, profile.run.seed)

    def segments(side: Iterable[CachedTrack]) -> int:
        return sum(max(1, each.samples // profile.segment_samples) for each in side)

    return Segments(segments(split.training), segments(split.validation), segments(split.aside)), split.notes


def _nearest(folder: Path) -> Path:
    """The folder, or what there is of the way to it."""
    way = (folder.absolute(), *folder.absolute().parents)
    return next(path for path in way if os.path.lexists(path))


def _needs(usable: Sequence[Verdict], profile: Profile, cache_dir: Path) -> Needs:
    def size(verdicts: Iterable[Verdict]) -> int:
        seconds = sum(each.facts.seconds for each in verdicts if each.facts)
        return round(seconds * profile.audio.sample_rate) * 2

    # 16-bit and float samples, a complex and a real spectrum, a mel spectrogram.
    bins = profile.audio.n_fft // 2 + 1
    segment = 6 * profile.segment_samples + 12 * bins * profile.segment_frames + 4 * profile.input_dim
    return Needs(
        cache_dir,
        size(usable),
        size(each for each in usable if not each.from_cache),
        shutil.disk_usage(_nearest(cache_dir)).free,
        profile.train.batch_size * segment,
    )
