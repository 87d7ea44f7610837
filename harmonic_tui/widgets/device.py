"""What the run computes on, how full, how busy and how hot it is. A figure that cannot be known is n/a."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from harmonic_core.run.words import UNKNOWN, count
from harmonic_tui.plain import plain
from harmonic_tui.widgets.board import card_lines, card_on_one_line
from harmonic_tui.widgets.memory import FREE, HELD, OTHERS, bar, memory_of
from harmonic_tui.widgets.ranks import rank_lines
from harmonic_tui.wording import gibibytes

if TYPE_CHECKING:
    from harmonic_core.run.board import Board
    from harmonic_core.run.status import Device, Status

_GAP = "   "
_LEAST_TITLE = 8
_COMPACT_ROWS = 3
"""Most rows of the panel where it has no frame."""


class DevicePanel(Widget):
    """The graphics card, every rank's where there are several, or the process where there is none.

    Its foot tells what training had to do without, if anything.
    """

    def __init__(self) -> None:
        super().__init__(id="device", classes="frame")
        self._status: Status | None = None
        self._boards: Mapping[str, Board] = {}
        self._planned: int | None = None

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.border_title = Content("Memory")

    def on_resize(self) -> None:
        """The foot is made for the width."""
        self._frame()

    def tell(self, status: Status, boards: Mapping[str, Board]) -> None:
        """Show other figures: the trainer's, and what the driver says of its cards by their UUID."""
        before = self._status and (_shown(self._status), self._boards)
        self._status, self._boards = status, boards
        if before != (_shown(status), boards):
            self._frame()
            self.refresh()

    def tell_planned(self, grad_accum_steps: int | None) -> None:
        """Say into how many parts a batch was to be divided; None where that is not known."""
        self._planned = grad_accum_steps
        self._frame()
        self.refresh()

    def render(self) -> Content:
        """The figures as lines; on a single one the most important."""
        status, width, rows = self._status, max(1, self.size.width), self.size.height
        if status is None:
            return Content.styled("the trainer has not said yet what it computes on", "$muted")
        if len(status.ranks) > 1:
            return self._ranks(status, width, rows)
        device = status.device
        if rows <= 1:
            return self._one_line(device, width)
        is_card = device.kind == "cuda"
        lines = card_lines(device, self._board(device), width) if is_card else _on_processor(device, width)
        if device.reason:
            # A long one goes on in the lines below, if there are some.
            lines += Content.styled(plain(device.reason), "$muted").wrap(width)
        return Content("\n").join(line.truncate(width, ellipsis=True) for line in lines[:rows])

    def _board(self, device: Device) -> Board | None:
        return self._boards.get(device.uuid or "")

    def _one_line(self, device: Device, width: int) -> Content:
        """Name, memory and load, and what is out of the ordinary; what there is no room for goes from the right."""
        board, mishaps = self._board(device), self._mishaps(width // 2)
        title = Content(_title(device, board))
        if device.kind == "cuda":
            memory, alarms, more = card_on_one_line(device, board)
        else:
            memory, alarms, more = Content(f"{memory_of(device).figures} GiB"), [], [Content(f"CPU {_load(device)}")]
        while more and Content(_GAP).join([title, memory, *alarms, *more, *mishaps]).cell_length > width:
            more.pop()
        # For what is wrong the name may be cut short.
        while alarms and _LEAST_TITLE + Content(_GAP).join(["", memory, *alarms, *mishaps]).cell_length > width:
            alarms.pop()
        end = Content(_GAP).join([memory, *alarms, *more, *mishaps])
        return Content(_GAP).join(
            [title.truncate(max(_LEAST_TITLE, width - end.cell_length - len(_GAP)), ellipsis=True), end]
        )

    def _ranks(self, status: Status, width: int, rows: int) -> Content:
        if rows > _COMPACT_ROWS:
            return Content("\n").join(rank_lines(status.ranks, self._boards, width, rows))
        # Without a frame there is no foot: what belongs there stands at the end of the last line.
        foot = Content(_GAP).join(["", *self._mishaps(width // 2)])
        lines = rank_lines(status.ranks, self._boards, width - foot.cell_length, rows)
        return Content.assemble(Content("\n").join(lines), foot)

    def _frame(self) -> None:
        status = self._status
        if status is None:
            return
        # The frame's corners, and a dash and a blank on either side.
        room, mishaps = self.size.width - 2, self._mishaps(self.size.width - 2)
        if len(status.ranks) > 1:
            self.border_title, self.border_subtitle = Content(_title_of_ranks(status)), Content(_GAP).join(mishaps)
            return
        uuid = status.device.uuid
        card = Content.styled(f"uuid …{plain(uuid)[-6:]}" if uuid else "", "$muted")
        title = Content(_title(status.device, self._board(status.device)))
        with_card = Content("  ").join([title, card] if uuid else [title])
        fits = with_card.cell_length <= room
        self.border_title = with_card if fits else title
        foot = Content(_GAP).join([card, *mishaps] if uuid and not fits else mishaps)
        self.border_subtitle = foot if foot.cell_length <= room else Content("  ").join(mishaps)

    def _mishaps(self, width: int) -> list[Content]:
        """What training had to do without: nothing where all is well; shorter where `width` columns are too few."""
        status = self._status
        if status is None:
            return []
        skipped, back, parts = status.skipped_steps, status.rollbacks, status.grad_accum_steps
        told = []
        if skipped:
            told.append(
                (f"{count(skipped)} {'update' if skipped == 1 else 'updates'} skipped", f"{count(skipped)} skipped")
            )
        if back:
            rollbacks = f"{count(back)} {'rollback' if back == 1 else 'rollbacks'}"
            told.append((rollbacks, rollbacks))
        if self._planned is not None and parts > self._planned:
            told.append((f"batch in {count(parts)} parts", f"batch ÷{count(parts)}"))
        long, short = ([Content.styled(words[length], "$look") for words in told] for length in (0, 1))
        return long if Content(_GAP).join(long).cell_length <= width else short


def _shown(status: Status) -> tuple[object, ...]:
    return status.device, status.ranks, status.skipped_steps, status.rollbacks, status.grad_accum_steps


def _title(device: Device, board: Board | None = None) -> str:
    kind = {"cuda": "GPU", "mps": "Apple GPU", "cpu": "CPU"}.get(device.kind, plain(device.kind, 20))
    number = f" {board.index}" if board is not None and board.index is not None else ""
    return f"{kind}{number}  {plain(device.name, 40)}".rstrip()


def _title_of_ranks(status: Status) -> str:
    ranks = status.ranks
    hosts = len({each.host for each in ranks})
    titles = {_title(each.device) for each in ranks}
    places = f"{len(ranks)} ranks{f' on {hosts} hosts' if hosts > 1 else ''}"
    return f"{places}: {titles.pop()}" if len(titles) == 1 else places


def _on_processor(device: Device, width: int) -> list[Content]:
    memory = memory_of(device)
    lines = [
        bar(memory, width),
        Content(f"process {HELD} {memory.figures} GiB"),
        Content(f"others {OTHERS} {gibibytes(memory.others)}   free {FREE} {gibibytes(memory.free)} GiB"),
        Content.styled("! memory nearly full" if memory.is_tight else "", "$look"),
        Content(f"CPU {_load(device)}"),
    ]
    return [line for line in lines if line.plain]


def _load(device: Device) -> str:
    load = device.cpu_percent
    return UNKNOWN if load is None else f"{load:.0f} % ({load / 100:.1f} cores)"
