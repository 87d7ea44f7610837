"""What the run computes on, and how full it is. A figure that cannot be known is n/a."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from harmonic_core.run.status import Device
from harmonic_tui.plain import plain
from harmonic_tui.wording import UNKNOWN, gibibytes, percent

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
            self.border_subtitle = Content.styled(uuid, "$text-muted")
            self.refresh()

    def render(self) -> Content:
        """The figures as lines; on a single one the most important."""
        device = self._device
        if device is None:
            return Content.styled("the trainer has not said yet what it computes on", "$text-muted")
        one_line = self.size.height <= 1
        lines = _on_card(device, self.size.width) if device.kind == "cuda" else _on_processor(device, self.size.width)
        if one_line:
            return Content.assemble(f"{_title(device)}   ", _short(device))
        if device.reason:
            lines.append(Content.styled(plain(device.reason), "$text-muted"))
        return Content("\n").join(lines)


def _title(device: Device) -> str:
    kind = {"cuda": "GPU", "mps": "Apple GPU", "cpu": "CPU"}.get(device.kind, plain(device.kind, 20))
    return f"{kind}  {plain(device.name, 40)}".rstrip()


def _short(device: Device) -> Content:
    held = device.allocated_bytes if device.kind == "cuda" else device.resident_bytes
    load = f"   CPU {_load(device)}"
    return Content(f"{gibibytes(held)} of {gibibytes(device.total_bytes)} GiB{load}")


def _on_card(device: Device, width: int) -> list[Content]:
    allocated, reserved, total = device.allocated_bytes, device.reserved_bytes, device.total_bytes
    figures = f" {gibibytes(allocated)} | {gibibytes(reserved)} of {gibibytes(total)} GiB"
    wasted = percent((reserved - allocated) / reserved) if reserved and allocated is not None else UNKNOWN
    return [
        _bar("tensors ", (allocated, reserved, total), figures, width),
        Content(f"peak {gibibytes(device.peak_bytes)} GiB   free {gibibytes(device.free_bytes)} GiB"),
        Content(f"held by the allocator but unused {wasted}"),
        Content(f"process {gibibytes(device.resident_bytes)} GiB   CPU {_load(device)}"),
    ]


def _on_processor(device: Device, width: int) -> list[Content]:
    resident, total = device.resident_bytes, device.total_bytes
    used = total - device.free_bytes if total is not None and device.free_bytes is not None else None
    figures = f" {gibibytes(resident)} of {gibibytes(total)} GiB"
    return [
        _bar("process ", (resident, used, total), figures, width),
        Content(f"free on this machine {gibibytes(device.free_bytes)} GiB"),
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


def _load(device: Device) -> str:
    return UNKNOWN if device.cpu_percent is None else f"{device.cpu_percent:.0f} % ({device.cpu_percent / 100:.1f} cores)"
