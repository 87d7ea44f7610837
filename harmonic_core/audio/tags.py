"""Tags as an ID3 block, in letters of every script: libsndfile writes those of an MP3 as if all were Latin-1."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping

_FRAMES = {
    "title": b"TIT2",
    "artist": b"TPE1",
    "album": b"TALB",
    "genre": b"TCON",
    "software": b"TSSE",
    "comment": b"COMM",
}
TAGS = tuple(_FRAMES)
"""What can be said of a piece in all formats."""

_UTF_16 = b"\x01"


def id3_block(tags: Mapping[str, str]) -> bytes:
    """An ID3v2.3 block, which stands at the beginning of an MP3 file; empty without tags. See https://id3.org/id3v2.3.0.

    Parameters
    ----------
    tags
        Text of each of `TAGS` that is to be there, without NUL.
    """
    if not tags:
        return b""
    frames = b"".join(_frame(_FRAMES[name], text) for name, text in tags.items())
    size = len(frames)
    # Seven bits a byte, so that no player takes the size for the beginning of sound.
    return struct.pack(">3sBBB4B", b"ID3", 3, 0, 0, *(size >> shift & 0x7F for shift in (21, 14, 7, 0))) + frames


def _frame(name: bytes, text: str) -> bytes:
    content = _UTF_16 + (b"eng" + "".encode("utf-16") + b"\0\0" if name == b"COMM" else b"") + text.encode("utf-16")
    return struct.pack(">4sIH", name, len(content), 0) + content


def add_id3_chunk(wav: io.BytesIO, tags: Mapping[str, str]) -> None:
    """Give a WAV file its tags in an `id3 ` chunk too, for programs that look nowhere else.

    Parameters
    ----------
    wav
        A whole RIFF file, which is added to in place: of an hour every copy is large.
    tags
        As for `id3_block`.
    """
    block = id3_block(tags)
    if not block:
        return
    length = wav.seek(0, io.SEEK_END)
    chunk = struct.pack("<4sI", b"id3 ", len(block)) + block + bytes(len(block) % 2)
    wav.write(bytes(length % 2) + chunk)
    size = wav.tell() - 8
    wav.seek(4)
    wav.write(struct.pack("<I", size))
