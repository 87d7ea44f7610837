"""Checking every file of a run's music, in a process of its own that gives way to the trainer."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harmonic_tui.plain import plain

if TYPE_CHECKING:
    from harmonic_core.run.directory import RunDirectory
    from harmonic_core.run.status import Preparation

_NICENESS = 15
_PATIENCE_S = 10.0
_LAST_WORDS = 400
_LONGEST_LINE = 1 << 20


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a file; harmless to show."""

    name: str
    kind: str
    """What, in a word or two: `too short`."""
    reason: str
    verdict: str
    """What it means for the file: `refused`, `warning`, `known fault`."""

    @property
    def text(self) -> str:
        """All of it, to be searched."""
        return f"{self.verdict}  {self.kind}  {self.name}  {self.reason}"


@dataclass(frozen=True)
class Checked:
    """What a check came to."""

    ready: bool
    because: tuple[str, ...] = ()
    """Why training could not begin with this music."""
    files: int = 0
    usable: int = 0
    hours: float = 0.0
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def kinds(self) -> dict[str, int]:
        """How many findings there are of each kind, the most frequent first."""
        return dict(Counter(finding.kind for finding in self.findings).most_common())


class CheckFailedError(Exception):
    """The check ended without a result; the message is harmless to show."""


@dataclass
class Check:
    """One check of the music of a run.

    Parameters
    ----------
    run
        Its profile says which music.
    told
        Takes how far it is, in the event loop.
    """

    run: RunDirectory
    told: Callable[[Preparation], None]
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)

    async def check(self) -> Checked:
        """Check, and give what was found. Whoever cancels this ends the process.

        Raises
        ------
        CheckFailedError
            With the reason.
        """
        directory = await asyncio.to_thread(_directory_of, self.run)
        arguments = ["data", "validate", str(self.run.profile.absolute()), "--json", "--progress"]
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "harmonic_core", *arguments),
                cwd=directory,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=_LONGEST_LINE,
            )
        except OSError as error:
            raise CheckFailedError(f"the check cannot be started: {plain(error.strerror or str(error))}") from error
        self._process = process
        try:
            await asyncio.to_thread(_give_way, process.pid)
            assert process.stdout is not None
            document, said = await asyncio.gather(process.stdout.read(), self._listen(process))
            await process.wait()
            return await asyncio.to_thread(_checked, document, said, process.returncode)
        finally:
            self.end()

    def end(self) -> None:
        """Ask the process to end, if it has not."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
            # Kept by the loop until it has run; a process that does not listen is not waited for.
            asyncio.get_running_loop().call_later(_PATIENCE_S, _kill, process)

    async def _listen(self, process: asyncio.subprocess.Process) -> str:
        """Tell what the process says of its progress; gives the rest that it says."""
        from harmonic_core.run.status import Preparation

        assert process.stderr is not None
        rest: list[str] = []
        with suppress(ValueError):  # a line longer than anything that it says
            async for line in process.stderr:
                try:
                    self.told(Preparation.model_validate_json(line))
                except ValueError:
                    rest.append(line.decode(errors="replace"))
        return " ".join(rest)[-_LAST_WORDS:]


def _give_way(pid: int) -> None:
    """Let everybody else have the processor and the disk first: above all the trainer."""
    import psutil

    with suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        process.nice(max(process.nice(), _NICENESS))
        if psutil.LINUX:
            process.ionice(psutil.IOPRIO_CLASS_IDLE)


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()


def _directory_of(run: RunDirectory) -> Path | None:
    """Where the trainer was started: folders in a profile count from there. None where that place is not here."""
    from harmonic_core.run.origin import read_starts

    starts = read_starts(run)
    place = starts[-1].get("directory") if starts and isinstance(starts[-1], dict) else None
    return Path(place) if isinstance(place, str) and Path(place).is_dir() else None


def _checked(document: bytes, said: str, code: int | None) -> Checked:
    try:
        read = json.loads(document)
        summary = read["summary"]
        return Checked(
            ready=bool(read["ready"]),
            because=tuple(plain(str(each), _LAST_WORDS) for each in read["because"]),
            files=int(summary["files"]),
            usable=int(summary["usable"]),
            hours=float(summary["hours"]),
            findings=tuple(finding for entry in read["files"] for finding in _findings(entry)),
            notes=tuple(plain(str(each), _LAST_WORDS) for each in read["notes"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        reason = plain(said, _LAST_WORDS).removeprefix("harmonic: ")
        raise CheckFailedError(reason or f"the check ended with exit status {code} and said nothing") from error


def _findings(entry: dict[str, Any]) -> list[Finding]:
    return [
        Finding(
            plain(str(entry["name"])),
            plain(str(fault["kind"]), 40).replace("_", " "),
            plain(str(fault["message"]), _LAST_WORDS),
            plain(str(entry["verdict"]), 20),
        )
        for fault in entry["faults"]
    ]
