"""The runs whose curves lie over each other: which they are, what is read of them, and how they are to be seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.metrics import FIELDS, VALIDATION_FIELDS, describe
from harmonic_tui.curves import evaluated
from harmonic_tui.curves.columns import BY_SOURCE, of_source
from harmonic_tui.curves.evaluated import EvaluationReader
from harmonic_tui.curves.figures import FigureReader
from harmonic_tui.curves.series import Curve, Curves, Scale
from harmonic_tui.curves.smoothing import STEPS, smoothed

if TYPE_CHECKING:
    from harmonic_core.run.status import Status
    from harmonic_tui.runs.messages import FiguresRead

Along = Literal["steps", "epochs", "time"]
ALONG: tuple[Along, ...] = ("steps", "epochs", "time")

HUES = ("validation", "reconstruction", "original", "beta", "kl", "train", "good", "decoded")
"""Hues of the theme, one after the other; a letter stands beside each, which alone tells more runs than these apart."""

MOST_METRICS = 4
SECONDS_AN_HOUR = 3600.0
BY_EPOCH = " by epoch"
"""After the name of a figure that is in both kinds of rows, where it is that of those that close epochs."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NO_CURVES = frozenset({"kind", "step", "time", "epoch", "kl_per_dim", BY_SOURCE})
_UNITS = {
    "kl": "nats per dimension",
    "kl_nats": "nats a segment",
    "kl_bits_per_s": "bit/s",
    "segments_per_s": "segments/s",
    "skipped": "updates",
    "active_units": "dimensions",
}


@dataclass
class Settings:
    """How curves are to be seen."""

    along: Along = "steps"
    log_values: bool = False
    log_along: bool = False
    smoothing: int = 0
    """Index of the weight in `smoothing.STEPS`."""

    @property
    def weight(self) -> float:
        """Weight a of the moving average; 0 leaves the curves as they are."""
        return STEPS[self.smoothing]


@dataclass(eq=False)
class Pinned:
    """A run whose curves are shown."""

    run: RunDirectory
    place: int
    """Number of its letter and its hue."""
    scale: Scale = field(default_factory=Scale)
    is_open: bool = False
    """Whether it is the run on the dashboard, whose figures are read there."""
    reader: FigureReader | None = None
    was_read: bool = False
    shift: int = 0
    """How many hues after that of its number it has."""
    evaluations: EvaluationReader | None = None
    evaluated: Curves = field(default_factory=Curves)
    """What it measured of itself."""

    @property
    def letter(self) -> str:
        """What it is called in the charts."""
        times, letter = divmod(self.place, len(_LETTERS))
        return (_LETTERS[(times - 1) % len(_LETTERS)] if times else "") + _LETTERS[letter]

    @property
    def hue(self) -> str:
        """Its hue, by the name of the theme."""
        return HUES[(self.place + self.shift) % len(HUES)]


@dataclass
class Prepared:
    """A curve made ready for a chart."""

    curve: Curve
    raw: Curve | None = None
    """What it was before it was smoothed."""
    dropped: int = 0
    """Points that a logarithmic axis has no place for."""


