"""Every way of being no good audio file that is known, written into a folder."""

from __future__ import annotations

import io
import os
import socket
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile
from made_sets import chord, write_sound

from harmonic_core.data.inspect import Kind

RATE = 22_050
SECONDS = 2.5
FORMATS = ("wav", "flac", "ogg", "mp3", "m4a", "au", "aiff")


def originals(folder: Path) -> dict[str, bytes]:
    """A good file of every format."""
    folder.mkdir(parents=True, exist_ok=True)
    # A page of Ogg holds several seconds, and damage to the only one leaves nothing.
    lengths = {"ogg": 8 * SECONDS}
    return {
        name: write_sound(folder / f"original.{name}", lengths.get(name, SECONDS), RATE).read_bytes()
        for name in FORMATS
    }


def write_broken_files(folder: Path, scratch: Path) -> dict[str, Kind | None]:
    """Write all of them.

    Parameters
    ----------
    folder
        Where to.
    scratch
        Another folder, for what they are made from.

    Returns
    -------
    expected
        What is wrong with each in the first place, by name; None where it is to be taken as it is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    good = originals(scratch)
    expected: dict[str, Kind | None] = {}

    def put(name: str, content: bytes, kind: Kind | None) -> None:
        (folder / name).write_bytes(content)
        expected[name] = kind

    for name, (content, kind) in {
        **_cut_short(good),
        **_damaged(good),
        **_stream_written(good),
        **_wrongly_named(good),
        **_no_audio(good),
        **_strange_headers(),
        **_strange_sound(),
        **_strange_names(good),
    }.items():
        put(name, content, kind)
    return expected | _no_files(folder)


Files = Mapping[str, tuple[bytes, Kind | None]]


def _cut_short(good: dict[str, bytes]) -> Files:
    files: dict[str, tuple[bytes, Kind | None]] = {}
    for name, content in good.items():
        for percent in (30, 60, 80):
            # An M4A without its index, which stands at the end, is not even truncated.
            kind: Kind = "undecodable" if name == "m4a" else "truncated"
            files[f"cut at {percent}%.{name}"] = content[: len(content) * percent // 100], kind
        files[f"head only.{name}"] = content[:24], "undecodable"
    return files


def _damaged(good: dict[str, bytes]) -> Files:
    def zeroed(name: str, length: int = 2_000) -> bytes:
        middle = len(good[name]) // 2
        return good[name][:middle] + bytes(length) + good[name][middle + length :]

    def flipped(name: str, where: float) -> bytes:
        content = bytearray(good[name])
        content[int(len(content) * where)] ^= 0xFF
        return bytes(content)

    return {
        "zeroed.flac": (zeroed("flac"), "truncated"),
        "zeroed.mp3": (zeroed("mp3"), "undecodable"),
        "zeroed.m4a": (zeroed("m4a"), "undecodable"),
        "flipped.flac": (flipped("flac", 0.5), "truncated"),
        "flipped.ogg": (flipped("ogg", 0.6), "truncated"),
        "flipped at the beginning.flac": (b"\x99" + good["flac"][1:], "not_audio"),
        "samples flipped.wav": (flipped("wav", 0.5), None),
    }


def _stream_written(good: dict[str, bytes]) -> Files:
    """Headers of programs that could not know the length: nothing is wrong with these."""
    wav, au = good["wav"], good["au"]
    files: dict[str, tuple[bytes, Kind | None]] = {
        f"size {size:x}.wav": (wav[:40] + struct.pack("<I", size) + wav[44:], None)
        for size in (0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF024)
    }
    flac = good["flac"]
    files["size unknown.au"] = au[:8] + b"\xff\xff\xff\xff" + au[12:], None
    files["size unknown.flac"] = flac[:21] + bytes((flac[21] & 0xF0, 0, 0, 0, 0)) + flac[26:], None
    files["with an ID3v1 tag.mp3"] = good["mp3"] + b"TAG" + b"x" * 125, None
    files["with junk behind.flac"] = good["flac"] + b"junk" * 500, None
    files["with a long ID3v2 tag.mp3"] = b"ID3\x03\0\0\0\0\x4e\x10" + bytes(10_000) + good["mp3"], None
    return files


def _wrongly_named(good: dict[str, bytes]) -> Files:
    return {
        "really ogg.mp3": (good["ogg"], "wrong_ending"),
        "really wav.flac": (good["wav"], "wrong_ending"),
        "really m4a.wav": (good["m4a"], "wrong_ending"),
        "really mp3.ogg": (good["mp3"], "wrong_ending"),
    }


def _no_audio(good: dict[str, bytes]) -> Files:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("a.wav", good["wav"])
    contents = {
        "empty.wav": b"",
        "zeros.mp3": bytes(5_000),
        "text.wav": b"hello, world\n" * 500,
        "page.mp3": b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n" * 20,
        "archive.flac": archive.getvalue(),
        "picture.m4a": b"\x89PNG\r\n\x1a\n" + bytes(3_000),
        "notes.ogg": b"MThd\0\0\0\6\0\1\0\1\0\x60MTrk" + bytes(300),
        "pointer.wav": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        "playlist.m4a": b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nempty.wav\n#EXT-X-ENDLIST\n",
        "script.wav": b"ffconcat version 1.0\nfile 'size 0.wav'\n",
        "chance.mp3": np.random.default_rng(3).bytes(20_000),
    }
    return {name: (content, "not_audio") for name, content in contents.items()}


def wav(size: int, body: bytes, channels: int = 1, rate: int = RATE, bits: int = 16) -> bytes:
    """A WAV file whose header says what it is told to."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * 2, channels * bits // 8 % 65536, bits)
    data = struct.pack("<4sI", b"data", size)
    return struct.pack("<4sI4s", b"RIFF", 36 + size & 0xFFFFFFFF, b"WAVE") + form + data + body


