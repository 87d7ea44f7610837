"""Takes of one sample against each other: seen in the same place, heard from the same moment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harmonic_core.run.words import count
from harmonic_tui.plain import plain
from harmonic_tui.runs.library import takes_of
from harmonic_tui.screens.keeping import KeepingScreen
from harmonic_tui.widgets.sample_list import ItemList
from harmonic_tui.widgets.sound_line import Sounding, SoundLine
from harmonic_tui.widgets.sound_view import SoundView, View

if TYPE_CHECKING:
    from harmonic_core.run.samples import Item, Sample, Take
    from harmonic_tui.runs.watched import WatchedRun


class ComparingScreen(KeepingScreen):
    """A screen on which takes of the chosen sample are seen, heard and compared.

    Attributes
    ----------
    take, view
        The chosen take, also of samples that come, and whether that or a difference is seen.
    autoplay
        Whether new samples are played as soon as they are made.
    """

    def __init__(self, watched: WatchedRun) -> None:
        super().__init__(watched)
        self.take: Take = "reconstruction"
        self.view: View = "take"
        self.autoplay = False
        self._played: tuple[int, Item] | None = None

    def shown_take(self, sample: Sample) -> Take:
        """The take of a sample that is shown: the chosen one, where it has it."""
        takes = takes_of(sample)
        return self.take if self.take in takes else takes[-1]

    def to_hear(self) -> tuple[Path, str] | None:
        """File and title of the take that is shown."""
        sample = self.sample
        if sample is None or not takes_of(sample):
            return None
        take = self.shown_take(sample)
        return self.library.path(sample, take), f"{plain(sample.title, 80)} · {take} · step {count(sample.step)}"

    def show_sounding(self) -> None:
        """Show what the player does, and where in the sound it is."""
        player, view, sample = self.app.player, self.query_one(SoundView), self.sample
        here = self.sounds_here
        spectrum = view.spectrum
        length = (player.duration_s if here else None) or (spectrum.duration_s if spectrum else None)
        view.point(min(1.0, player.position_s / length) if here and length else None)
        if player.playing is None:
            self._played = None
        elif here and self.step is not None and self.item is not None:
            self._played = (self.step, self.item)
        self.query_one(ItemList).mark(self._played)
        take = self.shown_take(sample) if sample and takes_of(sample) else None
        self.query_one(SoundLine).tell(
            Sounding(
                sign="■" if not here else "‖" if player.paused else "▶",
                position_s=player.position_s if here else 0.0,
                duration_s=length,
                takes=takes_of(sample) if sample else (),
                take=take,
                level_db=sample.level_db.get(take) if sample and take else None,
                volume=player.volume,
                loop=player.loop,
                autoplay=self.autoplay,
                route=player.route,
                elsewhere=self._played_elsewhere(here),
            )
        )

    def _played_elsewhere(self, here: bool) -> str:
        if here or self._played is None:
            return ""
        step, item = self._played
        return f"{item.kind} {item.index + 1} of step {count(step)}"

    def on_sound_view_pointed(self, message: SoundView.Pointed) -> None:
        """A click in the picture or the wave: go on from there."""
        spectrum = self.query_one(SoundView).spectrum
        if spectrum is None:
            return
        at_s = message.share * spectrum.duration_s
        if self.sounds_here:
            self.app.player.seek(at_s)
            self.show_sounding()
        else:
            self.play(at_s=at_s)

    def on_sound_view_shown(self) -> None:
        """The length is known now."""
        self.show_sounding()

    def action_take(self) -> None:
        """Show the next take of the same item; while one sounds, go on with it from the same place."""
        takes = takes_of(self.sample) if self.sample else ()
        if len(takes) < 2:
            self.notify("This sample has one take only. Reconstructions have three to compare.")
            return
        assert self.sample is not None
        self.action_choose_take(takes[(takes.index(self.shown_take(self.sample)) + 1) % len(takes)])

    def action_choose_take(self, take: Take) -> None:
        """Show a take of the same item; while one sounds, go on with it from the same place."""
        sounds = self.sounds_here
        self.take, self.view = take, "take"
        if self.sample is not None:
            self.query_one(SoundView).show(self.sample, self.shown_take(self.sample), self.view, self.star)
        if sounds:
            self.play(keep_position=True)
        self.show_sounding()

    def action_difference(self) -> None:
        """Show how the reconstruction differs, or the take again."""
        self.view = "take" if self.view == "difference" else "difference"
        if self.sample is not None and takes_of(self.sample):
            self.query_one(SoundView).show(self.sample, self.shown_take(self.sample), self.view, self.star)