class Compared:
    """Runs that are pinned, in the order of their letters."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.metrics: list[str] = ["loss"]
        self._pinned: dict[Path, Pinned] = {}
        self._prepared: dict[tuple[Path, str], tuple[tuple[object, ...], Prepared]] = {}

    @property
    def pinned(self) -> list[Pinned]:
        """All of them."""
        return sorted(self._pinned.values(), key=lambda each: each.place)

    def find(self, run: RunDirectory) -> Pinned | None:
        """The run, if it is pinned."""
        return self._pinned.get(run.path.resolve())

    def pin(self, run: RunDirectory) -> Pinned:
        """Show the run's curves; it gets the first letter that is free."""
        taken = {each.place for each in self._pinned.values()}
        place = next(number for number in range(len(taken) + 1) if number not in taken)
        return self._pinned.setdefault(run.path.resolve(), Pinned(run, place))

    def unpin(self, run: RunDirectory) -> None:
        """Show its curves no longer."""
        path = run.path.resolve()
        gone = self._pinned.pop(path, None)
        if gone and gone.reader:
            gone.reader.close()
        for key in [key for key in self._prepared if key[0] == path]:
            del self._prepared[key]

    def share(self, run: RunDirectory | None, scale: Scale | None) -> None:
        """Take the figures of the run on the dashboard from there; all others are read here."""
        for path, each in self._pinned.items():
            is_open = run is not None and path == run.path.resolve()
            if is_open and scale is not None:
                each.is_open, each.scale, each.was_read = True, scale, True
                if each.reader:
                    each.reader.close()
                    each.reader = None
            elif each.is_open:
                each.is_open, each.scale, each.was_read = False, Scale(), False

    def take(self, pinned: Pinned, read: FiguresRead | None, measured: Curves | None = None) -> bool:
        """Take what was read of a run; whether there is anything new."""
        if measured is not None:
            pinned.evaluated = measured
        was_read, pinned.was_read = pinned.was_read, True
        if read is None:
            return not was_read
        if read.curves is not None:
            pinned.scale.curves = read.curves
        for each in read.parsed:
            pinned.scale.curves.extend(each)
        return True

    def tell_status(self, pinned: Pinned, status: Status | None) -> None:
        """Take note of how long its epochs are planned to be."""
        if status is not None and not pinned.is_open:
            pinned.scale.tell(status)

    def close(self) -> None:
        """Read no more."""
        for each in self._pinned.values():
            if each.reader:
                each.reader.close()

    def curve(self, pinned: Pinned, metric: str) -> Prepared:
        """The curve of a figure as the settings want it seen."""
        base, settings = base_curve(pinned, metric), self.settings
        key = (
            *(
                id(pinned.scale.curves),
                id(pinned.evaluated),
                len(base.values),
                base.end,
                base.newest,
                pinned.scale.steps_per_epoch,
            ),
            *(settings.along, settings.log_values, settings.log_along, settings.weight),
        )
        path = pinned.run.path.resolve()
        known = self._prepared.get((path, metric))
        if known is None or known[0] != key:
            known = self._prepared[path, metric] = key, prepared(base, pinned.scale.steps_per_epoch, settings)
        return known[1]


def read_figures(pinned: Iterable[Pinned]) -> list[tuple[Pinned, FiguresRead | None, Curves | None]]:
    """What is new in the runs, but for the metrics of the open one; to be called in a thread."""
    found: list[tuple[Pinned, FiguresRead | None, Curves | None]] = []
    for each in pinned:
        each.evaluations = each.evaluations or EvaluationReader(each.run.evaluations)
        measured = each.evaluations.read()
        read = None
        if not each.is_open:
            each.reader = each.reader or FigureReader(each.run.metrics)
            read = each.reader.read()
        if measured is not None or not each.is_open:
            found.append((each, read, measured))
    return found


def base_curve(pinned: Pinned, metric: str) -> Curve:
    """The curve of a figure: from rows of logging intervals, or from those of epochs where only they have it."""
    curves = pinned.scale.curves
    if metric.startswith(evaluated.PREFIX):
        return pinned.evaluated.epoch(metric)
    if metric.endswith(BY_EPOCH):
        return curves.epoch(metric.removesuffix(BY_EPOCH))
    found = curves.step(metric)
    return found if found.last >= 0 else curves.epoch(metric)


def prepared(curve: Curve, steps_per_epoch: float | None, settings: Settings) -> Prepared:
    """A curve along whatever is wanted, smoothed, and as logarithms where the axes are such."""
    along = _along(curve, steps_per_epoch, settings.along)
    if along is None:
        return Prepared(Curve.empty())
    smooth = smoothed(along, settings.weight)
    ready, dropped = _logarithms(smooth, settings)
    if smooth is along:
        return Prepared(ready, dropped=dropped)
    raw, dropped = _logarithms(along, settings)
    return Prepared(ready, raw, dropped)


