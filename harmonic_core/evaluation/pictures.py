"""Draws the pictures of a run: `python -m harmonic_core.evaluation.pictures DATA.npz FOLDER METRICS.jsonl`.

reconstructions.png    held-out segments, what the model makes of them, and the difference
latent_tsne.png        the latents of held-out segments on a plane, coloured by genre
novel_samples.png      what the model makes of draws from the prior
mel_spectrograms.png   the held-out segments alone, large
curves.png             errors, KL, beta and learning rate of all epochs so far

It is a process of its own. Nothing here needs torch, and no string from outside is taken for a formula.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import librosa.display
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from harmonic_core.evaluation.curves import curves
from harmonic_core.evaluation.latent_map import NEIGHBOURS, lay_out, vote_on_genres
from harmonic_core.evaluation.picture_data import PictureData, load_picture_data
from harmonic_core.evaluation.picture_style import picture_style
from harmonic_core.run.records import Row, read_rows
from harmonic_core.text import plain

NAMES = ("reconstructions.png", "latent_tsne.png", "novel_samples.png", "mel_spectrograms.png", "curves.png")

_LONGEST_S = 120
_DIFFERENCE_DB = 24.0
_TICKS_HZ = (250, 500, 1000, 2000, 4000, 8000, 16000)
# Ten, as many as GTZAN has genres; grey is for all others.
_COLOURS = ("C0", "C1", "C2", "C3", "C4", "C5", "C6", "C8", "C9", "k")
_MARKERS = "osD^vP"
_TITLE_LENGTH = 36


def draw(data: PictureData, folder: Path, rows: Sequence[Row] = ()) -> None:
    """Write all pictures into the existing folder `folder`.

    Parameters
    ----------
    data
        What most of them show.
    folder
        Where to.
    rows
        What `metrics.jsonl` says, for the curves.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with picture_style():
        for name, figure in zip(
            NAMES,
            (
                reconstructions(data),
                latent_map(data),
                novel_samples(data),
                mel_spectrograms(data),
                curves(rows, data.epoch) or _nothing("No epoch has come to its end yet."),
            ),
            strict=True,
        ):
            figure.savefig(folder / name)


def reconstructions(data: PictureData) -> Figure:
    """Originals above, reconstructions below them, and the difference at the bottom, a column a segment."""
    if not len(data.originals):
        return _nothing("No held-out segments to reconstruct.")
    original, made = data.level_db(data.originals), data.level_db(data.reconstructions)
    difference = made - original
    columns = len(original)
    figure = Figure(figsize=(max(5.4, 1.6 + 3.1 * columns), 8.2), layout="constrained")
    grid = figure.subplots(3, columns, sharex=True, sharey=True, squeeze=False)
    for column, title in enumerate(data.titles):
        upper = _spectrogram(grid[0, column], original[column], data)
        _spectrogram(grid[1, column], made[column], data)
        lower = _spectrogram(grid[2, column], difference[column], data, "RdBu_r", (-_DIFFERENCE_DB, _DIFFERENCE_DB))
        grid[0, column].set_title(_short(str(title)))
        grid[2, column].set_title(f"mean error {np.abs(difference[column]).mean():.1f} dB")
    for row, words in enumerate(("original", "reconstruction", "reconstruction − original")):
        grid[row, 0].set_ylabel(f"{words}\nHz")
    figure.colorbar(upper, ax=grid[:2], label="level, dB re full-scale sine", pad=0.01, aspect=30)
    figure.colorbar(lower, ax=grid[2], label="difference, dB", extend="both", pad=0.01, aspect=15)
    figure.suptitle(f"Reconstructions, epoch {data.epoch}: mean error {np.abs(difference).mean():.1f} dB")
    return figure


def novel_samples(data: PictureData) -> Figure:
    """Samples of the prior, side by side."""
    if not len(data.priors):
        return _nothing("No samples were drawn from the prior.")
    titles = [f"prior {index + 1}" for index in range(len(data.priors))]
    columns = min(4, len(titles))
    return _gallery(data, data.priors, titles, columns, 3.1, 3.0, f"Novel samples, epoch {data.epoch}")


def mel_spectrograms(data: PictureData) -> Figure:
    """The held-out segments as the model sees them, one below the other."""
    if not len(data.originals):
        return _nothing("No held-out segments to show.")
    titles = [str(title) for title in data.titles]
    return _gallery(data, data.originals, titles, 1, 9.0, 2.9, "Mel spectrograms of held-out music")


