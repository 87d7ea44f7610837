"""What a run trains on: tracks found, decoded, divided and cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from harmonic_core.data.augment import stretch
from harmonic_core.data.cache import decode_tracks, default_cache_dir
from harmonic_core.data.segments import TrainingSegments, ValidationSegments
from harmonic_core.data.sources import find_tracks
from harmonic_core.data.sources.custom import no_valid_audio
from harmonic_core.data.split import split_tracks
from harmonic_core.data.tracks import RefusedTrack
from harmonic_core.errors import DataError
from harmonic_core.profile.music import custom_folder
from harmonic_core.profile.sections import Profile
from harmonic_core.training.journal import Journal


@dataclass(frozen=True)
class Material:
    """Segments to train and to validate on."""

    training: TrainingSegments
    validation: ValidationSegments
    summary: str
    """One line: tracks, minutes, genres, and how they were divided."""


def prepare_material(profile: Profile, journal: Journal, stopped: Callable[[], bool]) -> Material | None:
    """Find, decode and divide the music; None if it was stopped on the way.

    What is refused is recorded and named; it never disappears silently.

    Raises
    ------
    DataError
        If nothing usable is there.
    DiskError
        If the cache cannot be written.
    """
    journal.phase(f"looking for music: {profile.data.dataset}")
    tracks, refused = find_tracks(profile.data, profile.run.seed)

    def progress(done: int, total: int, label: str) -> None:
        journal.show_progress(done, total, f"decoding {done} of {total}")
        journal.note(phase=f"decoding {done} of {total}: {label}")

    journal.phase(
        f"decoding {len(tracks)} tracks to {profile.audio.sample_rate} Hz mono; what is cached is taken from there"
    )
    cached, undecodable = decode_tracks(
        tracks,
        profile.audio.sample_rate,
        profile.data.min_clip_length,
        profile.data.cache_dir or default_cache_dir(),
        progress,
        stopped,
    )
    journal.end_progress()
    refused += undecodable
    _report_refused(refused, journal)
    if stopped():
        return None
    if not cached:
        raise DataError(no_valid_audio(custom_folder(profile.data), refused))
    held_out = profile.data.validation_split
    training, validation = split_tracks(cached, held_out, profile.run.seed)
    if held_out and not validation:
        journal.event("warning", "one track only: nothing is held out, and there will be no validation figures")
        journal.log("warning: one track only: nothing is held out, and there will be no validation figures")
    minutes = [sum(track.samples for track in side) / profile.audio.sample_rate / 60 for side in (training, validation)]
    genres = Counter(track.track.metadata.get("genre", "") for track in cached)
    return Material(
        TrainingSegments(
            training,
            profile.segment_samples,
            profile.run.seed,
            stretch(profile.augment.augment_strength) if profile.augment.augment else 1.0,
        ),
        ValidationSegments(validation, profile.segment_samples, profile.evaluation.max_validation_segments),
        f"{len(training)} tracks ({minutes[0]:.1f} min) to train on, {len(validation)} ({minutes[1]:.1f} min) held out"
        + (f", {len(genres)} genres" if len(genres) > 1 else ""),
    )


def _report_refused(refused: list[RefusedTrack], journal: Journal) -> None:
    for track in refused:
        journal.event("refused", str(track), title=track.title)
        journal.log(f"refused: {track}")
