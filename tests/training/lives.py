"""Trainers that are forked from one process that has imported everything, to be killed again and again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil


class Lives:
    """Starts one trainer at a time; it does not outlive the block."""

    def __init__(self, log: Path) -> None:
        self.pid = 0
        self._log = log
        self._zygote = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("fault_zygote.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.pid:
            self.kill()
        assert self._zygote.stdin is not None
        self._zygote.stdin.close()
        self._zygote.wait()

    def start(self, run: Path, profile: Path) -> int:
        """Begin to train in `run`, or to continue what is there; gives the process."""
        order = {"run": str(run), "profile": str(profile), "log": str(self._log)}
        self.pid = int(self._ask(order)["pid"])
        return self.pid

    def has_ended(self) -> bool:
        """Whether the trainer is gone by itself."""
        return psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE

    def kill(self) -> int:
        """Kill the trainer, which gives it no chance to do anything; how it ended, 0 or more if before by itself."""
        # Until it is waited for, its number belongs to nobody else.
        os.kill(self.pid, signal.SIGKILL)
        return self.wait()

    def wait(self) -> int:
        """Exit code of the trainer at its end, or minus the signal that ended it."""
        status = int(self._ask({"wait": True})["status"])
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def said(self) -> str:
        """What all of them have printed."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        print(json.dumps(order), file=self._zygote.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._zygote.stdout.readline())
        return answer
