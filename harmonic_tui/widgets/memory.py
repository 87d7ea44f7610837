"""Memory as figures and as a bar. What cannot be known is n/a."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content

from harmonic_tui.wording import gibibytes

if TYPE_CHECKING:
    from harmonic_core.run.status import Device

_FULL, _KEPT, _FREE = "▮", "▯", "░"
_TIGHT = 0.92
_LEAST_CELLS = 4


class Memory(NamedTuple):
    """Bytes that something holds, that are kept besides or in use by others, and that there are."""

    held: int | None
    kept: int | None
    total: int | None

    @property
    def is_tight(self) -> bool:
        """Whether it is nearly full."""
        return self.held is not None and bool(self.total) and self.held / (self.total or 1) > _TIGHT

    @property
    def figures(self) -> str:
        """`11.2 of 79.6`, in GiB and without the unit."""
        return f"{gibibytes(self.held)} of {gibibytes(self.total)}"


def memory_of(device: Device) -> Memory:
    """Of a graphics card what tensors and the allocator hold; else what the process holds and all together use."""
    total = device.total_bytes
    if device.kind == "cuda":
        return Memory(device.allocated_bytes, device.reserved_bytes, total)
    used = total - device.free_bytes if total is not None and device.free_bytes is not None else None
    return Memory(device.resident_bytes, used, total)


def bar(memory: Memory, cells: int) -> Content:
    """A bar of `cells` cells; nothing where the memory is unknown or there is too little room."""
    held, kept, total = memory
    if held is None or not total or cells < _LEAST_CELLS:
        return Content("")
    full = round(cells * min(1.0, held / total))
    more = round(cells * min(1.0, max(held, kept or 0) / total)) - full
    return Content.assemble(
        Content.styled(_FULL * full, "$look" if memory.is_tight else "$primary"),
        Content.styled(_KEPT * more, "$ticks"),
        Content.styled(_FREE * (cells - full - more), "$faint"),
    )
