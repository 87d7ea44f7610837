"""A process that decodes: `python -m harmonic_core.data.worker DESCRIPTOR PARENT`.

It takes jobs from a pipe, one after another, and ends when the pipe or the parent does. Decoders run here because they
are C code that hostile files may crash or send into an endless loop.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection

import numpy as np

from harmonic_core.data.cache import Cache, Entry, Writing
from harmonic_core.data.jobs import Alive, Busy, Done, Job, Message
from harmonic_core.errors import DataError, DiskError

_TELL_EVERY_S = 0.25
_LOOK_EVERY_S = 0.05
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Work until nobody is there to work for."""
    pipe = Connection(int(sys.argv[1]))
    _die_with(int(sys.argv[2]))
    with suppress(EOFError, ConnectionError):
        job: Job = pipe.recv()
        # What decoders print is no use to anybody; what went wrong before is.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        while True:
            pipe.send(_do(job, _Ticker(pipe)))
            job = pipe.recv()


class _Ticker:
    def __init__(self, pipe: Connection[Message, Job]) -> None:
        self._pipe = pipe
        self._last = 0.0

    def __call__(self) -> None:
        if time.monotonic() - self._last > _TELL_EVERY_S:
            try:
                self._pipe.send(Alive())
            except ConnectionError:
                # Not an error of the file that is read.
                sys.exit()
            self._last = time.monotonic()


def _do(job: Job, tick: Callable[[], None]) -> Message:
    try:
        return _entry(job, Cache(job.cache), tick)
    except DiskError as error:
        return error
    except DataError as error:
        reason = str(error)
    except OSError as error:
        reason = error.strerror or str(error)
    except MemoryError:
        reason = "needs more memory than there is"
    except Exception as error:  # noqa: BLE001  a fault of the program costs one file, and is told
        reason = f"{type(error).__name__}: {error}"
    return Done(Entry("", reason=reason), from_cache=False)


def _entry(job: Job, cache: Cache, tick: Callable[[], None]) -> Message:
    sound = job.sound
    identity = sound.identity()
    source = sound.content()
    tick()
    while True:
        known = cache.entry(source, job.sample_rate)
        if known:
            if job.write:
                cache.remember(sound, identity, source)
            return Done(known, from_cache=True)
        if not job.write:
            return Done(_decode(job, source, None, tick), from_cache=False)
        with cache.write(source, job.sample_rate) as writing:
            if writing is not None and cache.entry(source, job.sample_rate) is None:
                entry = _decode(job, source, writing, tick)
                if sound.identity() != identity:
                    return Done(Entry("", reason="it was changed while it was read"), from_cache=False)
                writing.commit(entry)
                cache.remember(sound, identity, source)
                return Done(entry, from_cache=False)
        if writing is None and not job.wait:
            return Busy()
        tick()
        time.sleep(_LOOK_EVERY_S)


def _decode(job: Job, source: str, writing: Writing | None, tick: Callable[[], None]) -> Entry:
    count = 0
    digest = hashlib.sha256()
    try:
        decoded = job.sound.samples(job.sample_rate)
        for block in decoded:
            count += block.size
            samples = np.ascontiguousarray(block).view(np.uint8).data
            digest.update(samples)
            if writing is not None:
                writing.append(samples)
            tick()
        return Entry(source, count, digest.hexdigest(), decoded.facts)
    except DataError as error:
        return Entry(source, reason=str(error))


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit()


if __name__ == "__main__":
    main()
