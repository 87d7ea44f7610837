"""Memory as figures and as a bar. What cannot be known is n/a."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content

from harmonic_core.run.board import memory_of_others, whole_memory
from harmonic_tui.wording import gibibytes

if TYPE_CHECKING:
    from harmonic_core.run.board import Board
    from harmonic_core.run.status import Device

HELD, KEPT, OTHERS, FREE = "▮", "▯", "░", "·"
"""What a bar is made of: what the run uses, what it keeps besides, what others have, what nobody has."""
_TIGHT = 0.92
_LEAST_CELLS = 4


class Memory(NamedTuple):
    """Bytes of a device, or of the machine: how many there are, and whose they are."""

    held: int | None
    """Used: by tensors, or by the process."""
    kept: int | None
    """Held by the allocator, what is used included; None where there is no allocator."""
    others: int | None
    """In use by others: other processes, and on a card also what CUDA needs for itself."""
    total: int | None

    @property
    def is_tight(self) -> bool:
        """Whether there is little left for the run, whether free or kept by its allocator already."""
        if self.held is None or not self.total:
            return False
        return (self.held + (self.others or 0)) / self.total > _TIGHT

    @property
    def free(self) -> int | None:
        """What nobody has."""
        if self.total is None or self.others is None:
            return None
        return self.total - self.others - ((self.held if self.kept is None else self.kept) or 0)

    @property
    def figures(self) -> str:
        """`11.2 of 79.6`, in GiB and without the unit."""
        return f"{gibibytes(self.held)} of {gibibytes(self.total)}"

    @property
    def figures_with_kept(self) -> str:
        """`11.2│14.0 of 79.6`, in GiB and without the unit: used, then held by the allocator."""
        kept = "" if self.kept is None else f"│{gibibytes(self.kept)}"
        return f"{gibibytes(self.held)}{kept} of {gibibytes(self.total)}"


def memory_of(device: Device, board: Board | None = None) -> Memory:
    """Memory of a graphics card, or of the machine where the run has none.

    What the run uses and keeps of a card is told by the trainer. How large the card is and how much of it is free is
    told by the driver, and by the trainer where the driver tells nothing; never one by the one and one by the other.
    """
    total, _ = whole_memory(device, board)
    others = memory_of_others(device, board)
    if device.kind == "cuda":
        return Memory(device.allocated_bytes, device.reserved_bytes, others, total)
    return Memory(device.resident_bytes, None, others, total)


def bar(memory: Memory, cells: int) -> Content:
    """A bar of `cells` cells; nothing where the memory is unknown or there is too little room."""
    held, kept, others, total = memory
    if held is None or not total or cells < _LEAST_CELLS:
        return Content("")
    ends = [held, max(held, kept or 0), max(held, kept or 0) + (others or 0), total]
    places = [round(cells * min(1.0, end / total)) for end in ends]
    lengths = [end - start for start, end in zip([0, *places], places, strict=False)]
    hues = ["$look" if memory.is_tight else "$primary", "$primary", "$ticks", "$faint"]
    signs = (HELD, KEPT, OTHERS, FREE)
    return Content.assemble(
        *(Content.styled(sign * length, hue) for sign, length, hue in zip(signs, lengths, hues, strict=True))
    )
