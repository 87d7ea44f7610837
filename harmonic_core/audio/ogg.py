"""Ogg streams whose number is chosen: libsndfile draws it by the time of day, and no two files would be the same."""

from __future__ import annotations

import struct
import zlib

_HEADER = 27
_SERIAL, _CHECKSUM, _SEGMENTS = 14, 22, 26
_ALL = 0xFFFF_FFFF
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def with_serial(content: bytes, serial: int) -> bytes:
    """An Ogg file of one stream with another serial number. See RFC 3533, section 6.

    Parameters
    ----------
    content
        Whole pages.
    serial
        0 to 2³² − 1.
    """
    pages = bytearray(content)
    start = 0
    while start < len(pages):
        body = start + _HEADER + pages[start + _SEGMENTS]
        end = body + sum(pages[start + _HEADER : body])
        struct.pack_into("<I", pages, start + _SERIAL, serial)
        struct.pack_into("<I", pages, start + _CHECKSUM, 0)
        struct.pack_into("<I", pages, start + _CHECKSUM, _checksum(bytes(pages[start:end])))
        start = end
    return bytes(pages)


def _checksum(page: bytes) -> int:
    """Ogg's CRC: zlib's with bits the other way round, and neither begun nor ended with ones."""
    mirrored = zlib.crc32(page.translate(_MIRRORED), _ALL) ^ _ALL
    return int(f"{mirrored:032b}"[::-1], 2)
