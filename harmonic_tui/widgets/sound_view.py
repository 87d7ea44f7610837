"""One sound to look at: spectrogram and wave under each other, and how the original differs where both are known."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from harmonic_core.errors import DataError
from harmonic_core.run.words import count
from harmonic_tui.pictures import graphics
from harmonic_tui.plain import plain
from harmonic_tui.runs.library import Library, takes_of
from harmonic_tui.widgets.picture import Picture
from harmonic_tui.widgets.sound_line import hue_of
from harmonic_tui.widgets.spectrogram import Spectrogram
from harmonic_tui.widgets.wave import Wave
from harmonic_tui.wording import figure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harmonic_core.run.samples import Sample, Take
    from harmonic_core.run.stars import Star
    from harmonic_tui.pictures.graphics import Way
    from harmonic_tui.pictures.spectra import Spectra, Spectrum

View = Literal["take", "difference"]

_CHOICES: tuple[tuple[Way | None, str], ...] = (
    (None, "as fine as the terminal can"),
    ("blocks", "half-blocks"),
    ("characters", "characters"),
)

_NO_ORIGINAL = "no difference to show: it was drawn from the prior, there is no original"
_WHAT_DIFFERS = Content.assemble(
    Content.styled("+ original louder", "$original"),
    "   ",
    Content.styled("− reconstruction louder", "$reconstruction"),
)


class SoundView(Vertical):
    """Pictures of one take of a sample. They are made in a thread, and the last ones are kept."""

    class Pointed(Message):
        """Somebody clicked at a share of the sound, from 0 to 1."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    class Shown(Message):
        """A sound is to be seen now, or it was said why not."""

    def __init__(self, library: Library, spectra: Spectra) -> None:
        super().__init__(id="sound", classes="frame")
        self._library, self._spectra = library, spectra
        self._shown: tuple[Sample, Take, View] | None = None
        self._chosen_way: Way | None = None
        self._sixel = False
        self._star: Star | None = None
        self.spectrum: Spectrum | None = None
        """The sound that is to be seen."""

    def compose(self) -> ComposeResult:
        """Pictures above, wave and time below."""
        with Vertical(id="pictures"):
            yield Spectrogram("picture")
            yield Static(_WHAT_DIFFERS, id="what-differs")
            yield Spectrogram("difference")
        yield Wave()

    def on_mount(self) -> None:
        """Find out how the terminal shows pictures."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._show_titles())
        driver = self.app._driver
        if graphics.way_from(os.environ) is None and driver is not None and not driver.is_headless:
            graphics.ask(driver.write, self._heard_of_sixel)
        self._choose_way()

    def on_resize(self) -> None:
        """Characters may have another size now."""
        self._choose_way()
        self._fill()

    def next_way(self) -> str:
        """Draw in another way, and say in words which."""
        place = [way for way, _ in _CHOICES].index(self._chosen_way)
        self._chosen_way, words = _CHOICES[(place + 1) % len(_CHOICES)]
        self._choose_way()
        return words

    def say(self, words: str) -> None:
        """Say why there is nothing to see."""
        self._shown = self.spectrum = None
        self.workers.cancel_group(self, "picture")
        self._say(words)
        self.border_title, self.border_subtitle = Content("Sound"), Content("")

    def show(self, sample: Sample, take: Take, view: View, star: Star | None) -> None:
        """Show a take of a sample, or how the reconstruction differs from the original."""
        self._star = star
        wanted = (sample, take, view)
        if wanted != self._shown:
            self._shown = wanted
            self._fill()
        self._show_titles()

    def tell_star(self, star: Star | None) -> None:
        """Show another star or note."""
        self._star = star
        self._show_titles()

    def point(self, share: float | None) -> None:
        """Show where the sound is, as a share of its length."""
        for picture in self.query(Spectrogram):
            picture.point(share)
        self.query_one(Wave).point(share)

    @property
    def colours(self) -> NDArray[np.uint8]:
        """Colours of levels under this theme, (256, 3)."""
        from harmonic_tui.pictures.colours import level_colours

        return level_colours(self.app.theme_variables, dark=self.app.current_theme.dark)

    def on_picture_pointed(self, message: Picture.Pointed) -> None:
        """A click in a picture."""
        message.stop()
        self.post_message(self.Pointed(message.share))

    def on_wave_pointed(self, message: Wave.Pointed) -> None:
        """A click in the wave."""
        message.stop()
        self.post_message(self.Pointed(message.share))

    def _fill(self) -> None:
        if self._shown is not None:
            self.run_worker(self._draw(*self._shown), group="picture", exclusive=True)

    async def _draw(self, sample: Sample, take: Take, view: View) -> None:
        main, beside = self.query_one("#picture", Spectrogram), self.query_one("#difference", Spectrogram)
        try:
            spectrum = await self._spectrum(self._library.path(sample, take))
        except DataError as error:
            self.spectrum = None
            self._say(str(error))
            self.post_message(self.Shown())
            return
        self.spectrum = spectrum
        self.query_one(Wave).show(spectrum, hue_of(take))
        both = {"original", "reconstruction"} <= set(takes_of(sample))
        self.set_class(both and view == "take", "-both")
        if view == "difference" or both:
            target = main if view == "difference" else beside
            await self._draw_difference(target, sample, both=both)
        if view == "take":
            main.show(spectrum, await self._window(sample, spectrum))
        self._show_titles()
        self.post_message(self.Shown())

    async def _draw_difference(self, target: Spectrogram, sample: Sample, *, both: bool) -> None:
        if not both:
            target.say(Content.styled(_NO_ORIGINAL, "$muted"))
            return
        try:
            original, difference = await self._difference(sample)
        except DataError as error:
            target.say(Content.styled(plain(str(error)), "$look"))
        else:
            target.show_difference(original, difference)

    async def _spectrum(self, path: Path) -> Spectrum:
        return await asyncio.to_thread(self._spectra.of, path)

    async def _window(self, sample: Sample, spectrum: Spectrum) -> tuple[float, float]:
        from harmonic_tui.pictures.spectra import window_of

        if "original" in sample.files:
            try:
                spectrum = await self._spectrum(self._library.path(sample, "original"))
            except DataError:
                return window_of(spectrum)
        return window_of(spectrum)

    async def _difference(self, sample: Sample) -> tuple[Spectrum, NDArray[np.float32]]:
        from harmonic_tui.pictures.spectra import difference_db

        original = await self._spectrum(self._library.path(sample, "original"))
        reconstruction = await self._spectrum(self._library.path(sample, "reconstruction"))
        return original, await asyncio.to_thread(difference_db, original, reconstruction)

    def _say(self, words: str) -> None:
        self.remove_class("-both")
        self.query_one("#picture", Spectrogram).say(Content.styled(plain(words), "$muted"))
        self.query_one(Wave).show(None, "muted")
        self.point(None)

    def _show_titles(self) -> None:
        if self._shown is None:
            return
        sample, take, view = self._shown
        star = self._star
        title = Content.styled(plain(sample.title, 60), "bold")
        if view == "difference":
            said = Content.assemble("   ", _WHAT_DIFFERS)
        else:
            said = Content.styled(f"   {_name_of(take)}", f"${hue_of(take)}")
        stars = Content.styled("   ★" if star and star.starred else "", "$look")
        note = Content.styled(f"   ✎ {plain(star.note, 120)}" if star and star.note else "", "$look")
        self.border_title = Content.assemble(title, said, stars, note)
        self.border_subtitle = self._about(sample)

    @staticmethod
    def _about(sample: Sample) -> Content:
        parts = [f"step {count(sample.step)}", f"epoch {count(sample.epoch)}"]
        if sample.recon_db is not None:
            parts.append(f"error {figure(sample.recon_db)} dB")
        if sample.decoded_db is not None:
            parts.append(f"of which vocoder {figure(sample.decoded_db)} dB")
        return Content.styled(" · ".join(parts), "$muted")

    def _heard_of_sixel(self, works: bool) -> None:
        """Take note of what the terminal answered; called in the thread that reads keys."""
        self.app.call_later(self._know_of_sixel, works)

    def _know_of_sixel(self, works: bool) -> None:
        self._sixel = works
        if self.is_mounted:
            self._choose_way()

    def _choose_way(self) -> None:
        way = self._chosen_way or graphics.way_from(os.environ) or ("sixel" if self._sixel else "blocks")
        pixels = graphics.pixels_of_a_cell() if way in {"kitty", "sixel"} and not self.app.is_headless else None
        colours = self.app.console.color_system
        if way in {"kitty", "sixel"} and (pixels is None or self.app.no_color):
            way = "blocks"
        if way == "kitty" and colours != "truecolor":
            # The number of a picture is told as a colour.
            way = "blocks"
        if way == "blocks" and colours in {None, "standard"} and not self.app.is_headless:
            way = "characters"
        for picture in self.query(Spectrogram):
            picture.draw_in(way, pixels)


def _name_of(take: Take) -> str:
    return {
        "prior": "drawn from the prior",
        "original": "A original",
        "decoded": "B original, decoded by the vocoder",
        "reconstruction": "C reconstruction",
    }[take]
