"""Bars on stderr for what takes a while, only where it is a terminal."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harmonic_core.run.status import Preparation


@contextmanager
def bar(total: float) -> Iterator[Callable[[float, str], None]]:
    """Show a bar for the length of the block.

    Parameters
    ----------
    total
        What the bar's full length stands for.

    Yields
    ------
    move
        To be told how much is done, and what to write beside the bar.
    """
    if not sys.stderr.isatty():
        yield lambda done, words: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.table import Column

    columns = (
        BarColumn(bar_width=20, table_column=Column(min_width=20)),
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
    )
    with Progress(*columns, console=Console(stderr=True, highlight=False), transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda done, words: progress.update(task, completed=done, description=words)


@contextmanager
def preparation_lines(total: int) -> Iterator[Callable[[Preparation], None]]:
    """Say on stderr how far music is made ready, a JSON object a line, for programs that show it their own way.

    Parameters
    ----------
    total
        Number of files.

    Yields
    ------
    progress
        For `prepare`.
    """

    def say(told: Preparation) -> None:
        print(json.dumps(told.model_dump()), file=sys.stderr, flush=True)

    from harmonic_core.run.status import Preparation

    say(Preparation(done=0, total=total))
    yield say


@contextmanager
def preparation_bar(total: int) -> Iterator[Callable[[Preparation], None]]:
    """Show how far music is made ready, how fast, and how long it still takes.

    Parameters
    ----------
    total
        Number of files.

    Yields
    ------
    progress
        For `prepare`.
    """
    from harmonic_core.run.words import preparation

    with bar(total) as move:
        began, from_cache, ready = time.monotonic(), -1, 0.0

        def show(told: Preparation) -> None:
            nonlocal began, from_cache, ready
            if told.from_cache != from_cache:
                # The speed is that of decoding; what lay in the cache took no time.
                began, from_cache, ready = time.monotonic(), told.from_cache, told.audio_s
            spent = time.monotonic() - began
            speed = f", {(told.audio_s - ready) / spent:.0f} × real time" if told.audio_s > ready and spent else ""
            move(told.done, f"{preparation(told)}{speed}  {told.label}")

        yield show
