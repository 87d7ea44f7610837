"""What the driver says of a run's graphics cards: how busy, how hot, how much power, how much memory is in use.

Every figure of a card has one source. What the allocator holds comes from the trainer's heartbeat, since nobody else
knows it. Everything else comes from the driver (NVML), asked by whoever shows it, on the trainer's own host. The memory
of the whole card comes from the driver too; where that is not to be had, from the trainer, whom CUDA tells it.
"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harmonic_core.run.status import Device, Status

_PAUSE_AFTER_TROUBLE_S = 60.0


@dataclass(frozen=True)
class Board:
    """One card, as its driver sees it. Each figure may be unknown alone: drivers refuse what they like."""

    index: int | None = None
    """Number of the card as `nvidia-smi` counts, whatever order the trainer sees."""
    total_bytes: int | None = None
    """Memory of the card, or of the trainer's slice of it."""
    free_bytes: int | None = None
    busy_percent: int | None = None
    """Share of the last moments in which the card computed anything at all."""
    power_w: float | None = None
    power_limit_w: float | None = None
    """The limit that is enforced now."""
    temperature_c: int | None = None
    slows_at_c: int | None = None
    """Temperature at which the card begins to slow itself down."""
    held_back_by: str = ""
    """What keeps the card below its speed: `heat`, `power supply`; empty where nothing does, or it is not told."""
    is_slice: bool = False
    """Whether the trainer has a slice of the card (MIG): power and temperature are those of all of it."""
    missing: str = ""
    """Why figures are missing, in a few words."""

    @property
    def knows_memory(self) -> bool:
        """Whether the driver tells how full the card is."""
        return self.total_bytes is not None and self.free_bytes is not None

    @property
    def is_hot(self) -> bool:
        """Whether heat slows the card down, or is about to."""
        near = self.slows_at_c is not None and self.temperature_c is not None
        return self.held_back_by == "heat" or (near and (self.temperature_c or 0) >= (self.slows_at_c or 0) - 5)


_FIGURES = tuple(field.name for field in fields(Board) if field.default is None and field.name != "index")