def _along(curve: Curve, steps_per_epoch: float | None, along: Along) -> Curve | None:
    import numpy as np

    if along == "steps" or not len(curve.steps):
        return curve
    if along == "epochs":
        return replace(curve, steps=curve.steps / steps_per_epoch) if steps_per_epoch else None
    # A clock that was set back must not make the curve run backwards.
    times = np.fmax.accumulate(curve.times)
    known = int(np.count_nonzero(np.isnan(times)))
    if known == len(times):
        return None
    return _from_row(replace(curve, steps=(times - times[known]) / SECONDS_AN_HOUR), known)


def _logarithms(curve: Curve, settings: Settings) -> tuple[Curve, int]:
    import numpy as np

    dropped = 0
    if settings.log_along and len(curve.steps):
        first = int(np.searchsorted(curve.steps, 0.0, side="right"))
        dropped += int(np.count_nonzero(np.isfinite(curve.values[:first])))
        curve = _from_row(curve, first)
        curve = replace(curve, steps=np.log10(curve.steps))
    if settings.log_values and len(curve.values):
        positive = curve.values > 0
        dropped += int(np.count_nonzero(np.isfinite(curve.values) & ~positive))
        values = np.full(len(curve.values), np.nan, np.float32)
        values[positive] = np.log10(curve.values[positive])
        curve = replace(curve, values=values, holes=True)
    return curve, dropped


def _from_row(curve: Curve, first: int) -> Curve:
    """The curve without its first rows."""
    if not first:
        return curve
    kept = curve.bad >= first
    return replace(
        curve,
        steps=curve.steps[first:],
        values=curve.values[first:],
        times=curve.times[first:],
        bad=curve.bad[kept] - first,
        bad_values=curve.bad_values[kept],
        last=max(-1, curve.last - first),
    )


def metrics_there(runs: Iterable[Pinned]) -> set[str]:
    """Figures that any of the runs has."""
    there: set[str] = set()
    for each in runs:
        step, epoch = (each.scale.curves.names(kind) for kind in ("step", "epoch"))
        there |= step | epoch | {f"{name}{BY_EPOCH}" for name in step & epoch} | each.evaluated.names("epoch")
    return there


def metrics_on_offer(runs: Iterable[Pinned]) -> list[str]:
    """Figures that can be shown: those with a meaning, each beside what it is on the validation tracks, then others."""
    there = metrics_there(runs)
    offered: list[str] = []
    for name in (name for name in FIELDS if name not in _NO_CURVES):
        offered += [name, *([f"val_{name}"] if name in VALIDATION_FIELDS else [])]
    more = there - set(offered) - _NO_CURVES - {f"{name}{BY_EPOCH}" for name in _NO_CURVES}
    return offered + sorted(more, key=lambda name: (name.endswith(BY_EPOCH), name.startswith(evaluated.PREFIX), name))


def meaning(metric: str) -> str:
    """What a figure means."""
    if metric.startswith(evaluated.PREFIX):
        return evaluated.meaning(metric)
    if metric.startswith(of_source("")):
        return f"error in dB of the data set {metric.removeprefix(of_source(''))} (validation tracks)"
    by_epoch = ", over the epoch" if metric.endswith(BY_EPOCH) else ""
    try:
        return f"{describe(metric.removesuffix(BY_EPOCH))}{by_epoch}"
    except KeyError:
        return "a figure that this version does not know"


def unit_of(metric: str) -> str:
    """Unit of a figure, empty where it has none."""
    if metric.startswith(evaluated.PREFIX):
        return evaluated.unit_of(metric)
    name = metric.removeprefix("val_").removesuffix(BY_EPOCH)
    return _UNITS.get(name) or ("dB" if name.endswith("_db") or metric.startswith(of_source("")) else "")
