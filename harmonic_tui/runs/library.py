"""Every sample of a run, by step and item, with what its listener thinks of it. Reads only what is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from harmonic_core.errors import RunError
from harmonic_tui.plain import plain

if TYPE_CHECKING:
    from pathlib import Path

    from harmonic_core.run.directory import RunDirectory
    from harmonic_core.run.samples import Item, Sample, Take
    from harmonic_core.run.stars import Spot, Star

_KEPT = 20_000
"""Records kept in memory: some 2 kB each."""

COMPARED: tuple[Take, ...] = ("original", "decoded", "reconstruction")
"""Takes of a reconstruction, in the order in which they are compared."""


class Library:
    """Samples of a run. Whatever reads files says so and is to be called in a thread.

    Attributes
    ----------
    steps
        Steps with samples, the newest first.
    items
        What each step that was looked at has.
    stars
        Stars and notes by sample.
    trouble
        Why stars and notes cannot be read, in words; empty where they can.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self.steps: list[int] = []
        self.items: dict[int, list[Item]] = {}
        self.stars: dict[Spot, Star] = {}
        self.trouble = ""
        self._records: dict[Spot, Sample | None] = {}

    def read_steps(self) -> list[int]:
        """Look which steps have samples; reads the directory."""
        from harmonic_core.run.samples import sample_steps

        return sample_steps(self.run)[::-1]

    def read_stars(self) -> None:
        """Read stars and notes."""
        from harmonic_core.run.stars import read_stars

        try:
            self.stars, self.trouble = read_stars(self.run), ""
        except RunError as error:
            self.trouble = plain(str(error))

    def read_items(self, step: int, *, again: bool = False) -> list[Item]:
        """What a step has; reads its directory once, or again."""
        from harmonic_core.run.samples import sample_items

        if again or not self.items.get(step):
            self.items[step] = sample_items(self.run, step)
        return self.items[step]

    def read(self, spot: Spot, *, again: bool = False) -> Sample | None:
        """What is known of a sample; reads its record once, or again. None where it has no whole one."""
        from harmonic_core.run.samples import read_sample

        if again or self._records.get(spot) is None:
            if len(self._records) >= _KEPT:
                self._records.clear()
            self._records[spot] = read_sample(self.run, spot.step, spot.item)
        return self._records[spot]

    def read_all(self, spots: Iterable[Spot]) -> None:
        """Read records that were not read yet."""
        for spot in spots:
            if spot not in self._records:
                self.read(spot)

    def known(self, spot: Spot) -> Sample | None:
        """What is known of a sample without reading."""
        return self._records.get(spot)

    def was_read(self, spot: Spot) -> bool:
        """Whether its record was looked at, successfully or not."""
        return spot in self._records

    def path(self, sample: Sample, take: Take) -> Path:
        """File of a take."""
        from harmonic_core.run.samples import sample_path

        return sample_path(self.run, sample, take)

    def read_matching(self, step: int, text: str, *, starred: bool, go_on: Callable[[], bool]) -> list[Item]:
        """Items of a step that are starred, if that is wanted, and have `text` in title, kind, source or note.

        A step may have very many; what was found so far is given as soon as `go_on` says no.
        """
        from harmonic_core.run.stars import Spot

        wanted = text.casefold().split()
        items = self.read_items(step)
        if not wanted and not starred:
            return items
        found = []
        for item in items:
            if not go_on():
                break
            spot = Spot(step, *item)
            star = self.stars.get(spot)
            if starred and not (star and (star.starred or star.note)):
                continue
            if wanted and not _holds(self.read(spot), item, star, wanted):
                continue
            found.append(item)
        return found

    def starred_steps(self) -> list[int]:
        """Steps with stars or notes, the newest first."""
        there = set(self.steps)
        return sorted({spot.step for spot in self.stars} & there, reverse=True)

    def stars_of(self, step: int) -> int:
        """How many samples of a step have a star or a note."""
        return sum(spot.step == step for spot in self.stars)

    def read_errors(self, item: Item, steps: Sequence[int]) -> list[float | None]:
        """Error of an item in dB at each of `steps`; None where it has none."""
        from harmonic_core.run.stars import Spot

        samples = (self.read(Spot(step, *item)) for step in steps)
        return [sample.recon_db if sample else None for sample in samples]


def takes_of(sample: Sample) -> tuple[Take, ...]:
    """Takes that a sample has, in the order in which they are compared."""
    order: tuple[Take, ...] = (*COMPARED, "prior")
    return tuple(take for take in order if take in sample.files)


def _holds(sample: Sample | None, item: Item, star: Star | None, wanted: Sequence[str]) -> bool:
    said = [item.kind, f"{item.kind} {item.index + 1}", star.note if star else ""]
    if sample:
        said += [sample.title, sample.source]
    text = " ".join(said).casefold()
    return all(word in text for word in wanted)