def latent_map(data: PictureData) -> Figure:
    """Latents of held-out segments on a plane, coloured by genre, or by track where no genres are known."""
    if not len(data.mu):
        return _nothing("No held-out segments to lay out.")
    by_genre = len(set(data.genres[data.genres != ""])) >= 2
    labels = data.genres if by_genre else data.tracks
    layout, count = lay_out(data.mu), len(data.mu)
    figure = Figure(figsize=(9.0, 7.0), layout="constrained")
    axes = figure.subplots()
    for place, (words, chosen) in enumerate(_groups(labels, "no genre" if by_genre else "no name")):
        colour = _COLOURS[place] if place < len(_COLOURS) else "0.6"
        marker = _MARKERS[place % len(_MARKERS)]
        spots = layout.places[chosen]
        axes.scatter(spots[:, 0], spots[:, 1], s=26, color=colour, marker=marker, linewidths=0, alpha=0.85, label=words)
    axes.set(xticks=[], yticks=[], xlabel=f"{layout.method} 1", ylabel=f"{layout.method} 2")
    axes.margins(0.08)
    figure.legend(loc="outside right upper", title="genre" if by_genre else "track", frameon=False, alignment="left")
    figure.suptitle(
        f"Latents of {count} held-out segment{'s' * (count != 1)}, epoch {data.epoch}: {layout.method} of mu"
    )
    if by_genre:
        axes.set_title(_genre_words(data))
    return figure


def _genre_words(data: PictureData) -> str:
    asked_about = np.arange(len(data.mu) + len(data.learnt_mu)) < len(data.mu)
    vote = vote_on_genres(
        np.concatenate([data.mu, data.learnt_mu.reshape(-1, data.mu.shape[1])]),
        np.concatenate([data.genres, data.learnt_genres]),
        np.concatenate([data.tracks, data.learnt_tracks]),
        asked_about,
    )
    if vote is None:
        return "kNN accuracy: not known, as no genre has two tracks"
    return (
        f"kNN accuracy {vote.accuracy:.0%} ({NEIGHBOURS} nearest segments of other tracks; "
        f"always naming the commonest genre: {vote.commonest:.0%})"
    )


def _groups(labels: NDArray[np.str_], unnamed: str) -> list[tuple[str, NDArray[np.bool_]]]:
    """Words for the legend and members of each group by name; those beyond the colours there are, together."""
    names, counts = np.unique(labels, return_counts=True)
    frequent = set(names[np.argsort(-counts, kind="stable")][: len(_COLOURS)])
    # The space in front keeps an underscore from hiding the name.
    groups = [(f" {_short(str(name)) or unnamed}", labels == name) for name in names if name in frequent]
    if len(names) > len(frequent):
        groups.append((f" {len(names) - len(frequent)} others", ~np.isin(labels, list(frequent))))
    return groups


def _gallery(
    data: PictureData,
    mels: NDArray[np.float16],
    titles: Sequence[str],
    columns: int,
    width: float,
    height: float,
    heading: str,
) -> Figure:
    rows = -(-len(titles) // columns)
    figure = Figure(figsize=(1.4 + width * columns, 0.6 + height * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, mel, title in zip(grid.flat, data.level_db(mels), titles, strict=False):
        image = _spectrogram(axes, mel, data)
        axes.set_title(_short(title, 24 * round(width)))
    for axes in grid.flat[len(titles) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel("Hz")
    figure.colorbar(image, ax=grid, label="level, dB re full-scale sine", pad=0.01, aspect=20 * rows)
    figure.suptitle(heading)
    return figure


def _spectrogram(
    axes: Axes,
    level_db: NDArray[np.float32],
    data: PictureData,
    colours: str = "magma",
    limits: tuple[float, float] | None = None,
) -> Any:
    low, high = limits or (data.top_db - data.dynamic_range_db, data.top_db)
    image = librosa.display.specshow(
        level_db,
        x_coords=data.seconds,
        y_coords=data.hertz,
        x_axis="s",
        y_axis="mel",
        cmap=colours,
        vmin=low,
        vmax=high,
        ax=axes,
    )
    ticks = [hertz for hertz in _TICKS_HZ if data.hertz[0] <= hertz <= data.hertz[-1]]
    axes.set_yticks(ticks, [str(hertz) for hertz in ticks])
    axes.set_yticks([], minor=True)
    axes.set(xlabel="seconds", ylabel="")
    axes.label_outer()
    return image


def _nothing(words: str) -> Figure:
    figure = Figure(figsize=(6.0, 2.0))
    figure.text(0.5, 0.5, words, ha="center", va="center")
    return figure


def _short(title: str, length: int = _TITLE_LENGTH) -> str:
    """The end of a title, where a path says most."""
    shown = plain(title, 1000)
    return shown if len(shown) <= length else f"…{shown[1 - length :]}"


def main(arguments: Sequence[str]) -> int:
    """Draw the pictures; the exit status says whether that was done.

    Parameters
    ----------
    arguments
        File of `PictureData`, folder, and `metrics.jsonl` of the run.
    """
    # Whatever becomes of the trainer, nobody is left drawing.
    signal.alarm(_LONGEST_S)
    file, folder, metrics = arguments
    try:
        # Read here, since the trainer has better things to do; it never replaces the file but as a whole.
        draw(load_picture_data(Path(file)), Path(folder), read_rows(Path(metrics)))
    except (OSError, ValueError, MemoryError) as error:
        print(f"the pictures cannot be drawn: {plain(str(error), 400)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
