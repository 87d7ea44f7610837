"""The same long run in TensorBoard and in W&B LEET, where they are installed."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import psutil
from in_terminal import Terminal, resident_bytes
from long_run import FIGURES, figures
from numpy.typing import NDArray

GIVE_UP_S = 300.0
_POLL_S = 0.05
_AT_ONCE = 50_000
_POLYNOMIAL = 0x82F63B78
"""Of CRC-32C, reflected."""
_LOG_WITH_WANDB = """
import json, sys, wandb
rows, levels = int(sys.argv[1]), json.load(open(sys.argv[2]))
run = wandb.init(mode="offline", dir=sys.argv[3], project="console", settings=wandb.Settings(silent=True))
for step in range(rows):
    run.log(levels[step * len(levels) // rows], step=step)
run.finish()
"""


def tensorboard(folder: Path, rows: int) -> dict[str, float] | None:
    """Seconds until TensorBoard's first scalars answer, and memory then; None where it is not installed."""
    if find_spec("tensorboard") is None:
        return None
    folder.mkdir()
    write_events(folder / "events.out.tfevents.1.console", rows)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.perf_counter()
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--host", "127.0.0.1"]
    server = psutil.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        first = _wait_for_scalars(port, began, 1)
        last = _wait_for_scalars(port, began, rows)
        return {
            "first_scalars_s": round(first, 2),
            "newest_scalars_s": round(last, 2),
            "resident_mb": round(resident_bytes(server) / 1e6, 1),
        }
    finally:
        for process in [*server.children(recursive=True), server]:
            with suppress(psutil.Error):
                process.kill()
        server.wait()


def _wait_for_scalars(port: int, began: float, step: int) -> float:
    url = f"http://127.0.0.1:{port}/data/plugin/scalars/scalars?run=.&tag=loss"
    while time.perf_counter() - began < GIVE_UP_S:
        with suppress(OSError, ValueError):
            with urllib.request.urlopen(url, timeout=10) as answer:
                scalars = json.load(answer)
            if scalars and scalars[-1][1] >= step:
                return time.perf_counter() - began
        time.sleep(_POLL_S)
    raise RuntimeError(f"TensorBoard never showed step {step}")


def write_events(path: Path, rows: int) -> None:
    """An event file with a record of all figures a step. Records are all of one length, and made many at once."""
    tags = b"".join(_field(1, _field(1, tag.encode()) + b"\x15" + bytes(4)) for tag in FIGURES)
    template = b"\x09" + bytes(8) + b"\x10" + bytes(4) + _field(5, tags)
    # Where the numbers stand in a record: time, step in four bytes of seven bits, and a value for every tag.
    at_values = [template.index(_field(1, tag.encode()) + b"\x15") + len(tag) + 3 for tag in FIGURES]
    chance = random.Random(0)
    levels = np.array([list(figures(level / 1000, chance).values()) for level in range(1001)], np.float32)
    with path.open("wb") as file:
        version = b"\x09" + bytes(8) + _field(3, b"brain.Event:2")
        file.write(_records(np.frombuffer(version, np.uint8)[None]).tobytes())
        for start in range(0, rows, _AT_ONCE):
            steps = np.arange(start + 1, min(start + _AT_ONCE, rows) + 1)
            data = np.tile(np.frombuffer(template, np.uint8), (len(steps), 1))
            data[:, 1:9] = (1.7e9 + 0.3 * steps).astype("<f8").view(np.uint8).reshape(-1, 8)
            for byte in range(4):
                data[:, 10 + byte] = (steps >> (7 * byte) & 0x7F) | (0x80 if byte < 3 else 0)
            for tag, at in enumerate(at_values):
                values = levels[steps * 1000 // rows, tag].astype("<f4")
                data[:, at : at + 4] = values.view(np.uint8).reshape(-1, 4)
            file.write(_records(data).tobytes())


def _field(number: int, data: bytes) -> bytes:
    """A field of bytes in a protocol buffer."""
    length = len(data)
    size = bytes([length]) if length < 128 else bytes([length & 0x7F | 0x80, length >> 7])
    return bytes([number << 3 | 2]) + size + data


def _records(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """TFRecords: length and data, each with its check sum."""
    length = np.frombuffer(np.uint64(data.shape[1]).tobytes(), np.uint8)
    head = np.concatenate((length, _masked_sum(length[None])[0]))
    return np.concatenate((np.tile(head, (len(data), 1)), data, _masked_sum(data)), axis=1)


def _masked_sum(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1)
    total = np.full(len(data), 0xFFFFFFFF, np.uint32)
    for column in data.T:
        total = table[(total ^ column) & 0xFF] ^ (total >> 8)
    total ^= np.uint32(0xFFFFFFFF)
    masked = ((total >> 15) | (total << 17)) + np.uint32(0xA282EAD8)
    return masked.astype("<u4").view(np.uint8).reshape(-1, 4)


def leet(folder: Path, rows: int) -> dict[str, float] | None:
    """Seconds until W&B LEET shows the curve of the loss, and memory then; None where it is not installed."""
    program = shutil.which("wandb")
    if program is None:
        return None
    folder.mkdir()
    chance, levels = random.Random(0), folder / "levels.json"
    levels.write_text(json.dumps([figures(level / 1000, chance) for level in range(1000)]))
    python = Path(program).with_name("python")
    command = [str(python), "-c", _LOG_WITH_WANDB, str(rows), str(levels), str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_offline())
    run = next(folder.glob("wandb/offline-run-*"))
    terminal = Terminal([program, "leet", str(run)], _offline())
    try:
        seconds = terminal.wait_until(_shows_a_curve, GIVE_UP_S)
        return {"curve_s": round(seconds, 2), "resident_mb": round(terminal.resident_bytes() / 1e6, 1)}
    finally:
        terminal.close()


def _offline() -> dict[str, str]:
    return {**os.environ, "WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"}


def _shows_a_curve(display: list[str]) -> bool:
    dots = sum(0x2800 < ord(sign) < 0x2900 for line in display for sign in line)
    return dots > 40 and any("loss" in line for line in display)
