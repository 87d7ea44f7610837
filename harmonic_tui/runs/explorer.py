"""The process that knows the model, seen from the console: it is asked, and answers with maps and sounds."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar

from harmonic_core.errors import HarmonicError
from harmonic_core.run.directory import RunDirectory
from harmonic_tui.plain import plain

COMMAND: Sequence[str] = (sys.executable, "-m", "harmonic_core", "explore")
"""What is started, with the run behind it."""

Where = Mapping[str, Any]
"""A place in the latent space, as `harmonic_core.exploring.requests` describes it."""

Answer = TypeVar("Answer")

_LONGEST_REPLY = 2**24
_LONGEST_LOG = 2**20
_PATIENCE_S = 1.0


class ExplorerError(HarmonicError):
    """An answer that cannot be given, and why."""


@dataclass(frozen=True)
class Point:
    """A segment of music."""

    track: str
    at_s: float
    held_out: bool

    @property
    def name(self) -> str:
        """Its track and place, harmless to show: `jazz-05 at 12 s`."""
        return f"{self.track} at {self.at_s:.0f} s"


@dataclass(frozen=True)
class Terrain:
    """What the explorer found when it opened a run."""

    epoch: int
    step: int
    latent_dim: int
    segment_s: float
    no_music: str
    """Why there are no points; empty where there are."""
    points: Sequence[Point] = field(default=(), repr=False)
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    """For each label its value for every point as it is in the music, not fit to be shown."""
    estimated: frozenset[str] = frozenset()
    shares: Sequence[float] = ()
    """Of the variance, along the principal directions."""
    coordinates: Sequence[Sequence[float]] = field(default=(), repr=False)
    """Of every point on the first of them, in standard deviations."""


@dataclass(frozen=True)
class Rendered:
    """A sound that was made."""

    path: Path
    duration_s: float
    level_db: float
    envelope: Sequence[float] = ()
    starts_s: Sequence[float] = ()
    """Of a walk, when each step begins."""
    near: Sequence[int] = ()
    """Of a walk, the point nearest to each step."""


class Explorer:
    """Starts the process when something is asked for the first time, and again where it ended.

    Parameters
    ----------
    run
        What is explored.
    told
        Gets to know in words what goes on.
    """

    def __init__(self, run: RunDirectory, told: Callable[[str], None]) -> None:
        self._run, self._told = run, told
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._number = 0
        self.log = Path()
        """Where the process writes what it has to complain of."""

    @property
    def is_running(self) -> bool:
        """Whether there is a process."""
        return self._process is not None and self._process.returncode is None

    async def open(self) -> Terrain:
        """Load the newest weights, and look at the music."""
        return await self._ask(_terrain, "open")

    async def map(self, method: str) -> tuple[str, list[tuple[float, float]]]:
        """Places of all points on a plane, and the method that was really used."""
        return await self._ask(_places, "map", method=method)

    async def decode(self, where: Where) -> Rendered:
        """Sound of a place."""
        return await self._ask(_rendered, "decode", where=dict(where))

    async def original(self, point: int) -> Rendered:
        """Sound of a segment as it is in the music."""
        return await self._ask(_rendered, "original", point=point)

    async def walk(self, start: Where, end: Where, steps: int, way: str) -> Rendered:
        """Sound of the way between two places."""
        return await self._ask(_rendered, "walk", start=dict(start), end=dict(end), steps=steps, way=way)

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        for end in (process.terminate, process.kill, lambda: None):
            try:
                await asyncio.wait_for(process.wait(), _PATIENCE_S)
                break
            except TimeoutError:
                with suppress(ProcessLookupError):
                    end()
        if self._reader is not None:
            self._reader.cancel()
        self._fail("the exploration was closed")

    async def _ask(self, read: Callable[[dict[str, Any]], Answer], do: str, **details: Any) -> Answer:
        if not self.is_running:
            await self._start()
            if do != "open":
                # Whoever asks knows what the process that ended had opened.
                await self.open()
        assert self._process is not None
        assert self._process.stdin is not None
        self._number += 1
        number = self._number
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        self._process.stdin.write(json.dumps({"id": number, "do": do, **details}).encode() + b"\n")
        try:
            return read(await answer)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ExplorerError(f"an answer of another version ({plain(str(error))})") from error
        finally:
            self._asked.pop(number, None)

    async def _start(self) -> None:
        log = await asyncio.to_thread(self._open_log)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *COMMAND,
                os.fspath(self._run.path.resolve()),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log or asyncio.subprocess.DEVNULL,
                limit=_LONGEST_REPLY,
                start_new_session=True,
            )
        except OSError as error:
            raise ExplorerError(f"the model cannot be loaded: {plain(str(error))}") from error
        finally:
            if log:
                log.close()
        self._reader = asyncio.create_task(self._listen(self._process))

    def _open_log(self) -> IO[bytes] | None:
        import platformdirs

        try:
            self.log = platformdirs.user_log_path("harmonic-vae", ensure_exists=True) / "explore.log"
            if self.log.exists() and self.log.stat().st_size > _LONGEST_LOG:
                self.log.unlink()
            return self.log.open("ab")
        except OSError:
            return None

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:
                # Longer than any reply of ours.
                continue
            if not line:
                break
            with suppress(ValueError, KeyError, TypeError, AttributeError):
                self._hear(json.loads(line))
        status = await process.wait()
        if process is self._process:
            reason = f"by signal {-status}" if status < 0 else f"with exit status {status}"
            self._fail(f"the process that knows the model ended {reason}; why stands in {plain(str(self.log))}")

    def _hear(self, reply: dict[str, Any]) -> None:
        answer = self._asked.get(int(reply["id"]))
        match reply["event"]:
            case "progress":
                self._told(plain(str(reply["words"]), 120))
            case "done" if answer and not answer.done():
                answer.set_result(reply)
            case "failed" if answer and not answer.done():
                answer.set_exception(ExplorerError(plain(str(reply["reason"]), 600)))

    def _fail(self, reason: str) -> None:
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(ExplorerError(reason))


def _terrain(reply: dict[str, Any]) -> Terrain:
    points = [
        Point(plain(str(each["track"]), 80), float(each["at_s"]), bool(each["held_out"]))
        for each in reply.get("points", [])
    ]
    labels = {str(name): [str(value) for value in values] for name, values in reply.get("labels", {}).items()}
    return Terrain(
        epoch=int(reply["epoch"]),
        step=int(reply["step"]),
        latent_dim=int(reply["latent_dim"]),
        segment_s=float(reply["segment_s"]),
        no_music=plain(str(reply.get("no_music", "")), 400),
        points=points,
        labels={name: values for name, values in labels.items() if len(values) == len(points)},
        estimated=frozenset(map(str, reply.get("estimated", []))),
        shares=[float(share) for share in reply.get("shares", [])],
        coordinates=[[float(value) for value in row] for row in reply.get("coordinates", [])],
    )


def _places(reply: dict[str, Any]) -> tuple[str, list[tuple[float, float]]]:
    return str(reply["method"]), [(float(place[0]), float(place[1])) for place in reply["places"]]


def _rendered(reply: dict[str, Any]) -> Rendered:
    return Rendered(
        path=Path(reply["path"]),
        duration_s=float(reply["duration_s"]),
        level_db=float(reply["level_db"]),
        envelope=[float(value) for value in reply["envelope"]],
        starts_s=[float(start) for start in reply.get("starts_s", [])],
        near=[int(point) for point in reply.get("near", [])],
    )
