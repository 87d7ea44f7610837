"""What is kept of a sample: a star, a note, a copy."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work

from harmonic_core.errors import HarmonicError
from harmonic_core.run.words import count
from harmonic_tui.pictures.spectra import Spectra
from harmonic_tui.plain import plain
from harmonic_tui.runs.library import Library
from harmonic_tui.screens.listening import ListeningScreen
from harmonic_tui.widgets.sound_view import SoundView

if TYPE_CHECKING:
    from harmonic_core.run.samples import Item, Sample
    from harmonic_core.run.stars import Spot, Star
    from harmonic_tui.runs.watched import WatchedRun


class KeepingScreen(ListeningScreen):
    """A screen on which one sample of a run is chosen.

    Attributes
    ----------
    library, spectra
        All samples of the run, and pictures of them.
    step, item, sample
        The chosen one, and what is known of it; None where there is none.
    """

    def __init__(self, watched: WatchedRun) -> None:
        super().__init__(watched)
        self.library = Library(watched.run)
        self.spectra = Spectra(watched.run)
        self.step: int | None = None
        self.item: Item | None = None
        self.sample: Sample | None = None

    def show_stars(self) -> None:
        """Show what has a star now."""
        raise NotImplementedError

    @property
    def spot(self) -> Spot | None:
        """The chosen sample."""
        from harmonic_core.run.stars import Spot

        return None if self.step is None or self.item is None else Spot(self.step, *self.item)

    @property
    def star(self) -> Star | None:
        """What is thought of it."""
        return self.library.stars.get(self.spot) if self.spot else None

    def action_star(self) -> None:
        """Give a star, or take it back."""
        star = self.star
        self._keep(starred=not (star and star.starred))

    @work(exclusive=True, group="ask")
    async def action_note(self) -> None:
        """Write a note."""
        from harmonic_core.run.stars import MOST_CHARACTERS
        from harmonic_tui.screens.fill_in import FillInScreen

        sample = self.sample
        if sample is None:
            return
        note = await self.app.push_screen_wait(
            FillInScreen(
                f"Note on {plain(sample.title, 50)}, step {count(sample.step)}",
                "Kept in the run, in stars.json. An empty note goes away.",
                value=self.star.note if self.star else "",
                placeholder="what you hear",
                longest=MOST_CHARACTERS,
            )
        )
        if note is not None:
            self._keep(note=note.strip())

    @work(group="keep")
    async def _keep(self, *, starred: bool | None = None, note: str | None = None) -> None:
        from harmonic_core.run.stars import Star, keep_star

        spot, sample = self.spot, self.sample
        if spot is None or sample is None:
            return
        star = self.star or Star(step=spot.step, kind=spot.kind, index=spot.index)
        changes: dict[str, object] = {"title": sample.title}
        changes |= {} if starred is None else {"starred": starred}
        changes |= {} if note is None else {"note": note}
        try:
            self.library.stars = await asyncio.to_thread(keep_star, self.watched.run, star.model_copy(update=changes))
        except HarmonicError as error:
            self.notify(plain(str(error)), title="Not kept", severity="warning", timeout=15, markup=False)
            return
        self.query_one(SoundView).tell_star(self.star)
        self.show_stars()

    @work(exclusive=True, group="ask")
    async def action_export(self) -> None:
        """Copy the takes, their pictures and a description to a folder."""
        from harmonic_tui.runs.exporting import FOLDER, export
        from harmonic_tui.screens.fill_in import FillInScreen

        sample, star = self.sample, self.star
        if sample is None:
            self.notify("There is nothing to export yet.")
            return
        folder = await self.app.push_screen_wait(
            FillInScreen(
                f"Export {plain(sample.title, 50)}, step {count(sample.step)}",
                "Its sounds, their pictures and a description go into a new folder here; nothing is written over.",
                value=str(FOLDER / plain(self.watched.run.name, 100)),
            )
        )
        if not folder or not folder.strip():
            return
        view = self.query_one(SoundView)
        try:
            place = await asyncio.to_thread(
                export, self.library, self.spectra, sample, star, Path(folder.strip()).expanduser(), view.colours
            )
        except HarmonicError as error:
            self.notify(plain(str(error)), title="Not exported", severity="warning", timeout=15, markup=False)
        else:
            self.notify(plain(str(place)), title="Exported", timeout=10, markup=False)

    def action_copy_path(self) -> None:
        """Copy the path of what is shown."""
        wanted = self.to_hear()
        if wanted is not None:
            path = str(wanted[0].resolve())
            self.app.copy_to_clipboard(path)
            self.notify(plain(path), title="Path copied", markup=False)
