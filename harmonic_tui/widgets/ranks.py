"""The processes of a run that has several: whose memory, how full, how fast, how busy and how hot its card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from textual.content import Content

from harmonic_core.run.words import UNKNOWN, count
from harmonic_tui.plain import plain
from harmonic_tui.widgets.board import busy, temperature, watts
from harmonic_tui.widgets.memory import bar, memory_of
from harmonic_tui.wording import figure, gibibytes, percent

if TYPE_CHECKING:
    from harmonic_core.run.board import Board
    from harmonic_core.run.status import Rank

_GAP = "  "
_LEAST_BAR, _WIDEST_BAR = 6, 30
_HOST_WIDTH = 16
_HOT = " hot"
_HEAD_FROM = 4
"""Rows from which one goes to a head; with fewer every line has its units."""
_MOST_LINES = 3
"""Lines of a rank where there is much room: one of the table, the rest for what the table has no room for."""


class _Figure(NamedTuple):
    """What can be told of a rank beside its memory and its speed."""

    head: str
    cells: list[str]
    speaks_for_itself: bool = False
    """Whether it needs no name where there is no head: its unit tells."""
    is_place: bool = False
    """Whether it tells the rank apart from others; where there is no room for a column it is left out."""

    @property
    def words(self) -> list[str]:
        """Each figure with its name, where it needs one."""
        return self.cells if self.speaks_for_itself else [f"{self.head} {cell}" for cell in self.cells]

    @property
    def is_worth_telling(self) -> bool:
        """Whether it is known of any rank; of a place, whether it is not the same for all."""
        return len(set(self.cells)) > 1 if self.is_place else any(not cell.startswith(UNKNOWN) for cell in self.cells)


def rank_lines(ranks: Sequence[Rank], boards: Mapping[str, Board], width: int, rows: int) -> list[Content]:
    """As many ranks as fit into `rows` lines of `width` columns, and how many more there are.

    Parameters
    ----------
    ranks
        What the trainer says of each.
    boards
        What the driver says of their cards, by UUID.
    """
    with_head = rows >= _HEAD_FROM
    room = max(1, rows - with_head)
    shown = ranks if len(ranks) <= room else ranks[: room - 1]
    of_shown = [_board(each, boards) for each in shown]
    head, table, left_over = _table(shown, of_shown, width, with_units=not with_head)
    lines = [head] if with_head else []
    details = min(_MOST_LINES, room // max(1, len(shown))) - 1
    for line, told in zip(table, left_over, strict=True):
        lines += [line, *_wrapped(told, width)[:details]]
    # A card that is too hot is told even where there is no column for it.
    unseen_heat = not details and any(each.plain.endswith(_HOT) for told in left_over for each in told)
    if unseen_heat and len(lines) == rows:
        shown = shown[:-1]
        lines.pop()
    if len(shown) < len(ranks) or unseen_heat:
        lines.append(_of_others(ranks if unseen_heat else ranks[len(shown) :], len(ranks) - len(shown), boards))
    elif len(lines) < rows and (why := next((each.missing for each in of_shown if each and each.missing), "")):
        lines.append(Content.styled(f"board n/a: {plain(why, 120)}", "$muted"))
    return [line.truncate(max(1, width), ellipsis=True) for line in lines]


def _board(rank: Rank, boards: Mapping[str, Board]) -> Board | None:
    return boards.get(rank.device.uuid or "") if rank.device.kind == "cuda" else None


def _of_others(ranks: Sequence[Rank], hidden: int, boards: Mapping[str, Board]) -> Content:
    """How many ranks are not shown, and which of `ranks` are in trouble."""
    warnings = []
    cards = [(str(each.rank), each.device, _board(each, boards)) for each in ranks]
    if tight := [number for number, device, board in cards if memory_of(device, board).is_tight]:
        warnings.append(f"nearly full: rank {', '.join(tight)}")
    if hot := [number for number, _, board in cards if board is not None and board.is_hot]:
        warnings.append(f"hot: rank {', '.join(hot)}")
    told = [Content.styled(f"and {hidden} more", "$muted")] if hidden else []
    return Content(", ").join([*told, *(Content.styled(words, "$look") for words in warnings)])


def _figures(ranks: Sequence[Rank], boards: Sequence[Board | None]) -> list[_Figure]:
    """What there may be room for, the most telling first. What is known of no rank takes no room."""
    devices = [each.device for each in ranks]
    memories = [memory_of(device, board) for device, board in zip(devices, boards, strict=True)]
    retries = [UNKNOWN if device.retries is None else count(device.retries) for device in devices]
    hot = [f"{temperature(each)}{_HOT if each is not None and each.is_hot else ''}" for each in boards]
    figures = [
        _Figure("host", [plain(each.host, _HOST_WIDTH) or UNKNOWN for each in ranks], is_place=True),
        _Figure("busy", [busy(each) for each in boards]),
        _Figure("heat", hot, speaks_for_itself=True),
        _Figure("card", [_card(each) for each in ranks], is_place=True),
        _Figure("power", [watts(each) for each in boards], speaks_for_itself=True),
        _Figure("peak", [gibibytes(device.peak_bytes) for device in devices]),
        _Figure("frag", [percent(device.fragmentation) for device in devices]),
        _Figure("retries", retries),
        _Figure("reserved", [gibibytes(memory.kept) for memory in memories]),
        _Figure("others", [gibibytes(memory.others) for memory in memories]),
    ]
    on_cards = any(device.kind == "cuda" for device in devices)
    return [each for each in figures if each.is_worth_telling and (on_cards or each.is_place)]


def _table(
    ranks: Sequence[Rank], boards: Sequence[Board | None], width: int, *, with_units: bool
) -> tuple[Content, list[Content], list[list[Content]]]:
    """A head, a line a rank, and what the line has no room for.

    A narrow table has no bar; a wide one also says which host and which card, and how the card is.
    """
    memories = [memory_of(each.device, board) for each, board in zip(ranks, boards, strict=True)]
    numbers = _column(
        "" if with_units else "rank", [f"rank {each.rank}" if with_units else str(each.rank) for each in ranks]
    )
    # Never by colour alone.
    held = [f"{'! ' if memory.is_tight else ''}{memory.figures}{' GiB' if with_units else ''}" for memory in memories]
    figures = _column("GiB", held)
    speeds = _column("seg/s", [f"{figure(each.segments_per_s)}{' seg/s' if with_units else ''}" for each in ranks])
    left = width - sum(cell_len(column[0]) + len(_GAP) for column in (numbers, figures, speeds)) + len(_GAP)
    left -= _LEAST_BAR + len(_GAP)
    places: list[list[Content]] = []
    more: list[list[Content]] = []
    left_over: list[list[Content]] = []
    for each in _figures(ranks, boards):
        with_name = with_units and not each.is_place
        column = _column(each.head, each.words if with_name else each.cells, left=each.is_place)
        if (needed := cell_len(column[0]) + len(_GAP)) <= left:
            left -= needed
            (places if each.is_place else more).append([_marked(cell, muted=each.is_place) for cell in column])
        elif not each.is_place:
            left_over.append([_marked(words) for words in each.words])
    columns = [[Content(cell) for cell in numbers], *places]
    if left >= 0:
        cells_of_bar = min(_WIDEST_BAR, left + _LEAST_BAR)
        bars = [bar(memory, cells_of_bar) for memory in memories]
        columns.append([each.truncate(cells_of_bar, pad=True) for each in (Content("memory"), *bars)])
    tight = [False, *(memory.is_tight for memory in memories)]
    columns.append([Content.styled(cell, "$look" if full else "") for cell, full in zip(figures, tight, strict=True)])
    columns += [[Content(cell) for cell in speeds], *more]
    head, *lines = (Content(_GAP).join(cells) for cells in zip(*columns, strict=True))
    told = [list(each) for each in zip(*left_over, strict=True)] if left_over else [[] for _ in ranks]
    return head.stylize("$muted"), lines, told


def _marked(cell: str, *, muted: bool = False) -> Content:
    return Content.styled(cell, "$muted" if muted else "$look" if cell.endswith(_HOT) else "")


def _wrapped(parts: list[Content], width: int) -> list[Content]:
    """Lines of as many parts as fit, below a rank's own line and muted."""
    lines: list[Content] = []
    for part in parts:
        longer = Content(_GAP).join([lines[-1], part]) if lines else part
        if lines and longer.cell_length <= width:
            lines[-1] = longer
        else:
            lines.append(Content.assemble("  ", part))
    return [line.stylize_before("$muted") for line in lines]


def _column(head: str, cells: list[str], *, left: bool = False) -> list[str]:
    widest = max(map(cell_len, [head, *cells]))
    return [f"{cell}{' ' * (widest - cell_len(cell))}" if left else cell.rjust(widest) for cell in [head, *cells]]


def _card(rank: Rank) -> str:
    device = rank.device
    return f"…{plain(device.uuid)[-6:]}" if device.uuid else UNKNOWN if device.kind == "cuda" else device.kind
