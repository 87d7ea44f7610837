"""What a run measured of itself now and then, as curves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harmonic_core.run.records import Row, encode_row, read_rows
from harmonic_tui.curves.series import Curves

PREFIX = "eval "
"""Before the names of figures that come from evaluations."""

_MOST_BYTES = 64 << 20
_FIGURES: dict[str, tuple[str, str, str, str]] = {
    "eval mel_db": ("model", "mel_db", "dB", "mean absolute log-mel error of reconstructions"),
    "eval perceptual_db": ("model", "perceptual_db", "dB", "the same, weighted by how much an error is heard"),
    "eval chroma": ("model_and_vocoder", "chroma", "cosine", "cosine between chromas of music and reconstruction"),
    "eval mel_fd": ("draws", "mel_fd", "dB²", "mel-FD: Fréchet distance of samples from held-out music"),
}
_TELLING = "eval kNN "


def unit_of(metric: str) -> str:
    """Unit of a figure of evaluations."""
    return _FIGURES[metric][2] if metric in _FIGURES else "share" if metric.startswith(_TELLING) else ""


def meaning(metric: str) -> str:
    """What a figure of evaluations means."""
    if metric in _FIGURES:
        return f"{_FIGURES[metric][3]} (evaluations)"
    return f"share of segments whose nearest neighbours name the right {metric.removeprefix(_TELLING)} (evaluations)"


class EvaluationReader:
    """Reads evaluations anew whenever their file changed.

    Parameters
    ----------
    path
        An `evaluations.jsonl`; it may appear later, or vanish.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None

    def read(self) -> Curves | None:
        """All figures; None where nothing changed."""
        try:
            stat = self._path.stat()
            stamp = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
            if stamp == self._stamp or stat.st_size > _MOST_BYTES:
                return None
            self._stamp = stamp
            return curves_of(read_rows(self._path))
        except OSError:
            return None


def curves_of(rows: list[Row]) -> Curves:
    """Evaluations as curves. Whatever was measured later than something of a later step stands before it."""
    from harmonic_tui.curves.columns import as_number, parse

    flat = [_flat(row) for row in rows if as_number(row.get("step")) is not None]
    flat.sort(key=lambda row: as_number(row["step"]) or 0.0)
    curves = Curves()
    curves.extend(parse(b"".join(map(encode_row, flat))))
    return curves


def _flat(row: Row) -> Row:
    flat: Row = {"kind": "epoch", "step": row["step"], "epoch": row.get("epoch"), "time": row.get("time")}
    for name, (part, field, _, _) in _FIGURES.items():
        figures = row.get(part)
        if isinstance(figures, Mapping) and figures.get(field) is not None:
            flat[name] = figures[field]
    telling = row.get("tells_apart")
    for label, told in telling.items() if isinstance(telling, Mapping) else ():
        if isinstance(told, Mapping):
            flat[f"{_TELLING}{label}"] = told.get("neighbours")
    return flat
