"""Rows of metrics as curves, and curves as what a chart can show of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeGuard

from harmonic_core.run.records import Row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harmonic_core.run.status import Status
    from harmonic_tui.curves.columns import Block, Figure, Indices, Parsed, Reals, Singles


@dataclass(eq=False)
class Curve:
    """One figure along the steps of a run, or along whatever else ascends with them.

    A moment's view: what is appended to the run later is not in it.
    """

    steps: Reals
    """Places of all rows, ascending."""
    values: Singles | Reals
    """A value a row; NaN where the row has no finite number for it."""
    bad: Indices
    """Rows in which the figure was there and no finite number."""
    bad_values: Singles
    """What it was in those."""
    times: Reals
    """When the rows were written, seconds since 1970."""
    newest: float | None = None
    """The newest figure, whether it is a finite number or not."""
    last: int = -1
    """The row that has it."""
    holes: bool = False
    """Whether some rows may have no finite number."""

    @classmethod
    def empty(cls) -> Curve:
        """A curve of nothing."""
        import numpy as np

        nothing = np.empty(0)
        return cls(nothing, nothing, np.empty(0, np.int64), nothing.astype(np.float32), nothing)

    @cached_property
    def points(self) -> tuple[Reals, Singles | Reals]:
        """Places and values of the finite numbers."""
        import numpy as np

        if not self.holes:
            return self.steps, self.values
        finite = np.isfinite(self.values)
        return self.steps[finite], self.values[finite]

    def __len__(self) -> int:
        return len(self.points[0])

    @cached_property
    def gaps(self) -> Reals:
        """Places at which the figure was no finite number."""
        return self.steps[self.bad]

    @property
    def begin(self) -> float:
        """The first place; 0 where there is none."""
        return float(self.steps[0]) if len(self.steps) else 0.0

    @property
    def end(self) -> float:
        """The newest place, also of a figure that was no finite number; 0 where there is none."""
        return float(self.steps[self.last]) if self.last >= 0 else 0.0

    def at(self, place: float, reach: float = 0.0) -> tuple[float, float] | None:
        """Place and value, finite or not, nearest to `place`; None where there is nothing.

        Parameters
        ----------
        place
            Where one looks.
        reach
            How far before its first and after its newest figure the curve still counts as being there.
        """
        near = [_nearest(places, values, place) for places, values in (self.points, (self.gaps, self.bad_values))]
        found = min((each for each in near if each), key=lambda each: abs(each[0] - place), default=None)
        if found is None or abs(found[0] - place) <= reach:
            return found
        ends = [float(places[end]) for places in (self.points[0], self.gaps) if len(places) for end in (0, -1)]
        return found if min(ends) <= place <= max(ends) else None

    def within(self, low: float, high: float) -> Singles | Reals:
        """Finite values from `low` to `high`."""
        import numpy as np

        places, values = self.points
        first, last = np.searchsorted(places, low), np.searchsorted(places, high, side="right")
        return values[first:last]


def _nearest(places: Reals, values: Singles | Reals, place: float) -> tuple[float, float] | None:
    import numpy as np

    if not len(places):
        return None
    after = min(int(np.searchsorted(places, place)), len(places) - 1)
    row = after - 1 if after and place - places[after - 1] <= places[after] - place else after
    return float(places[row]), float(values[row])


class _Column:
    """An array that grows at its end."""

    __slots__ = ("_room", "size")

    def __init__(self, kind: type[np.generic]) -> None:
        import numpy as np

        self._room: NDArray[np.generic] = np.empty(0, kind)
        self.size = 0

    def extend(self, values: NDArray[np.generic]) -> None:
        import numpy as np

        needed = self.size + len(values)
        if needed > len(self._room):
            room = np.empty(max(needed, len(self._room) * 5 // 4 + 16), self._room.dtype)
            room[: self.size] = self._room[: self.size]
            self._room = room
        self._room[self.size : needed] = values
        self.size = needed

    @property
    def values(self) -> NDArray[np.generic]:
        return self._room[: self.size]


class _FigureColumn:
    """A figure in all rows of a table."""

    def __init__(self) -> None:
        import numpy as np

        self.values = _Column(np.float32)
        self.bad = _Column(np.int64)
        self.bad_values = _Column(np.float32)
        self.last = -1
        self.newest: float | None = None
        self.holes = False

    def extend(self, figure: Figure | None, rows: int) -> None:
        """Add the figure's rows; without any, `rows` that do not have it."""
        import numpy as np

        before = self.values.size
        if figure is None:
            self.values.extend(np.full(rows, np.nan, np.float32))
            self.holes = self.holes or rows > 0
            return
        self.values.extend(figure.values)
        self.bad.extend(figure.bad + before)
        self.bad_values.extend(figure.bad_values)
        self.holes = self.holes or bool(np.isnan(figure.values).any())
        self.last, self.newest = before + figure.last, figure.newest

    def cut(self, rows: int) -> None:
        """Keep the first `rows` only."""
        import numpy as np

        self.values.size = rows
        kept = int(np.searchsorted(self.bad.values, rows))
        self.bad.size = self.bad_values.size = kept
        if self.last < rows:
            return
        finite = np.flatnonzero(np.isfinite(self.values.values))
        self.last = max(int(finite[-1]) if len(finite) else -1, int(self.bad.values[-1]) if kept else -1)
        ends_bad = bool(kept) and int(self.bad.values[-1]) == self.last
        newest = self.bad_values.values[-1] if ends_bad else self.values.values[self.last] if self.last >= 0 else None
        self.newest = None if newest is None else float(newest)


