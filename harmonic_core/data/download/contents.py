"""Whether files that have arrived are sound at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harmonic_core.audio.decode import DecodeError, decode


def undecodable(paths: Sequence[Path], advance: Callable[[int], None] = lambda count: None) -> dict[Path, str]:
    """Decode every file to its end, on all cores, and give those that cannot be, with the decoder's reason.

    Parameters
    ----------
    paths
        The files.
    advance
        Told the bytes of each file dealt with.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            faults = {}
            for path, fault in zip(paths, pool.map(_fault, paths), strict=True):
                if fault is not None:
                    faults[path] = fault
                advance(path.stat().st_size)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return faults


def _fault(path: Path) -> str | None:
    try:
        for _ in decode(path, 22050):
            pass
    except DecodeError as error:
        return str(error)
    return None
