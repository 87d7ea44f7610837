"""The newest samples, and which take of each is to be heard."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.words import count
from harmonic_tui.keys import bindings
from harmonic_tui.plain import plain
from harmonic_tui.wording import figure

if TYPE_CHECKING:
    from harmonic_core.run.samples import Sample, Take
    from harmonic_core.run.stars import Spot

TAKES: tuple[Take, ...] = ("original", "decoded", "reconstruction")
"""Takes of a reconstruction, in the order in which `a` goes through them."""

_BARS = "▁▂▃▄▅▆▇█"
_TAKES_WIDTH, _LETTERS_WIDTH, _ENVELOPE_WIDTH = 22, 7, 12
_MOST_TITLE = 40


def takes_of(sample: Sample) -> tuple[Take, ...]:
    """Takes that a sample has."""
    return tuple(take for take in (*TAKES, "prior") if take in sample.files)


class SamplesPanel(OptionList):
    """A line a sample: what it is, its takes, how long, how loud, how close."""

    BINDINGS = bindings("samples-list")

    class Wanted(Message):
        """A sample was chosen with Enter or the mouse."""

    def __init__(self, run: RunDirectory) -> None:
        super().__init__(id="samples", classes="frame")
        self._run = run
        self._samples: list[Sample] = []
        self._takes: dict[tuple[str, int], Take] = {}
        self._playing: tuple[Sample, Take] | None = None
        self._starred: Collection[Spot] = ()
        self._empty = "no samples yet; they come with every checkpoint, or at once with s"

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.border_title = Content("Samples")
        self._fill()

    def tell(self, samples: list[Sample]) -> None:
        """Show another set. The choice of item and take stays."""
        self._samples = samples
        self._fill()

    def tell_stars(self, starred: Collection[Spot]) -> None:
        """Show which samples have a star."""
        if starred != self._starred:
            self._starred = starred
            self._fill()

    @property
    def chosen(self) -> tuple[Sample, Take] | None:
        """Sample and take to play next."""
        index = self.highlighted
        if index is None or index >= len(self._samples):
            return None
        sample = self._samples[index]
        return sample, self._take(sample)

    @property
    def current(self) -> tuple[Sample, Take] | None:
        """What sounds now, else what is chosen: the item on which the takes are compared."""
        return self._playing or self.chosen

    def path(self, choice: tuple[Sample, Take]) -> Path:
        """File of a take."""
        from harmonic_core.run.samples import sample_path

        return sample_path(self._run, *choice)

    def next_take(self) -> tuple[Sample, Take] | None:
        """Choose the next take of the current item; its step and item stay the same. None where there is only one."""
        if self.current is None:
            return None
        sample, take = self.current
        takes = takes_of(sample)
        if len(takes) < 2:
            return None
        following = takes[(takes.index(take) + 1) % len(takes)]
        self._takes[sample.kind, sample.index] = following
        if self._playing:
            self._playing = (sample, following)
        self._fill()
        return sample, following

    def mark_playing(self, playing: tuple[Sample, Take] | None) -> None:
        """Show what sounds."""
        if playing != self._playing:
            self._playing = playing
            self._fill()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter and a click play."""
        event.stop()
        if self._samples:
            self.post_message(self.Wanted())

    def on_resize(self) -> None:
        """Lines are made for the width."""
        self._fill()

    def _is_starred(self, sample: Sample) -> bool:
        return (sample.step, sample.kind, sample.index) in self._starred

    def _take(self, sample: Sample) -> Take:
        takes = takes_of(sample)
        wanted = self._takes.get((sample.kind, sample.index))
        return wanted if wanted in takes else takes[-1]

    def _fill(self) -> None:
        kept = self.highlighted
        # A sentence may go on in the next line, a sample may not.
        self.styles.text_wrap = "nowrap" if self._samples else "wrap"
        if not self._samples:
            self.border_title = Content("Samples")
            self.set_options([Option(Content.styled(self._empty, "$muted"), disabled=True)])
            return
        playable = [sample for sample in self._samples if takes_of(sample)]
        self._samples = playable
        step = max(sample.step for sample in playable) if playable else 0
        self.border_title = Content(f"Samples, step {count(step)}")
        self.border_subtitle = Content.styled(self._explanation(), "$muted")
        columns = self._columns()
        self.set_options(Option(self._line(sample, columns)) for sample in playable)
        self.highlighted = min(kept or 0, len(playable) - 1) if playable else None

    def _explanation(self) -> str:
        playing = self._playing
        if playing and not any(sample.step == playing[0].step for sample in self._samples):
            return f"playing {plain(playing[0].title, 30)} of step {count(playing[0].step)}"
        return "a: A original · B decoded · C reconstruction"

    def _line(self, sample: Sample, columns: _Columns) -> Content:
        sounding = self._playing is not None and self._playing[0] == sample
        take = self._take(sample)
        stars = [Content.styled("★ " if self._is_starred(sample) else "  ", "$look")] if columns.stars else []
        name = Content.assemble(
            Content.styled("▶ " if sounding else "  ", "$good"),
            *stars,
            Content(plain(sample.title, 200)).truncate(columns.title, ellipsis=True, pad=True),
        )
        parts = [name]
        if columns.takes:
            takes = _takes_text(takes_of(sample), take, named=columns.takes == _TAKES_WIDTH)
            parts.append(takes.truncate(columns.takes, pad=True))
        if columns.length:
            parts.append(Content(_length_of(sample).rjust(columns.length)))
        if columns.figure:
            hue = "" if sample.recon_db is not None else "$muted"
            parts.append(Content.styled(_figure_of(sample, take).rjust(columns.figure), hue))
        if columns.thumbnail:
            parts.append(Content.styled(_thumbnail(sample.envelope), f"${_hue(take)}"))
        return Content(" ").join(parts)

    def _columns(self) -> _Columns:
        """What has room: the richest arrangement that leaves the titles some columns."""
        stars = any(map(self._is_starred, self._samples))
        length = max((len(_length_of(sample)) for sample in self._samples), default=0)
        said = max((len(_figure_of(sample, self._take(sample))) for sample in self._samples), default=0)
        room = self.scrollable_content_region.width - 2 - 2 * stars
        for least, *others in (
            (16, _TAKES_WIDTH, length, said, _ENVELOPE_WIDTH),
            (12, _TAKES_WIDTH, length, said, 0),
            (8, _LETTERS_WIDTH, length, said, 0),
            (6, 0, length, said, 0),
            (4, 0, 0, said, 0),
        ):
            rest = room - sum(width + 1 for width in others if width)
            if rest >= least:
                return _Columns(stars, min(rest, _MOST_TITLE), *others)
        return _Columns(stars, max(1, room), 0, 0, 0, 0)


