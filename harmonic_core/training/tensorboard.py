"""Figures for TensorBoard, beside `metrics.jsonl`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harmonic_core.errors import HarmonicError


class TensorBoardLog:
    """Writes the scalars of every row to an event file.

    Raises
    ------
    HarmonicError
        If the package is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise HarmonicError(
                "output.use_tensorboard: the package `tensorboard` is not installed; "
                "`pip install 'harmonic-vae[tensorboard]'` installs it"
            ) from error
        self._writer = SummaryWriter(str(folder))

    def row(self, figures: Mapping[str, Any]) -> None:
        """Add the scalars of a row under `step/…` or `epoch/…`."""
        for name, value in figures.items():
            if isinstance(value, (int, float)) and name not in {"step", "time"}:
                self._writer.add_scalar(f"{figures['kind']}/{name}", value, figures["step"])

    def close(self) -> None:
        """Write out what is left."""
        self._writer.close()
