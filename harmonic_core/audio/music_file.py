"""Music files as people use them: written at an even loudness with tags, and read whatever they are."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr

from harmonic_core.audio.decode import Samples
from harmonic_core.audio.mastering import SHORTEST_S, Mastered, integrated_loudness, master, true_peak_db
from harmonic_core.audio.ogg import with_serial
from harmonic_core.audio.tags import TAGS, add_id3_chunk, id3_block
from harmonic_core.errors import DataError, DiskError, ProfileError
from harmonic_core.run.atomic import lacks_room, write_atomically
from harmonic_core.text import plain

FORMATS = ("wav", "flac", "ogg", "mp3")
"""Formats that can be written, as file names end."""

LOUDNESS_LUFS = -16.0
"""What music is brought to: usual where it is streamed."""
CEILING_DBTP = -1.2
"""Highest true peak in what a player decodes: −1 dBTP by meters with other filters, too."""

_MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_LOSSY = {"ogg", "mp3"}
_ENCODINGS = 5
_OVERSHOOT_DB = 0.6
"""What a coder adds to peaks of most music."""
_OVER_DB = 0.1
_NEAR_ENOUGH_LU = 0.1
_LONGEST_TAG = 8_000
_SERIAL = 1
_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Written:
    """A music file that was written, and what can be said of it.

    Attributes
    ----------
    path
        Where it is.
    duration_s
        Seconds.
    sample_rate
        In Hz: the sound's, but for an MP3 the next one that there is.
    loudness_lufs
        Integrated loudness (ITU-R BS.1770-4) of what a player decodes from the file; None if it is too short to have
        one, or silent.
    true_peak_dbtp
        Highest peak of that, between samples too; None for digital silence.
    gain_db
        What was added to the sound.
    limited
        Whether peaks were turned down.
    note
        Why it is not as loud as was wanted, in a few words; empty if it is.
    """

    path: Path
    duration_s: float
    sample_rate: int
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    gain_db: float
    limited: bool
    note: str = ""


def format_of(path: Path) -> str:
    """Format that a file name asks for, one of `FORMATS`. Raises ProfileError if it is none of them."""
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        ending = f"ends in .{plain(suffix, 20)}" if suffix else "has no ending"
        raise ProfileError(f"{plain(str(path))}: {ending}; music is written as .wav, .flac, .ogg or .mp3")
    return suffix


def write_music(
    path: Path,
    sound: Samples,
    sample_rate: int,
    *,
    tags: Mapping[str, str],
    loudness_lufs: float | None = LOUDNESS_LUFS,
) -> Written:
    """Write music in the format that its name ends in, as loud as music usually is, never clipped.

    The same sound and tags give the same bytes. WAV and FLAC have 16 bits without dither: the noise of that lies well
    below the 80 dB that a mel spectrogram spans, and silence stays silence. OGG Vorbis and MP3 have a variable bitrate
    of high quality; they overshoot, so what comes out of them again is measured, and made again until it fits.

    Parameters
    ----------
    path
        Ends in one of `FORMATS`. Its folder is made; the file appears whole or not at all, in place of an older one.
    sound : (samples,)
        Full scale is 1, and may be exceeded.
    sample_rate
        In Hz, 4000 to 96000.
    tags
        Text for any of title, artist, album, genre, software and comment. Control characters are written as escapes.
    loudness_lufs
        Integrated loudness to bring it to. None: it stays as it is but for peaks over −1 dBTP.

    Returns
    -------
    written

    Raises
    ------
    ProfileError
        If the name ends in something else.
    DataError
        If there is no sound, or one that is not finite.
    DiskError
        If it cannot be written there.
    ValueError
        If there is no such tag.
    """
    kind = format_of(path)
    if unknown := set(tags) - set(TAGS):
        raise ValueError(f"{sorted(unknown)} are no tags; there are {TAGS}")
    shown = {name: plain(text, _LONGEST_TAG) for name, text in tags.items() if text}
    sound = np.ascontiguousarray(sound, np.float32)
    if not len(sound):
        raise DataError(f"{plain(str(path))}: there is no sound to write, not a single sample")
    if not np.isfinite(sound).all():
        raise DataError(f"{plain(str(path))}: the sound holds samples that are not finite numbers; not written")
    rate = sample_rate if kind != "mp3" else next((rate for rate in _MP3_RATES if rate >= sample_rate), _MP3_RATES[-1])
    if rate != sample_rate:
        sound = soxr.resample(sound, sample_rate, rate, quality="VHQ")
    made, content, heard = _encoded(sound, rate, kind, shown, loudness_lufs)
    _put(path, content)
    loudness, peak = integrated_loudness(heard, rate), true_peak_db(heard, rate)
    return Written(
        path=path,
        duration_s=len(sound) / rate,
        sample_rate=rate,
        loudness_lufs=loudness,
        true_peak_dbtp=peak if math.isfinite(peak) else None,
        gain_db=made.gain_db,
        limited=made.reduction_db > 0.0,
        note=_note(len(sound) / rate, loudness, loudness_lufs),
    )


def _note(seconds: float, loudness: float | None, wanted: float | None) -> str:
    if wanted is None:
        return ""
    if loudness is None:
        why = "too short to have a loudness" if seconds < SHORTEST_S else "silent"
        return f"{why}: its level stays as it was"
    if abs(loudness - wanted) < 0.5:
        return ""
    return f"{loudness:.1f} LUFS are reached of {wanted:g}: more would flatten its peaks"


def _encoded(
    sound: Samples, rate: int, kind: str, tags: Mapping[str, str], loudness_lufs: float | None
) -> tuple[Mastered, bytes, Samples]:
    """The sound as mastered, as a file, and as it is decoded from that: within ceiling and loudness there too."""
    ceiling, lost = CEILING_DBTP - (_OVERSHOOT_DB if kind in _LOSSY else 0.0), 0.0
    for left in reversed(range(_ENCODINGS)):
        made = master(sound, rate, None if loudness_lufs is None else loudness_lufs + lost, ceiling)
        content = _encode(made.sound, rate, kind, tags)
        if kind not in _LOSSY:
            return made, content, made.sound
        heard = _decoded(content)
        over = true_peak_db(heard, rate) - CEILING_DBTP
        loudness = integrated_loudness(heard, rate)
        losing = 0.0 if loudness is None or made.loudness_lufs is None else made.loudness_lufs - loudness
        if not left or (over <= _OVER_DB and (loudness_lufs is None or abs(losing - lost) < _NEAR_ENOUGH_LU)):
            break
        lost = losing
        if over > _OVER_DB:
            # A coder is no smooth function: a little more is given than it took.
            ceiling -= 1.2 * over + 0.02
    return made, content, heard


def _encode(sound: Samples, rate: int, kind: str, tags: Mapping[str, str]) -> bytes:
    file = io.BytesIO()
    with _opened(file, rate, kind) as written:
        if kind != "mp3":
            # The comment last: libsndfile itself reads no further in a WAV file than to a very long one.
            for name in sorted(tags, key=TAGS.index):
                setattr(written, name, tags[name])
        # In parts, for libsndfile codes a part of a Vorbis stream on the stack.
        for start in range(0, len(sound), _AT_ONCE):
            written.write(sound[start : start + _AT_ONCE])
    match kind:
        case "mp3":
            return id3_block(tags) + file.getvalue()
        case "wav":
            add_id3_chunk(file, tags)
        case "ogg":
            return with_serial(file.getvalue(), _SERIAL)
    return file.getvalue()


def _opened(file: io.BytesIO, rate: int, kind: str) -> soundfile.SoundFile:
    match kind:
        case "ogg":
            return soundfile.SoundFile(file, "w", rate, 1, "VORBIS", format="OGG", compression_level=0.3)
        case "mp3":
            quality = {"compression_level": 0.2, "bitrate_mode": "VARIABLE"}
            return soundfile.SoundFile(file, "w", rate, 1, "MPEG_LAYER_III", format="MP3", **quality)
        case _:
            return soundfile.SoundFile(file, "w", rate, 1, "PCM_16", format=kind.upper())


def _decoded(content: bytes) -> Samples:
    sound: Samples = soundfile.read(io.BytesIO(content), dtype="float32")[0]
    return sound


def _put(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError as error:
        reason = (
            "its folder is a file" if isinstance(error, FileExistsError) else (error.strerror or str(error)).lower()
        )
        way_out = "free some room" if lacks_room(error) else "choose another folder"
        raise DiskError(f"{plain(str(path))}: cannot be written: {reason}; {way_out}") from error


def read_tags(path: Path) -> dict[str, str]:
    """Tags of a music file, by the names in `TAGS`; empty where it has none.

    Raises
    ------
    DataError
        If it is gone, or no music.
    """
    options = {"protocol_whitelist": "file", "format_whitelist": "wav,flac,ogg,mp3"}
    try:
        with av.open(f"file:{path}", metadata_errors="replace", options=options) as file:
            streams = [stream.metadata for stream in file.streams.audio]
            found = {name.lower(): text for tags in (*streams, file.metadata) for name, text in tags.items()}
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{plain(str(path))}: its tags cannot be read: {plain(reason.lower())}") from None
    found.setdefault("software", found.get("encoder", ""))
    return {name: found[name] for name in TAGS if found.get(name)}