class BoardReader:
    """Asks the driver, which is opened at the first question and let go of with `close`.

    Where there is none it is not looked for again. A driver that was unloaded, or has lost a card, is left alone for a
    while and then opened anew.

    Parameters
    ----------
    clock
        Seconds on any clock.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._nvml: Any = None
        self._handles: dict[str, Any] = {}
        self._refusal, self._again_at = "", -math.inf
        self._lost: dict[str, tuple[str, float]] = {}
        """Cards that the driver has lost: what it said, and when to ask again."""

    def read(self, uuid: str) -> Board:
        """What is known of a card now.

        Parameters
        ----------
        uuid
            As the driver (`GPU-…`, `MIG-…`) or as torch writes it, which leaves the beginning out.
        """
        if uuid in self._lost:
            why, again_at = self._lost[uuid]
            if self._clock() < again_at:
                return Board(missing=why)
            # Only a driver that is opened anew sees a card that came back.
            self.close()
        if not self._is_open():
            return Board(missing=self._refusal)
        nvml = self._nvml
        try:
            handle = self._handle(uuid)
            card, is_slice = self._whole_card(handle)
            board = self._ask_everything(handle, card, is_slice)
        except nvml.NVMLError as error:
            return Board(missing=self._reason(error, uuid))
        if all(getattr(board, name) is None for name in _FIGURES):
            return Board(board.index, is_slice=is_slice, missing="the driver tells nothing of this card")
        return board

    def close(self) -> None:
        """Let go of the driver; the next question opens it anew."""
        if self._nvml is not None:
            with suppress(self._nvml.NVMLError):
                self._nvml.nvmlShutdown()
        self._nvml = None
        self._handles.clear()
        self._lost.clear()

    def _is_open(self) -> bool:
        if self._nvml is not None:
            return True
        if self._clock() < self._again_at:
            return False
        import pynvml

        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            absent = error.value == pynvml.NVML_ERROR_LIBRARY_NOT_FOUND
            self._again_at = math.inf if absent else self._clock() + _PAUSE_AFTER_TROUBLE_S
            self._refusal = "no NVIDIA driver here" if absent else f"the driver refuses: {_words(error)}"
            return False
        self._nvml = pynvml
        return True

    def _handle(self, uuid: str) -> Any:
        """The card, or slice of one, that has this very identity; never one that merely has the same number."""
        if uuid not in self._handles:
            nvml = self._nvml
            names = [uuid] if uuid.startswith(("GPU-", "MIG-")) else [f"GPU-{uuid}", f"MIG-{uuid}"]
            for name in names:
                try:
                    self._handles[uuid] = nvml.nvmlDeviceGetHandleByUUID(name)
                    break
                except nvml.NVMLError as error:
                    if name == names[-1] or error.value not in self._unknown_card:
                        raise
        return self._handles[uuid]

    def _whole_card(self, handle: Any) -> tuple[Any, bool]:
        """The card itself, and whether the trainer has but a slice of it."""
        nvml = self._nvml
        if self._ask("nvmlDeviceIsMigDeviceHandle", handle, lambda answer: bool(answer.value)):
            return self._ask("nvmlDeviceGetDeviceHandleFromMigDeviceHandle", handle), True
        # Older versions of CUDA tell the card's identity, not the slice's.
        return handle, self._ask("nvmlDeviceGetMigMode", handle, lambda modes: modes[0]) == nvml.NVML_DEVICE_MIG_ENABLE

    def _ask_everything(self, handle: Any, card: Any, is_slice: bool) -> Board:
        nvml = self._nvml
        # Of a slice of which only the card is known, what the driver has of the memory is the card's.
        memory = None if is_slice and handle is card else self._ask("nvmlDeviceGetMemoryInfo", handle)
        asked = {
            "busy_percent": self._ask("nvmlDeviceGetUtilizationRates", handle, lambda rates: int(rates.gpu)),
            "total_bytes": int(memory.total) if memory else None,
            "free_bytes": int(memory.free) if memory else None,
        }
        if card is None:
            return Board(**asked, is_slice=is_slice)
        return Board(
            **asked,
            index=self._ask("nvmlDeviceGetIndex", card),
            power_w=self._ask("nvmlDeviceGetPowerUsage", card, _watts),
            power_limit_w=self._ask("nvmlDeviceGetEnforcedPowerLimit", card, _watts),
            temperature_c=self._ask("nvmlDeviceGetTemperature", card, None, nvml.NVML_TEMPERATURE_GPU),
            slows_at_c=self._ask(
                "nvmlDeviceGetTemperatureThreshold", card, None, nvml.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN
            ),
            held_back_by=self._ask("nvmlDeviceGetCurrentClocksEventReasons", card, self._cause) or "",
            is_slice=is_slice,
        )

    def _ask(self, question: str, handle: Any, taken: Callable[[Any], Any] | None = None, *more: Any) -> Any:
        """The answer to one question; None where the driver has none, or this time has none.

        Raises
        ------
        pynvml.NVMLError
            If the card is lost, or the driver: then no other answer counts.
        """
        nvml = self._nvml
        try:
            answer = getattr(nvml, question)(handle, *more)
        except nvml.NVMLError as error:
            if error.value in self._card_is_gone | self._driver_is_gone:
                raise
            return None
        return taken(answer) if taken else answer

    def _cause(self, reasons: int) -> str:
        """What holds the clock back that should not; a card at its power limit is merely at work."""
        nvml = self._nvml
        heat = nvml.nvmlClocksEventReasonSwThermalSlowdown | nvml.nvmlClocksEventReasonHwThermalSlowdown
        if reasons & heat:
            return "heat"
        brake = nvml.nvmlClocksEventReasonHwPowerBrakeSlowdown | nvml.nvmlClocksEventReasonHwSlowdown
        return "power supply" if reasons & brake else ""

    def _reason(self, error: Any, uuid: str) -> str:
        again_at = self._clock() + _PAUSE_AFTER_TROUBLE_S
        if error.value in self._unknown_card:
            return "the driver here does not know this card"
        if error.value in self._card_is_gone:
            self._lost[uuid] = f"the driver lost this card: {_words(error)}", again_at
            return self._lost[uuid][0]
        refusal = f"the driver refuses: {_words(error)}"
        if error.value in self._driver_is_gone:
            self.close()
            self._refusal, self._again_at = refusal, again_at
        return refusal

    @property
    def _unknown_card(self) -> set[int]:
        return {self._nvml.NVML_ERROR_NOT_FOUND, self._nvml.NVML_ERROR_INVALID_ARGUMENT}

    @property
    def _card_is_gone(self) -> set[int]:
        return {self._nvml.NVML_ERROR_GPU_IS_LOST, self._nvml.NVML_ERROR_RESET_REQUIRED}

    @property
    def _driver_is_gone(self) -> set[int]:
        nvml = self._nvml
        return {
            nvml.NVML_ERROR_UNINITIALIZED,
            nvml.NVML_ERROR_DRIVER_NOT_LOADED,
            nvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
        }


def whole_memory(device: Device, board: Board | None) -> tuple[int | None, int | None]:
    """Bytes that a device has, and that are free: both from the driver, or both from the trainer."""
    if device.kind == "cuda" and board is not None and board.knows_memory:
        return board.total_bytes, board.free_bytes
    return device.total_bytes, device.free_bytes


def memory_of_others(device: Device, board: Board | None) -> int | None:
    """Bytes in use that are not the run's: other processes', and on a card what CUDA itself needs; None if unknown."""
    total, free = whole_memory(device, board)
    own = device.reserved_bytes if device.kind == "cuda" else device.resident_bytes
    if total is None or free is None or own is None:
        return None
    # They were not measured in the same moment.
    return max(0, total - free - own)


def unread_boards(status: Status, *, active: bool) -> dict[str, Board]:
    """Cards of which the driver need not be asked, and why not, by their UUID as the trainer writes it."""
    here = socket.gethostname()
    told = {}
    for device, host in _cards(status):
        if not active:
            told[device.uuid or ""] = Board(missing="the run has ended")
        elif host != here:
            told[device.uuid or ""] = Board(missing=f"the card is in {host}, not here")
        elif not device.uuid:
            told[""] = Board(missing="the trainer does not know the card's UUID")
    return told


def read_boards(status: Status, reader: BoardReader, *, active: bool) -> dict[str, Board]:
    """What the driver says of every card of a run, by its UUID as the trainer writes it.

    Parameters
    ----------
    status
        What the trainer says of its devices. Those of another host cannot be asked of from here.
    reader
        Asks.
    active
        Whether a trainer is at work: what a card does for others is no figure of the run.
    """
    unread = unread_boards(status, active=active)
    wanted = {device.uuid or "" for device, _ in _cards(status)} - unread.keys()
    return unread | {uuid: reader.read(uuid) for uuid in sorted(wanted)}


def _cards(status: Status) -> Iterator[tuple[Device, str]]:
    """Graphics cards of a run and their hosts; one that the first rank tells of twice comes twice."""
    devices = [(status.device, status.host), *((rank.device, rank.host) for rank in status.ranks)]
    yield from ((device, host) for device, host in devices if device.kind == "cuda")


def _watts(milliwatts: int) -> float:
    return milliwatts / 1000.0


def _words(error: Exception) -> str:
    """What a driver says of itself, harmless to show."""
    from harmonic_core.text import plain

    return plain(str(error), 60)
