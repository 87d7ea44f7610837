"""One graphics card in words: what the trainer says of its memory, and the driver of everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from harmonic_core.run.words import UNKNOWN, count
from harmonic_tui.plain import plain
from harmonic_tui.widgets.memory import HELD, KEPT, OTHERS, Memory, bar, memory_of
from harmonic_tui.wording import gibibytes, percent

if TYPE_CHECKING:
    from harmonic_core.run.board import Board
    from harmonic_core.run.status import Device

_GAP = "   "


def card_lines(device: Device, board: Board | None, width: int) -> list[Content]:
    """Everything that is known of a card, the most important first."""
    memory = memory_of(device, board)
    is_told = board is None or not board.missing
    notes = [line for note in _notes(board) for line in Content.styled(note, "$muted").wrap(width)]
    lines = [
        bar(memory, width),
        _legend(memory, width),
        *([_at_work(board, width)] if is_told else notes),
        *(Content.styled(f"! {word}", "$look") for word in warnings(device, board)),
        Content(f"peak {gibibytes(device.peak_bytes)} GiB{_GAP}fragmentation {percent(device.fragmentation)}"),
        _fitting([_retries(device), *_ooms(device), Content(f"free {gibibytes(memory.free)} GiB")], width),
        *(notes if is_told else []),
        Content(f"process {gibibytes(device.resident_bytes)} GiB{_GAP}CPU {_percent_of_a_core(device)}"),
    ]
    return [line for line in lines if line.plain]


def card_on_one_line(device: Device, board: Board | None) -> tuple[Content, list[Content], list[Content]]:
    """Memory; what is wrong; and what may be left out where there is no room for it, from the right."""
    memory = memory_of(device, board)
    alarms = [Content.styled(f"! {word}", "$look") for word in warnings(device, board)]
    known = [busy(board), temperature(board), watts(board)] if board is not None and not board.missing else []
    return Content(f"{memory.figures_with_kept} GiB"), alarms, list(map(Content, known))


def warnings(device: Device, board: Board | None) -> list[str]:
    """What to look at; nothing while all is well."""
    told = []
    if board is not None and board.held_back_by:
        told.append(f"slowed down by {plain(board.held_back_by, 20)}")
    elif board is not None and board.is_hot:
        told.append(f"hot: slows down at {board.slows_at_c} °C")
    if memory_of(device, board).is_tight:
        told.append("memory nearly full")
    return told


def busy(board: Board | None) -> str:
    """`93 %`."""
    return UNKNOWN if board is None or board.busy_percent is None else f"{board.busy_percent} %"


def watts(board: Board | None) -> str:
    """`412 W`."""
    return f"{_whole(board.power_w if board else None)} W"


def temperature(board: Board | None) -> str:
    """`61 °C`."""
    return f"{_whole(board.temperature_c if board else None)} °C"


def _legend(memory: Memory, width: int) -> Content:
    """`allocated ▮ 11.2  reserved ▯ 14.0  others ░ 1.70  / 79.6 GiB`; without the words where there is no room."""
    parts = (("allocated", HELD, memory.held), ("reserved", KEPT, memory.kept), ("others", OTHERS, memory.others))
    figures = [f"{sign} {gibibytes(size)}" for _, sign, size in parts]
    total = f"/ {gibibytes(memory.total)} GiB"
    worded = Content("  ").join([*(f"{name} {each}" for (name, *_), each in zip(parts, figures, strict=True)), total])
    return worded if worded.cell_length <= width else Content("  ").join([*figures, total])


def _at_work(board: Board | None, width: int) -> Content:
    """`busy 93 %   412 of 700 W   61 °C`."""
    power = _whole(board.power_w if board else None)
    limit = _whole(board.power_limit_w if board else None)
    hot = "$look" if board is not None and board.is_hot else ""
    parts = [Content(f"busy {busy(board)}"), Content(f"{power} of {limit} W"), Content.styled(temperature(board), hot)]
    line = Content(_GAP).join(parts)
    return line if line.cell_length <= width else Content("  ").join(parts)


def _fitting(parts: list[Content], width: int) -> Content:
    while len(parts) > 1 and Content(_GAP).join(parts).cell_length > width:
        parts = parts[:-1]
    return Content(_GAP).join(parts)


def _retries(device: Device) -> Content:
    known = UNKNOWN if device.retries is None else count(device.retries)
    return Content.styled(f"retries {known}", "$look" if device.retries else "")


def _ooms(device: Device) -> list[Content]:
    return [Content.styled(f"out of memory {count(device.ooms)} ×", "$look")] if device.ooms else []


def _notes(board: Board | None) -> list[str]:
    """Whose figures these are, where it is not as usual."""
    if board is None:
        return []
    if board.missing:
        return [f"board n/a: {plain(board.missing, 120)}; memory as the trainer tells it"]
    notes = []
    if board.is_slice:
        notes.append("a slice (MIG): power and heat are the whole card's")
    if not board.knows_memory:
        notes.append("memory as the trainer tells it")
    return notes


def _whole(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.0f}"


def _percent_of_a_core(device: Device) -> str:
    return UNKNOWN if device.cpu_percent is None else f"{device.cpu_percent:.0f} %"
