"""The processes of a run that has several, a line each: whose memory, how full, how fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from harmonic_tui.plain import plain
from harmonic_tui.widgets.memory import bar, memory_of
from harmonic_tui.wording import figure

if TYPE_CHECKING:
    from harmonic_core.run.status import Rank

_GAP = "  "
_LEAST_BAR, _WIDEST_BAR = 5, 30
_HOST_WIDTH = 16
_HEAD_FROM = 4
"""Rows from which one goes to a head; with fewer every line has its units."""


def rank_lines(ranks: Sequence[Rank], width: int, rows: int) -> list[Content]:
    """As many ranks as fit into `rows` lines of `width` columns, and how many more there are."""
    with_head = rows >= _HEAD_FROM
    room = max(1, rows - with_head)
    shown = ranks if len(ranks) <= room else ranks[: room - 1]
    head, *lines = _table(shown, width, with_units=not with_head)
    lines = [head, *lines] if with_head else lines
    if hidden := ranks[len(shown) :]:
        tight = [str(each.rank) for each in hidden if memory_of(each.device).is_tight]
        warning = Content.styled(f", nearly full: rank {', '.join(tight)}", "$look") if tight else ""
        lines.append(Content.assemble(Content.styled(f"and {len(hidden)} more", "$muted"), warning))
    return [line.truncate(max(1, width), ellipsis=True) for line in lines]


def _table(ranks: Sequence[Rank], width: int, *, with_units: bool) -> list[Content]:
    """A head and a line a rank. A narrow table has no bar, a wide one also says which host and which card."""
    memories = [memory_of(each.device) for each in ranks]
    numbers = _column(
        ["" if with_units else "rank"], [f"rank {each.rank}" if with_units else str(each.rank) for each in ranks]
    )
    figures = _column(["GiB"], [f"{memory.figures}{' GiB' if with_units else ''}" for memory in memories])
    speeds = _column(["seg/s"], [f"{figure(each.segments_per_s)}{' seg/s' if with_units else ''}" for each in ranks])
    hosts = _column(["host"], [plain(each.host, _HOST_WIDTH) or "n/a" for each in ranks], left=True)
    cards = _column(["card"], [_card(each) for each in ranks], left=True)
    left = width - sum(len(column[0]) + len(_GAP) for column in (numbers, figures, speeds)) + len(_GAP)
    columns: list[list[Content]] = [[Content(cell) for cell in numbers]]
    left -= _LEAST_BAR + len(_GAP)
    for column in (hosts, cards):
        needed = cell_len(column[0]) + len(_GAP)
        if ranks and len(set(column)) > 2 and needed <= left:
            columns.append([Content.styled(cell, "$muted") for cell in column])
            left -= needed
    if left >= 0:
        cells = min(_WIDEST_BAR, left + _LEAST_BAR)
        bars = [bar(memory, cells) for memory in memories]
        columns.append([each.truncate(cells, pad=True) for each in (Content("memory"), *bars)])
    tight = [False, *(memory.is_tight for memory in memories)]
    columns.append([Content.styled(cell, "$look" if full else "") for cell, full in zip(figures, tight, strict=True)])
    columns.append([Content(cell) for cell in speeds])
    head, *lines = (Content(_GAP).join(cells) for cells in zip(*columns, strict=True))
    return [head.stylize("$muted"), *lines]


def _column(head: list[str], cells: list[str], *, left: bool = False) -> list[str]:
    widest = max(map(cell_len, head + cells))
    return [f"{cell}{' ' * (widest - cell_len(cell))}" if left else cell.rjust(widest) for cell in head + cells]


def _card(rank: Rank) -> str:
    device = rank.device
    return f"…{plain(device.uuid)[-6:]}" if device.uuid else "n/a" if device.kind == "cuda" else device.kind