class _Table:
    """All rows of a kind. One no later than the last replaces everything from its step on: the run was resumed."""

    def __init__(self) -> None:
        import numpy as np

        self.steps = _Column(np.float64)
        self.times = _Column(np.float64)
        self.figures: dict[str, _FigureColumn] = {}

    def extend(self, block: Block) -> None:
        import numpy as np

        least = float(block.steps.min())
        if self.steps.size and least <= self.steps.values[-1]:
            self._cut(int(np.searchsorted(self.steps.values, least)))
        block = _lasting(block)
        before = self.steps.size
        self.steps.extend(block.steps)
        self.times.extend(block.times)
        for name in block.figures.keys() - self.figures.keys():
            self.figures[name] = _FigureColumn()
            self.figures[name].extend(None, before)
        for name, column in self.figures.items():
            column.extend(block.figures.get(name), len(block.steps))

    def curve(self, name: str) -> Curve:
        column = self.figures.get(name)
        if column is None:
            return Curve.empty()
        return Curve(
            self.steps.values,  # type: ignore[arg-type]
            column.values.values,  # type: ignore[arg-type]
            column.bad.values,  # type: ignore[arg-type]
            column.bad_values.values,  # type: ignore[arg-type]
            self.times.values,  # type: ignore[arg-type]
            column.newest,
            column.last,
            column.holes,
        )

    def _cut(self, rows: int) -> None:
        self.steps.size = self.times.size = rows
        for column in self.figures.values():
            column.cut(rows)


def _lasting(block: Block) -> Block:
    """The rows of a block that no later one of it replaces."""
    import numpy as np

    from harmonic_tui.curves.columns import Block, Figure

    steps = block.steps
    if (np.diff(steps) > 0).all():
        return block
    least_after = np.append(np.minimum.accumulate(steps[::-1])[::-1][1:], np.inf)
    kept = steps < least_after
    place = np.cumsum(kept) - 1
    figures: dict[str, Figure] = {}
    for name, figure in block.figures.items():
        values, bad = figure.values[kept], kept[figure.bad]
        rows, kinds = place[figure.bad[bad]], figure.bad_values[bad]
        present = np.flatnonzero(np.isfinite(values))
        last = max(int(present[-1]) if len(present) else -1, int(rows[-1]) if len(rows) else -1)
        if kept[figure.last]:
            figures[name] = Figure(values, rows, kinds, last, figure.newest)
        elif last >= 0:
            newest = kinds[-1] if len(rows) and rows[-1] == last else values[last]
            figures[name] = Figure(values, rows, kinds, last, float(newest))
    return Block(steps[kept], block.times[kept], figures)


class Curves:
    """All figures of a run, by the kind of row that they come from: `step` or `epoch`.

    Parameters
    ----------
    whole
        Whether every row is in it, or for now only some that show how the curves go.
    """

    def __init__(self, *, whole: bool = True) -> None:
        self._tables: dict[str, _Table] = {}
        self.last_epoch_row: Row = {}
        self.whole = whole
        self.unreadable = 0
        """Lines that were passed over, being no rows."""

    def extend(self, parsed: Parsed) -> None:
        """Add rows."""
        for kind, block in parsed.blocks.items():
            if kind not in self._tables:
                self._tables[kind] = _Table()
            self._tables[kind].extend(block)
        if parsed.last_epoch_row is not None:
            self.last_epoch_row = parsed.last_epoch_row
        self.unreadable += parsed.unreadable

    @property
    def has_rows(self) -> bool:
        """Whether any row was read."""
        return bool(self._tables)

    def step(self, name: str) -> Curve:
        """Figure `name` of the rows of logging intervals."""
        return self._curve("step", name)

    def epoch(self, name: str) -> Curve:
        """Figure `name` of the rows that close epochs."""
        return self._curve("epoch", name)

    def names(self, kind: str) -> set[str]:
        """Figures that rows of a kind have."""
        table = self._tables.get(kind)
        return {name for name, column in table.figures.items() if column.last >= 0} if table else set()

    def rows(self, kind: str) -> int:
        """Number of rows of a kind."""
        return self._tables[kind].steps.size if kind in self._tables else 0

    def _curve(self, kind: str, name: str) -> Curve:
        table = self._tables.get(kind)
        return table.curve(name) if table else Curve.empty()

    @property
    def steps_per_epoch(self) -> float | None:
        """Updates in an epoch, from the newest row that closed one."""
        step, epoch = self.last_epoch_row.get("step"), self.last_epoch_row.get("epoch")
        return step / epoch if is_number(step) and is_number(epoch) and epoch > 0 else None


@dataclass
class Scale:
    """What the charts of a run have in common: its curves, and how long its epochs are."""

    curves: Curves = field(default_factory=Curves)
    planned_steps_per_epoch: float | None = None
    mean_spectrum_db: float | None = None
    best: tuple[int, int, float] | None = None
    """Epoch, step and validation loss of the best weights so far."""

    @property
    def steps_per_epoch(self) -> float | None:
        """Updates in an epoch: as planned, or as seen."""
        return self.planned_steps_per_epoch or self.curves.steps_per_epoch

    def tell(self, status: Status) -> None:
        """Take note of what the trainer says of plan, baseline and best weights."""
        self.best = (status.best.epoch, status.best.step, status.best.val_loss) if status.best else None
        self.planned_steps_per_epoch = (
            status.total_steps / status.epochs if status.epochs and status.total_steps else None
        )
        self.mean_spectrum_db = status.mean_spectrum_db


def is_finite(value: object) -> TypeGuard[float]:
    """Whether a field of a row is a figure that can be drawn."""
    try:
        return is_number(value) and math.isfinite(value)
    except OverflowError:
        return False


def is_number(value: object) -> TypeGuard[float]:
    """Whether a field of a row is a figure; a flag is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
