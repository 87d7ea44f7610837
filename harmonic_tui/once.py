"""The dashboard as text, for a pipe or a letter."""

from __future__ import annotations

import asyncio
import io
import shutil

from rich.console import Console as TextConsole

from harmonic_core.run.directory import RunDirectory
from harmonic_tui.app import Console

_SETTLING_S = 1.2
"""Long enough for all files to be read and the charts to be drawn twice."""


def dashboard_text(run: RunDirectory) -> str:
    """One frame of the dashboard of `run`, without colours, as wide as the terminal or 120 columns."""
    columns, rows = shutil.get_terminal_size((120, 36))
    return asyncio.run(_frame(Console(run, sound=False), columns, max(rows, 36)))


async def _frame(console: Console, columns: int, rows: int) -> str:
    async with console.run_test(size=(columns, rows)) as pilot:
        await pilot.pause(_SETTLING_S)
        printer = TextConsole(width=columns, height=rows, file=io.StringIO(), record=True, color_system=None)
        printer.print(console.screen._compositor.render_update(full=True))
        return "\n".join(line.rstrip() for line in printer.export_text().splitlines())
