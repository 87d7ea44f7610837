"""The latent space on a page: segments on a plane by genre, and what each dimension says."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from harmonic_core.errors import HarmonicError, RunError
from harmonic_core.evaluation.learning_curve import finite
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import Row
from harmonic_core.sharing.report.shareable import Shareable
from harmonic_core.sharing.report.words import figure

if TYPE_CHECKING:
    from harmonic_core.exploring.landscape import Landscape

Watch = Callable[[float], AbstractContextManager[Callable[[float, str], None]]]

WIDTH, HEIGHT = 640.0, 420.0
GROUPS = 10
"""Values that have a colour and a shape of their own."""
_MARGIN = 18.0
_LABELS = ("genre", "composer", "artist", "source", "album", "track")
"""What points are coloured by: the first of which there are two values."""
_MOST_CELLS = 512
_LARGEST_PICTURE = 4_000_000
"""Bytes."""
_EPOCH = re.compile(r"epoch_(\d+)$")


class Point(NamedTuple):
    """A segment."""

    x: float
    y: float
    group: int
    """`GROUPS` for all values that have no colour of their own."""
    held_out: bool
    title: str


class Group(NamedTuple):
    """Segments of one value."""

    name: str
    number: int
    segments: int


@dataclass(frozen=True)
class MapShown:
    """Where segments lie, as points or else as the newest picture of them (PNG, base64); `reason` says why not."""

    label: str = ""
    method: str = ""
    step: int = 0
    epoch: int = 0
    points: Sequence[Point] = ()
    groups: Sequence[Group] = ()
    picture: str = ""
    picture_epoch: int = 0
    reason: str = ""


class Cell(NamedTuple):
    """One dimension of the strip, or the strongest of several neighbours."""

    dimension: int
    share: float
    """Of the largest, 0 to 1."""
    words: str


@dataclass(frozen=True)
class Strip:
    """KL of every dimension."""

    cells: list[Cell]
    dimensions: int
    together: int
    """Dimensions in a cell."""
    largest: str
    largest_in: int
    median: str
    epoch: int


def latent_map(
    run: RunDirectory,
    shareable: Shareable,
    tell: Callable[[str], None],
    watch: Watch,
    stopped: Callable[[], bool],
    *,
    wanted: bool = True,
) -> MapShown:
    """Lay out the music of a run; where it or the weights are not at hand, take the newest picture that the run made.

    Parameters
    ----------
    run
        Its newest weights are looked at.
    shareable
        Makes names fit to be given away.
    tell, watch
        Get to know what goes on: lines, and how much of it is done.
    stopped
        Asked now and then.
    wanted
        Whether weights and music are to be looked for at all.

    Raises
    ------
    StoppedError
        If `stopped` says so.
    """
    reason = "it was not asked for"
    if wanted:
        try:
            return _look(run, shareable, tell, watch, stopped)
        except HarmonicError as error:
            reason = " ".join(str(error).split())
        except (OSError, RuntimeError, ValueError, KeyError, MemoryError) as error:
            # What a damaged file or a full memory makes of torch.
            reason = " ".join(f"{type(error).__name__}: {error}".split())
    picture, epoch = _newest_picture(run)
    # It may begin with a name: no capital letter.
    return MapShown(picture=picture, picture_epoch=epoch, reason=f"{shareable(reason.rstrip('.'), 600)}.")


def strip(epochs: Sequence[Row]) -> Strip | None:
    """The newest KL by dimension; None where none was written."""
    for row in reversed(epochs):
        told = row.get("kl_per_dim")
        if isinstance(told, list) and told:
            break
    else:
        return None
    values = [finite({"nats": value}, "nats") for value in told]
    known = [value for value in values if value is not None]
    largest = max(known, default=0.0)
    together = -(-len(values) // _MOST_CELLS)
    cells = []
    for first in range(0, len(values), together):
        strongest = max((value for value in values[first : first + together] if value is not None), default=None)
        share = 0.0 if strongest is None or largest <= 0 else max(0.0, strongest / largest)
        cells.append(Cell(first, round(share, 3), figure(strongest)))
    return Strip(
        cells=cells,
        dimensions=len(values),
        together=together,
        largest=figure(largest),
        largest_in=values.index(largest) if known else 0,
        median=figure(median(known) if known else None),
        epoch=int(finite(row, "epoch") or 0),
    )


def _look(
    run: RunDirectory, shareable: Shareable, tell: Callable[[str], None], watch: Watch, stopped: Callable[[], bool]
) -> MapShown:
    from harmonic_core.exploring.landscape import look_around
    from harmonic_core.training.material import prepare_material
    from harmonic_core.training.narrator import Narrator
    from harmonic_core.training.signals import StoppedError
    from harmonic_core.training.trained import load_trained, newest_weights

    class Impatient(Narrator):
        """A report does not wait for room: it is made without the map."""

        def update(self, **fields: Any) -> None:
            if fields.get("state") == "paused":
                raise RunError(f"the music cannot be made ready: {fields.get('message') or fields.get('why')}")

    # A run that trains needs its card for itself.
    trained = load_trained(newest_weights(run), "cpu")
    if not all(tensor.isfinite().all() for tensor in trained.model.state_dict().values()):
        raise RunError(f"the weights of step {trained.step} are no numbers: the run diverged before")
    with Impatient(run, tell, watch) as narrator:
        material = prepare_material(trained.profile, narrator, stopped)
    if material is None:
        raise StoppedError
    landscape = look_around(trained.voice(None), material, trained.profile.audio, stopped=stopped)
    return _shown(landscape, trained.profile.audio.sample_rate, trained.step, trained.epoch, shareable)


def _shown(landscape: Landscape, rate: int, step: int, epoch: int, shareable: Shareable) -> MapShown:
    label, values = next(
        (label, landscape.labels[label])
        for label in (*_LABELS, "track")
        if len(set(landscape.labels.get(label, ()))) > 1 or label == "track"
    )
    found = landscape.map("t-SNE")
    counts = Counter(values)
    ranked = sorted(counts, key=lambda value: (value == "", -counts[value], value))
    numbers = {value: min(place, GROUPS) for place, value in enumerate(ranked)}
    if "" in numbers:
        numbers[""] = GROUPS
    places = found.places - (found.places.min(axis=0) + found.places.max(axis=0)) / 2
    half = (abs(places).max(axis=0) / ((WIDTH / 2 - _MARGIN), (HEIGHT / 2 - _MARGIN))).max() or 1.0
    points = [
        Point(
            round(WIDTH / 2 + float(x / half), 1),
            round(HEIGHT / 2 - float(y / half), 1),
            numbers[value],
            place.is_held_out,
            _title(place.cached.track.title, place.start / rate, value if label != "track" else "", shareable),
        )
        for (x, y), place, value in zip(places, landscape.places, values, strict=True)
    ]
    groups = [Group(shareable(value, 60), numbers[value], counts[value]) for value in ranked if numbers[value] < GROUPS]
    others = [value for value in ranked if numbers[value] == GROUPS]
    if others:
        name = f"no {label} known" if others == [""] else f"{len(others)} others"
        groups.append(Group(name, GROUPS, sum(counts[value] for value in others)))
    return MapShown(label, found.method, step, epoch, points, groups)


def _title(track: str, seconds: float, value: str, shareable: Shareable) -> str:
    return f"{shareable(track, 120)} at {seconds:.1f} s{f', {shareable(value, 60)}' if value else ''}"


def _newest_picture(run: RunDirectory) -> tuple[str, int]:
    """The newest picture of the latents, base64, and its epoch; empty where there is none that can be shown."""
    from PIL import Image

    try:
        folders = [path for path in run.visualizations.iterdir() if _EPOCH.search(path.name)]
    except OSError:
        return "", 0
    for folder in sorted(folders, key=_epoch_of, reverse=True):
        path = folder / "latent_tsne.png"
        try:
            content = path.read_bytes() if path.stat().st_size <= _LARGEST_PICTURE else b""
            with Image.open(path, formats=["PNG"]) as picture:
                picture.verify()
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            continue
        if content:
            return base64.b64encode(content).decode(), _epoch_of(folder)
    return "", 0


def _epoch_of(folder: Path) -> int:
    match = _EPOCH.search(folder.name)
    return int(match[1]) if match else 0
