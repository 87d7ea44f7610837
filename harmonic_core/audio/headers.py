"""What the first and last bytes of a file say: its kind, how much it promises, whether it came to its end."""

from __future__ import annotations

import os
import re
import struct

_HEAD_BYTES = 4096
_OGG_TAIL_BYTES = 1 << 17  # two of the largest pages
_MOST_CHUNKS = 1000

_NOT_AUDIO: tuple[tuple[bytes, str], ...] = (
    (rb"PK\x03\x04", "a ZIP archive"),
    (rb"\x1f\x8b", "gzip data"),
    (rb"7z\xbc\xaf|Rar!|BZh\d|\xfd7zXZ", "an archive"),
    (rb"%PDF", "a PDF document"),
    (rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP", "a picture"),
    (rb"RIFF....AVI ", "a film"),
    (rb"MThd", "a MIDI file: notes, not sound"),
    (rb"\x7fELF|MZ", "a program"),
    (rb"version https://git-lfs", "a Git LFS pointer: the file itself was never fetched"),
    (rb"\s*<(?i:!doctype|html|\?xml|head)", "a web page or XML"),
    (rb"#EXTM3U|ffconcat|\[playlist\]", "a playlist"),
)
_AUDIO: tuple[tuple[bytes, str], ...] = (
    (rb"(RIFF|RIFX|RF64).{4}WAVE", "wav"),
    (rb"riff\x2e\x91\xcf\x11", "w64"),
    (rb"fLaC", "flac"),
    (rb"OggS", "ogg"),
    (rb"\.snd", "au"),
    (rb"FORM.{4}AIF[FC]", "aiff"),
    (rb".{4}(ftyp|moov|mdat)", "mp4"),
    (rb"caff", "caf"),
    (rb"\x1a\x45\xdf\xa3", "matroska"),
    (rb"\xff[\xf0\xf1\xf8\xf9]", "aac"),
    (rb"ID3|\xff[\xe2-\xfb]", "mp3"),
)

_EXACT_WAV_FORMATS = {1, 3, 6, 7, 0xFFFE}
"""Codes of formats in which every sample has the same number of bits: PCM, float, A-law, µ-law, extensible."""

# What programs write that do not know the length yet, or cannot come back to write it.
_UNKNOWN_SIZES = (range(1), range(0x7FFFF000, 0x80000001), range(0xFFFFF000, 0x100000000))


def read_head(descriptor: int) -> bytes:
    """First bytes of a file, from behind an ID3v2 tag where it has one. Raises OSError."""
    head = os.pread(descriptor, _HEAD_BYTES, 0)
    if head[:3] == b"ID3" and len(head) >= 10 and max(head[6:10]) < 0x80:
        size = (head[6] << 21) + (head[7] << 14) + (head[8] << 7) + head[9]
        return os.pread(descriptor, _HEAD_BYTES, 10 + size) or head
    return head


def audio_kind(head: bytes) -> str | None:
    """Kind of audio file that the head is of, "wav", "mp3", …; None if it is of none that is known."""
    return _first_match(_AUDIO, head)


def what_else(head: bytes) -> str | None:
    """What a file that is no audio seems to be, in words."""
    if kind := _first_match(_NOT_AUDIO, head):
        return kind
    if not head.strip(b"\0"):
        return "nothing but zeros" if head else "empty"
    is_text = not re.search(rb"[\x00-\x08\x0e-\x1a]", head) and b"\n" in head
    return "text" if is_text else None


def has_exact_length(head: bytes) -> bool:
    """Whether an MP3 begins with a frame that counts the others, or an AU header says a size; else they are guessed."""
    if head[:4] == b".snd":
        return not _is_stand_in(int.from_bytes(head[8:12], "big"))
    return any(tag in head[:256] for tag in (b"Xing", b"Info", b"VBRI"))


def wav_seconds(descriptor: int) -> float | None:
    """Length in seconds that the header of a RIFF WAVE file promises; None where it promises none that is exact.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    order = ">" if os.pread(descriptor, 4, 0) == b"RIFX" else "<"
    bytes_a_second = 0
    place = 12
    for _ in range(_MOST_CHUNKS):
        chunk = os.pread(descriptor, 24, place)
        if len(chunk) < 8:
            return None
        name, size = struct.unpack_from(f"{order}4sI", chunk)
        if name == b"fmt " and len(chunk) == 24:
            tag, _, rate, _, frame_bytes = struct.unpack_from(f"{order}HHIIH", chunk, 8)
            bytes_a_second = rate * frame_bytes if tag in _EXACT_WAV_FORMATS else 0
        if name == b"data":
            return size / bytes_a_second if bytes_a_second and not _is_stand_in(size) else None
        place += 8 + size + size % 2
    return None


def ogg_ended(descriptor: int) -> bool:
    """Whether the last page of an Ogg file is whole and is marked as the last. Raises OSError."""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, _OGG_TAIL_BYTES, max(0, size - _OGG_TAIL_BYTES))
    page = tail[max(0, tail.rfind(b"OggS")) :]
    if len(page) < 27:
        return False
    lacing = page[27 : 27 + page[26]]
    return bool(page[5] & 4) and len(page) >= 27 + page[26] + sum(lacing)


def _is_stand_in(size: int) -> bool:
    return any(size in sizes for sizes in _UNKNOWN_SIZES)


def _first_match(table: tuple[tuple[bytes, str], ...], head: bytes) -> str | None:
    return next((kind for pattern, kind in table if re.match(pattern, head, re.DOTALL)), None)
