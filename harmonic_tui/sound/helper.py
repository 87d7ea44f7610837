"""The helper process that owns the sound card, as the console sees it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Literal

from harmonic_tui.sound.transport import Order, Reply, Transport

_LOG_LIMIT_BYTES = 1_000_000


def log_path() -> Path:
    """Where drivers leave what they have to say."""
    from platformdirs import user_log_path

    return user_log_path("harmonic-vae") / "sound.log"


def _open_log() -> IO[bytes] | None:
    """The log, begun anew when it has grown; None where there is no place for one."""
    path = log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        grown = path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES
        return path.open("wb" if grown else "ab")
    except OSError:
        return None


class Helper:
    """One helper process.

    Parameters
    ----------
    route
        `local` for the default output, `pulse` for the server that `PULSE_SERVER` names.
    told
        Called with each of its replies; with `{"event": "gone"}` when it ends by itself.
    """

    def __init__(self, route: Literal["local", "pulse"], told: Callable[[Helper, Reply], None]) -> None:
        self.route = route
        self._told = told
        self.process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._lost = False

    @property
    def is_ready(self) -> bool:
        """Whether it has said that it has its output, and lives and has it still."""
        said = self._reader is not None
        return said and self.process is not None and self.process.returncode is None and not self._lost

    async def open(self) -> Reply:
        """Start it, and hear what output there is.

        Returns
        -------
        dict
            Its first reply, `ready` or `unavailable`; `gone` if it ended before it gave one.
        """
        environment = {**os.environ, "PULSE_PROP_application.name": "HarmonicVAE"}
        if self.route == "local":
            # Else ALSA's default output would go to the server as well.
            environment.pop("PULSE_SERVER", None)
        log = await asyncio.to_thread(_open_log)
        try:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "harmonic_tui.sound.device",
                *(["--pulse"] if self.route == "pulse" else []),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log or asyncio.subprocess.DEVNULL,
                start_new_session=True,
                env=environment,
            )
        finally:
            if log is not None:
                log.close()
        first = await self._next_reply(self.process)
        if first["event"] == "ready":
            self._reader = asyncio.create_task(self._listen(self.process))
        else:
            await self.close()
        return first

    def obey(self, order: Order, transport: Transport, *, keep_position: bool = False) -> None:
        """Pass an order on."""
        self._tell(
            {
                "do": order,
                "cue": transport.cue,
                "path": os.fspath(transport.path.resolve()) if transport.path else "",
                "position": transport.position_s,
                "keep_position": keep_position,
                "volume": transport.volume,
                "loop": transport.loop,
            }
        )

    async def close(self) -> None:
        """End it."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()
        process = self.process
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), timeout=1.0)
        except TimeoutError:
            process.kill()
            await process.wait()

    def _tell(self, command: Reply) -> None:
        if self.process is not None and self.process.stdin is not None and not self.process.stdin.is_closing():
            self.process.stdin.write(json.dumps(command).encode() + b"\n")

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        while (reply := await self._next_reply(process))["event"] != "gone":
            self._lost = self._lost or bool(reply.get("lost"))
            self._told(self, reply)
        # The process may still be about to end, and is not to be taken for one that lives.
        await process.wait()
        self._told(self, reply)

    @staticmethod
    async def _next_reply(process: asyncio.subprocess.Process) -> Reply:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            try:
                reply = json.loads(line)
            except ValueError:
                continue
            if isinstance(reply, dict) and "event" in reply:
                return reply
        return {"event": "gone"}