def _strange_headers() -> Files:
    body = (chord("header", SECONDS) * 20_000).astype("<i2").tobytes()
    return {
        "4 GB.wav": (wav(0xF0000000, body[:1000]), "truncated"),
        "0 Hz.wav": (wav(len(body), body, rate=0), "undecodable"),
        "1 Hz.wav": (wav(len(body), body, rate=1), "undecodable"),
        "2 GHz.wav": (wav(len(body), body, rate=2**31 - 1), "undecodable"),
        "12345 Hz.wav": (wav(len(body), body, rate=12_345), "odd_rate"),
        "0 channels.wav": (wav(len(body), body, channels=0), "undecodable"),
        "65535 channels.wav": (wav(len(body), body, channels=65_535), "undecodable"),
        "0 bits.wav": (wav(len(body), body, bits=0), "undecodable"),
        "no samples.wav": (wav(0, b""), "undecodable"),
    }


def _strange_sound() -> Files:
    sound = chord("strange", SECONDS)
    with_nan, with_infinity = sound.copy(), sound.copy()
    with_nan[3_000], with_infinity[-1] = np.nan, -np.inf
    loud = np.clip(20.0 * sound, -1.0, 32_767 / 32_768)
    opposite = np.concatenate((sound, -sound), axis=1)
    return {
        "nan.wav": (_written(with_nan, "FLOAT"), "not_finite"),
        "infinite.wav": (_written(with_infinity, "DOUBLE"), "not_finite"),
        "huge.wav": (_written(sound.astype(np.float64) * 1e300, "DOUBLE"), "not_finite"),
        "silence.wav": (_written(0.0 * sound), "silent"),
        "nearly silence.wav": (_written(1e-3 * sound), "silent"),
        "opposite.wav": (_written(opposite), "silent"),
        "short.wav": (_written(sound[: RATE // 2]), "too_short"),
        "clipped.wav": (_written(loud), "clipped"),
        "dc.wav": (_written(sound + 0.1), "dc_offset"),
        "6 channels.wav": (_written(np.repeat(sound, 6, axis=1)), "odd_channels"),
    }


def _written(sound: np.ndarray, subtype: str = "PCM_16") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sound, RATE, subtype=subtype, format="WAV")
    return file.getvalue()


def _strange_names(good: dict[str, bytes]) -> Files:
    names = [b"caf\xe9.wav", b"\x1b[2J\x1b]0;title\x07.wav", b"[red]markup[bold].wav", b"line\nfeed.wav", b"%s%n.wav"]
    files: dict[str, tuple[bytes, Kind | None]] = {os.fsdecode(name): (good["wav"], None) for name in names}
    files["\x1b[31mno audio[bold].wav"] = b"nothing\n" * 50, "not_audio"
    files["pipe:0.m4a"] = good["m4a"], None
    return files


def _no_files(folder: Path) -> dict[str, Kind | None]:
    (folder / "folder.wav").mkdir()
    os.mkfifo(folder / "pipe.wav")
    (folder / "nowhere.wav").symlink_to(folder / "missing")
    (folder / "loop.wav").symlink_to(folder / "loop.wav")
    (folder / "device.wav").symlink_to("/dev/zero")
    here = Path.cwd()
    os.chdir(folder)  # The name of a socket may not be long.
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.wav")
    os.chdir(here)
    names = ("folder.wav", "pipe.wav", "nowhere.wav", "loop.wav", "device.wav", "socket.wav")
    return dict.fromkeys(names, "unreadable")
