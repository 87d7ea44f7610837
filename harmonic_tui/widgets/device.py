"""What the run computes on, and how full it is. A figure that cannot be known is n/a."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from harmonic_core.run.words import UNKNOWN, count
from harmonic_tui.plain import plain
from harmonic_tui.widgets.memory import bar, memory_of
from harmonic_tui.widgets.ranks import rank_lines
from harmonic_tui.wording import gibibytes, percent

if TYPE_CHECKING:
    from harmonic_core.run.status import Device, Status

_GAP = "   "
_WIDEST_BAR = 40
_COMPACT_ROWS = 3
"""Most rows of the panel where it has no frame."""


class DevicePanel(Widget):
    """Memory of the graphics card, of every rank's where there are several, or of the process where there is none.

    Its foot tells what training had to do without, if anything.
    """

    def __init__(self) -> None:
        super().__init__(id="device", classes="frame")
        self._status: Status | None = None
        self._planned: int | None = None

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.border_title = Content("Memory")

    def on_resize(self) -> None:
        """The foot is made for the width."""
        self._frame()

    def tell(self, status: Status) -> None:
        """Show other figures."""
        before, self._status = self._status, status
        if before is None or _shown(before) != _shown(status):
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
        lines = _on_card(device, width) if device.kind == "cuda" else _on_processor(device, width)
        if device.reason:
            lines.append(Content.styled(plain(device.reason), "$muted"))
        return Content("\n").join(line.truncate(width, ellipsis=True) for line in lines)

    def _one_line(self, device: Device, width: int) -> Content:
        figures = [Content(f"{memory_of(device).figures} GiB"), *self._mishaps(width // 2)]
        load = Content(f"CPU {_load(device)}")
        title = Content(_title(device))
        if Content(_GAP).join([title, load, *figures]).cell_length <= width:
            figures.insert(1, load)
        end = Content(_GAP).join(figures)
        return Content(_GAP).join([title.truncate(max(8, width - end.cell_length - len(_GAP)), ellipsis=True), end])

    def _ranks(self, status: Status, width: int, rows: int) -> Content:
        if rows > _COMPACT_ROWS:
            return Content("\n").join(rank_lines(status.ranks, width, rows))
        # Without a frame there is no foot: what belongs there stands at the end of the last line.
        foot = Content(_GAP).join(["", *self._mishaps(width // 2)])
        return Content.assemble(Content("\n").join(rank_lines(status.ranks, width - foot.cell_length, rows)), foot)

    def _frame(self) -> None:
        status = self._status
        if status is None:
            return
        self.border_title = Content(_title_of_ranks(status) if len(status.ranks) > 1 else _title(status.device))
        uuid = status.device.uuid if len(status.ranks) <= 1 else None
        room = self.size.width - 2
        mishaps = self._mishaps(room)
        card = Content.styled(f"uuid …{plain(uuid)[-6:]}" if uuid else "", "$muted")
        foot = Content(_GAP).join([card, *mishaps] if uuid else mishaps)
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


def _title(device: Device) -> str:
    kind = {"cuda": "GPU", "mps": "Apple GPU", "cpu": "CPU"}.get(device.kind, plain(device.kind, 20))
    return f"{kind}  {plain(device.name, 40)}".rstrip()


def _title_of_ranks(status: Status) -> str:
    ranks = status.ranks
    hosts = len({each.host for each in ranks})
    titles = {_title(each.device) for each in ranks}
    places = f"{len(ranks)} ranks{f' on {hosts} hosts' if hosts > 1 else ''}"
    return f"{places}: {titles.pop()}" if len(titles) == 1 else places


def _on_card(device: Device, width: int) -> list[Content]:
    allocated, reserved = device.allocated_bytes, device.reserved_bytes
    wasted = percent((reserved - allocated) / reserved) if reserved and allocated is not None else UNKNOWN
    return [
        _bar_line("memory ", device, f" of {gibibytes(device.total_bytes)} GiB", width),
        Content(f"tensors {gibibytes(allocated)}, allocator {gibibytes(reserved)} GiB"),
        Content(f"peak {gibibytes(device.peak_bytes)}   held but unused {wasted}"),
        Content(f"free on the card {gibibytes(device.free_bytes)} GiB"),
        Content(f"process {gibibytes(device.resident_bytes)} GiB   CPU {_load(device, cores=False)}"),
    ]


def _on_processor(device: Device, width: int) -> list[Content]:
    memory = memory_of(device)
    return [
        _bar_line("process ", device, f" {memory.figures} GiB", width),
        Content(f"in use {gibibytes(memory.kept)} GiB   free {gibibytes(device.free_bytes)} GiB"),
        Content(f"CPU {_load(device)}"),
    ]


def _bar_line(name: str, device: Device, figures: str, width: int) -> Content:
    memory = memory_of(device)
    drawn = bar(memory, min(_WIDEST_BAR, width - len(name) - len(figures)))
    if not drawn.plain:
        return Content(f"{name.strip()}{figures}")
    return Content.assemble(name, drawn, figures, Content.styled(" nearly full", "$look") if memory.is_tight else "")


def _load(device: Device, *, cores: bool = True) -> str:
    load = device.cpu_percent
    return UNKNOWN if load is None else f"{load:.0f} % ({load / 100:.1f} cores)" if cores else f"{load:.0f} %"
