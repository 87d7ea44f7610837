"""`harmonic explore`: the half of the console's latent screen that needs the model, over a pipe.

Requests come as JSON lines on standard input (`harmonic_core.exploring.requests`). Each has one reply on standard
output, `{"id": 1, "event": "done", …}` or `{"id": 1, "event": "failed", "reason": "one line"}`, and before it any
number of `{"id": 1, "event": "progress", "words": "…"}`. It ends when standard input does.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Annotated, Any

import typer

_TEMPORARY = "harmonic-explore-"
_NICE = 10
_MOST_THREADS = 2
_LONGEST_LINE = 2**20


def add_to(app: typer.Typer) -> None:
    """Add the verb to a command line."""
    app.command("explore", hidden=True)(explore)


def explore(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run, by its directory or its name under runs/.")],
    device: Annotated[str, typer.Option(help="Where to compute: auto, cpu, cuda or mps.")] = "cpu",
) -> None:
    """Answer questions about the latent space of a run, as JSON lines; for the console."""
    from harmonic_core.run.directory import open_run

    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Libraries that print must not be taken for replies.
    os.dup2(2, 1)
    directory = open_run(run)
    with suppress(OSError):
        os.nice(_NICE)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Threads that OpenMP starts are counted when torch is loaded.
    os.environ.setdefault("OMP_NUM_THREADS", str(min(_MOST_THREADS, os.cpu_count() or 1)))
    _serve(Service(replies), str(directory.path), device)


class Service:
    """Requests in the order in which they come, and replies to them.

    Parameters
    ----------
    replies
        Where replies go.
    """

    def __init__(self, replies: IO[str]) -> None:
        self._replies = replies
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._id = 0

    def begin_to_read(self, requests: IO[bytes]) -> None:
        """Read requests in a thread, so that the end of them is noticed during long work."""
        threading.Thread(target=self._read, args=(requests,), name="requests", daemon=True).start()

    def _read(self, requests: IO[bytes]) -> None:
        with suppress(OSError, ValueError):
            while line := requests.readline(_LONGEST_LINE):
                self._lines.put(line)
        self._ended.set()
        self._lines.put(None)

    def next_line(self) -> bytes | None:
        """Wait for a request; None when there will be no more."""
        return None if self._ended.is_set() else self._lines.get()

    def stopped(self) -> bool:
        """Whether nobody waits for an answer any more."""
        return self._ended.is_set()

    def begin(self, number: int) -> None:
        """Say which request the next replies belong to."""
        self._id = number

    def tell(self, words: str) -> None:
        """Say what goes on."""
        self.reply("progress", words=words)

    def reply(self, event: str, **details: Any) -> None:
        """Say something about the request at hand. Nobody may listen any more."""
        try:
            self._replies.write(json.dumps({"id": self._id, "event": event, **details}) + "\n")
            self._replies.flush()
        except (OSError, ValueError):
            self._ended.set()


def _serve(service: Service, run: str, device: str) -> None:
    import tempfile

    # Not by `sys.stdin`, which no thread may be reading when the interpreter ends.
    service.begin_to_read(os.fdopen(os.dup(0), "rb"))
    _sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=f"{_TEMPORARY}{os.getpid()}-", ignore_cleanup_errors=True) as folder:
        service.tell("loading the program that knows the model")
        import torch

        from harmonic_core.exploring.session import Exploration
        from harmonic_core.run.directory import RunDirectory

        torch.set_num_threads(min(_MOST_THREADS, torch.get_num_threads()))
        exploration = Exploration(RunDirectory(Path(run)), Path(folder), device, service.tell, service.stopped)
        while (line := service.next_line()) is not None:
            _answer(service, exploration.answer, line)


def _answer(service: Service, answer: Any, line: bytes) -> None:
    from harmonic_core.errors import HarmonicError
    from harmonic_core.exploring.requests import read_request
    from harmonic_core.training.signals import StoppedError

    service.begin(_number_of(line))
    try:
        service.reply("done", **answer(read_request(line)))
    except HarmonicError as error:
        service.reply("failed", reason=_on_one_line(error))
    except StoppedError:
        return
    except (OSError, RuntimeError, ValueError, MemoryError) as error:
        # What a damaged file or a full memory makes of torch; whoever asked can go on asking.
        service.reply("failed", reason=f"{type(error).__name__}: {_on_one_line(error)}")
        import traceback

        traceback.print_exc()


def _number_of(line: bytes) -> int:
    """Number of a request, even of one that cannot be answered, so that its asker learns of that."""
    with suppress(ValueError, TypeError, AttributeError, RecursionError):
        number = json.loads(line).get("id", 0)
        return number if isinstance(number, int) else 0
    return 0


def _on_one_line(error: BaseException) -> str:
    from harmonic_core.text import plain

    return plain(" ".join(str(error).split()) or type(error).__name__, 600)


def _sweep(folder: Path) -> None:
    """Remove what killed explorations of ours left behind."""
    import shutil

    import psutil

    for left_over in folder.glob(f"{_TEMPORARY}*-*"):
        owner = left_over.name.removeprefix(_TEMPORARY).split("-")[0]
        with suppress(OSError, ValueError):
            if left_over.lstat().st_uid == os.getuid() and not psutil.pid_exists(int(owner)):
                shutil.rmtree(left_over, ignore_errors=True)
