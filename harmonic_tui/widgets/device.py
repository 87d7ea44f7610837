"""What the run computes on, and how full it is. A figure that cannot be known is n/a."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from harmonic_core.run.words import UNKNOWN
from harmonic_tui.plain import plain
from harmonic_tui.wording import gibibytes, percent

if TYPE_CHECKING:
    from harmonic_core.run.status import Device

_FULL, _KEPT, _FREE = "▮", "▯", "░"
_TIGHT = 0.92


class DevicePanel(Widget):
    """Memory of the graphics card, or of the process where there is none."""

    def __init__(self) -> None:
        super().__init__(id="device", classes="frame")
        self._device: Device | None = None

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.border_title = Content("Memory")

    def tell(self, device: Device | None) -> None:
        """Show other figures."""
        if device != self._device:
            self._device = device
            self.border_title = Content(_title(device) if device else "Memory")
            uuid = f"uuid …{plain(device.uuid)[-6:]}" if device and device.uuid else ""
            self.border_subtitle = Content.styled(uuid, "$muted")
            self.refresh()

    def render(self) -> Content:
        """The figures as lines; on a single one the most important."""
        device = self._device
        if device is None:
            return Content.styled("the trainer has not said yet what it computes on", "$muted")
        one_line = self.size.height <= 1
        lines = _on_card(device, self.size.width) if device.kind == "cuda" else _on_processor(device, self.size.width)
        if one_line:
            return Content.assemble(f"{_title(device)}   ", _short(device))
        if device.reason:
            lines.append(Content.styled(plain(device.reason), "$muted"))
        width = max(1, self.size.width)
        return Content("\n").join(line.truncate(width, ellipsis=True) for line in lines)


def _title(device: Device) -> str:
    kind = {"cuda": "GPU", "mps": "Apple GPU", "cpu": "CPU"}.get(device.kind, plain(device.kind, 20))
    return f"{kind}  {plain(device.name, 40)}".rstrip()


def _short(device: Device) -> Content:
    held = device.allocated_bytes if device.kind == "cuda" else device.resident_bytes
    load = f"   CPU {_load(device)}"
    return Content(f"{gibibytes(held)} of {gibibytes(device.total_bytes)} GiB{load}")


def _on_card(device: Device, width: int) -> list[Content]:
    allocated, reserved, total = device.allocated_bytes, device.reserved_bytes, device.total_bytes
    wasted = percent((reserved - allocated) / reserved) if reserved and allocated is not None else UNKNOWN
    return [
        _bar("memory ", (allocated, reserved, total), f" of {gibibytes(total)} GiB", width),
        Content(f"tensors {gibibytes(allocated)}, allocator {gibibytes(reserved)} GiB"),
        Content(f"peak {gibibytes(device.peak_bytes)}   held but unused {wasted}"),
        Content(f"free on the card {gibibytes(device.free_bytes)} GiB"),
        Content(f"process {gibibytes(device.resident_bytes)} GiB   CPU {_load(device, cores=False)}"),
    ]


def _on_processor(device: Device, width: int) -> list[Content]:
    resident, total = device.resident_bytes, device.total_bytes
    used = total - device.free_bytes if total is not None and device.free_bytes is not None else None
    figures = f" {gibibytes(resident)} of {gibibytes(total)} GiB"
    return [
        _bar("process ", (resident, used, total), figures, width),
        Content(f"in use {gibibytes(used)} GiB   free {gibibytes(device.free_bytes)} GiB"),
        Content(f"CPU {_load(device)}"),
    ]


def _bar(name: str, sizes: tuple[int | None, int | None, int | None], figures: str, width: int) -> Content:
    held, kept, total = sizes
    cells = min(40, width - len(name) - len(figures))
    if held is None or not total or cells < 4:
        return Content(f"{name.strip()}{figures}")
    full = round(cells * min(1.0, held / total))
    more = round(cells * min(1.0, max(held, kept or 0) / total)) - full
    hue = "$look" if held / total > _TIGHT else "$primary"
    return Content.assemble(
        name,
        Content.styled(_FULL * full, hue),
        Content.styled(_KEPT * more, "$ticks"),
        Content.styled(_FREE * (cells - full - more), "$faint"),
        figures,
        Content.styled(" nearly full", "$look") if held / total > _TIGHT else "",
    )


def _load(device: Device, *, cores: bool = True) -> str:
    load = device.cpu_percent
    return UNKNOWN if load is None else f"{load:.0f} % ({load / 100:.1f} cores)" if cores else f"{load:.0f} %"