class _Columns(NamedTuple):
    """Widths of the columns of all lines; 0 for what has no room."""

    stars: bool
    title: int
    takes: int
    length: int
    figure: int
    thumbnail: int


def _length_of(sample: Sample) -> str:
    return f"{sample.duration_s:.1f} s"


def _figure_of(sample: Sample, take: Take) -> str:
    """The error of a reconstruction, the level of anything else."""
    if sample.recon_db is not None:
        return f"{figure(sample.recon_db)} dB"
    level = sample.level_db.get(take)
    return "" if level is None else f"{level:.0f} dBFS".replace("-", "−")


def _takes_text(takes: tuple[Take, ...], chosen: Take, *, named: bool) -> Content:
    """`A B [C] reconstruction`: the takes by letter, the chosen one in brackets, and by name where there is room."""
    if len(takes) < 2:
        return Content("")
    letters = (
        Content.styled(f"[{letter}]" if take == chosen else letter, f"${_hue(take)}")
        for letter, take in zip("ABC", takes, strict=False)
    )
    name = Content.styled(f" {chosen}" if named else "", f"${_hue(chosen)}")
    return Content.assemble(Content(" ").join(letters), name)


def _hue(take: Take) -> str:
    return "reconstruction" if take == "prior" else take


def _thumbnail(envelope: list[float]) -> str:
    share = max(1, -(-len(envelope) // _ENVELOPE_WIDTH))
    peaks = (max(envelope[start : start + share]) for start in range(0, len(envelope), share))
    return "".join(_BARS[max(0, min(7, int(8 * peak)))] if math.isfinite(peak) else " " for peak in peaks)
