"""What decoding a file tells about it besides its samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from pydantic import TypeAdapter


@dataclass(frozen=True, kw_only=True)
class SoundFacts:
    """What was seen while a sound was decoded, of the source as it is, before resampling.

    Kept as JSON beside the decoded samples, and read back by later versions: what they do not know they ignore.
    """

    container: str
    """Format by content, whatever the name says: "wav", "ogg", "mp3", "flac", "mp4", "aac", "au", …"""

    codec: str
    """How the samples are coded: "vorbis", "pcm_s16le", …"""

    decoder: Literal["ffmpeg", "none"]
    """What read it; "none" for sound that was made."""

    sample_rate: int
    """Hz, of the source."""

    channels: int
    """Of the source."""

    seconds: float
    """Length that was decoded."""

    declared_seconds: float | None = None
    """Length that the header promises; None where it promises none, or none that is exact."""

    missing_seconds: float = 0.0
    """Holes in the middle, where time stamps jump."""

    ended: bool = True
    """False where the stream stops without its proper end."""

    peak: float = 0.0
    """Largest magnitude in any channel; full scale is 1."""

    clipped: int = 0
    """Samples at or above full scale, in all channels together."""

    mono_peak: float = 0.0
    """Largest magnitude once the channels are averaged."""

    rms: float = 0.0
    """Root mean square of the average of the channels."""

    dc_offset: float = 0.0
    """Mean of the average of the channels."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """Title, artist, album and genre where they are known. Raw text from outside, 200 characters each at most."""

    def record(self) -> dict[str, Any]:
        """Everything as JSON takes it."""
        return asdict(self)

    @classmethod
    def read(cls, record: object) -> Self:
        """Facts of a record that may come from another version. Raises ValueError if it is none."""
        facts = _reader().validate_python(record)
        assert isinstance(facts, cls)
        return facts


@cache
def _reader() -> TypeAdapter[SoundFacts]:
    # Imported here: the processes that decode never read a record, and start sooner without.
    from pydantic import TypeAdapter

    return TypeAdapter(SoundFacts)
