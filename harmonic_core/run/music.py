"""What a run trains on: `music.json`, written when the music is ready, replaced when the run is started again."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

from harmonic_core.run.atomic import write_atomically
from harmonic_core.run.directory import RunDirectory


class _Record(BaseModel):
    # Readers meet files of newer versions: what they do not know they ignore.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Amount(_Record):
    """How much music."""

    tracks: int = 0
    seconds: float = 0.0
    segments: int = 0
    """Whole segments, one at least of every track."""

    def __add__(self, other: Amount) -> Amount:
        """Both together."""
        return Amount(
            tracks=self.tracks + other.tracks,
            seconds=self.seconds + other.seconds,
            segments=self.segments + other.segments,
        )


class Division(_Record):
    """Music by the side of the split that it is on."""

    training: Amount = Amount()
    validation: Amount = Amount()
    aside: Amount = Amount()
    """An official test part, which is neither trained nor validated on."""

    @property
    def whole(self) -> Amount:
        """All sides together."""
        return self.training + self.validation + self.aside


class Group(Division):
    """Music of one genre, or of one data set."""

    name: str
    """Empty where it is not known; as outsiders wrote it, but one line without control characters."""


class Bin(_Record):
    """Tracks from one length to the next."""

    from_s: float
    tracks: int


class Music(_Record):
    """The music of a run: how much, of what, and how it is divided."""

    version: int = 1
    written_at: float
    """Seconds since 1970 (UTC)."""
    sample_rate: int
    """In Hz, of what is trained on."""
    segment_s: float
    """Length of a training example in seconds."""
    division: Division
    validated: int
    """Segments that each validation looks at; fewer than are held out where there are very many."""
    epoch: int
    """Segments in an epoch."""
    genres: tuple[Group, ...] = ()
    """The one with the most music first."""
    sources: tuple[Group, ...] = ()
    """Data sets, the one with the most music first."""
    durations: tuple[Bin, ...] = ()
    """Tracks by length, the shortest first; the last bin has no upper end."""
    notes: tuple[str, ...] = ()
    """What a person should know of the division, a sentence each."""


def write_music(run: RunDirectory, music: Music) -> None:
    """Replace a run's `music.json`. Raises OSError."""
    write_atomically(run.music, music.model_dump_json(indent=1) + "\n", durable=False)


def read_music(run: RunDirectory) -> Music | None:
    """The music of a run; None where it is not ready yet, cannot be read, or an older version prepared it."""
    try:
        return Music.model_validate_json(run.music.read_bytes())
    except (OSError, ValidationError):
        return None
