"""Plays files through the helper process that owns the sound card, and says in one line what comes of it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from harmonic_tui.plain import plain

REMEDY_PORTAUDIO = "PortAudio is missing. Install it with: sudo apt install libportaudio2"


@dataclass(frozen=True)
class Heard:
    """What the player has to say: a sound `started`, `finished` or `failed`, or the `route` is known now."""

    event: Literal["route", "started", "finished", "failed"]
    path: Path | None = None
    reason: str = ""


@runtime_checkable
class Listening(Protocol):
    """A screen that shows what the player says."""

    def hear(self, heard: Heard) -> None:
        """Show it."""


class Player:
    """One sound at a time.

    Attributes
    ----------
    route
        Where sound goes, or why it goes nowhere, in words.
    playing
        The file that sounds now.
    """

    def __init__(self, report: Callable[[Heard], None]) -> None:
        self.route = "looking for an output"
        self.playing: Path | None = None
        self._report = report
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._missing: str | None = None
        self._known = asyncio.Event()

    async def open(self) -> None:
        """Start the helper, unless it runs, and learn the route."""
        if self._process is None or self._process.returncode is not None:
            self._known.clear()
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "harmonic_tui.sound.device",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
            self._reader = asyncio.create_task(self._listen(self._process))
        await self._known.wait()

    async def play(self, path: Path, *, keep_position: bool = False) -> None:
        """Play a file, from its start or from where the one before is."""
        await self.open()
        if self._missing is not None:
            self._report(Heard("failed", path, self._advice(path)))
            return
        if not path.is_file():
            self._report(Heard("failed", path, f"{plain(str(path))} is not there any more"))
            return
        self.playing = path
        self._tell({"do": "play", "path": os.fspath(path.resolve()), "keep_position": keep_position})

    def stop(self) -> None:
        """Fall silent."""
        if self.playing is not None:
            self.playing = None
            self._tell({"do": "stop"})

    async def close(self) -> None:
        """End the helper."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), timeout=1.0)
            except TimeoutError:
                process.kill()
        if self._reader is not None:
            self._reader.cancel()

    def _tell(self, command: dict[str, Any]) -> None:
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(json.dumps(command).encode() + b"\n")

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            try:
                self._hear(json.loads(line))
            except (ValueError, KeyError, AttributeError):
                continue
        if not self._known.is_set():
            self._settle("helper", "none, the driver crashed")
        elif self.playing is not None:
            path, self.playing = self.playing, None
            self._report(Heard("failed", path, "the sound helper ended; the next try starts a new one"))

    def _hear(self, reply: dict[str, Any]) -> None:
        match reply["event"]:
            case "ready":
                place = f" on {socket.gethostname()}" if os.environ.get("SSH_CONNECTION") else ""
                self._settle(None, plain(f"{reply['device']}{place}", 60))
            case "unavailable" if reply["missing"] == "portaudio":
                self._settle("portaudio", "none, libportaudio2 is missing")
            case "unavailable":
                self._settle("card", "none, no sound card here")
            case "started":
                self._report(Heard("started", self.playing))
            case "finished" | "failed" as event if self.playing and reply["path"] == os.fspath(self.playing.resolve()):
                path, self.playing = self.playing, None
                self._report(Heard(event, path, plain(str(reply.get("reason", "")))))

    def _settle(self, missing: str | None, route: str) -> None:
        self._missing, self.route = missing, route
        self._known.set()
        self._report(Heard("route"))

    def _advice(self, path: Path) -> str:
        if self._missing == "portaudio":
            return REMEDY_PORTAUDIO
        copy = f"scp {socket.gethostname()}:{plain(str(path.resolve()))} ."
        reason = "No sound card here" if self._missing == "card" else "The sound driver crashed"
        return f"{reason}. Copy the file and play it where you sit: {copy}"
