"""The newest samples, and which take of each is to be heard."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

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

TAKES: tuple[Take, ...] = ("original", "decoded", "reconstruction")
"""Takes of a reconstruction, in the order in which `a` goes through them."""

_BARS = "▁▂▃▄▅▆▇█"
_TITLE_WIDTH, _TAKES_WIDTH, _ENVELOPE_WIDTH = 14, 22, 12
_THUMBNAIL_FROM = 72


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
        self._empty = "no samples yet; they come with every checkpoint, or at once with s"

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.border_title = Content("Samples")
        self._fill()

    def tell(self, samples: list[Sample]) -> None:
        """Show another set. The choice of item and take stays."""
        self._samples = samples
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

    def _take(self, sample: Sample) -> Take:
        takes = takes_of(sample)
        wanted = self._takes.get((sample.kind, sample.index))
        return wanted if wanted in takes else takes[-1]

    def _fill(self) -> None:
        kept = self.highlighted
        if not self._samples:
            self.border_title = Content("Samples")
            self.set_options([Option(Content.styled(self._empty, "$muted"), disabled=True)])
            return
        playable = [sample for sample in self._samples if takes_of(sample)]
        self._samples = playable
        step = max(sample.step for sample in playable) if playable else 0
        self.border_title = Content(f"Samples, step {count(step)}")
        self.border_subtitle = Content.styled(self._explanation(), "$muted")
        self.set_options(Option(self._line(sample)) for sample in playable)
        self.highlighted = min(kept or 0, len(playable) - 1) if playable else None

    def _explanation(self) -> str:
        playing = self._playing
        if playing and not any(sample.step == playing[0].step for sample in self._samples):
            return f"playing {plain(playing[0].title, 30)} of step {count(playing[0].step)}"
        return "a: A original · B decoded · C reconstruction"

    def _line(self, sample: Sample) -> Content:
        sounding = self._playing is not None and self._playing[0] == sample
        width = max(20, self.size.width)
        with_thumbnail = width >= _THUMBNAIL_FROM
        title_width = min(max(_TITLE_WIDTH, width - (55 if with_thumbnail else 42)), 40)
        title = plain(sample.title, 200)
        take = self._take(sample)
        parts = [
            Content.assemble(
                Content.styled("▶ " if sounding else "  ", "$good"),
                Content(title).truncate(title_width, ellipsis=True, pad=True),
            ),
            _takes_text(takes_of(sample), take).truncate(_TAKES_WIDTH, pad=True),
            Content(f"{sample.duration_s:4.1f} s"),
        ]
        if sample.recon_db is not None:
            parts.append(Content(f"{figure(sample.recon_db):>5} dB"))
        elif (level := sample.level_db.get(take)) is not None:
            parts.append(Content.styled(f"{level:.0f} dBFS".rjust(8).replace("-", "−"), "$muted"))
        if with_thumbnail:
            parts.append(Content.styled(_thumbnail(sample.envelope), f"${_hue(take)}"))
        return Content(" ").join(_fitting(parts, width))


def _fitting(parts: list[Content], width: int) -> Iterable[Content]:
    used = 0
    for part in parts:
        used += part.cell_length + 1
        if used > width + 1:
            return
        yield part


def _takes_text(takes: tuple[Take, ...], chosen: Take) -> Content:
    """`A B [C] reconstruction`: the takes by letter, the chosen one in brackets and by name."""
    if len(takes) < 2:
        return Content("")
    letters = (
        Content.styled(f"[{letter}]" if take == chosen else letter, f"${_hue(take)}")
        for letter, take in zip("ABC", takes, strict=False)
    )
    return Content.assemble(Content(" ").join(letters), Content.styled(f" {chosen}", f"${_hue(chosen)}"))


def _hue(take: Take) -> str:
    return "reconstruction" if take == "prior" else take


def _thumbnail(envelope: list[float]) -> str:
    share = max(1, -(-len(envelope) // _ENVELOPE_WIDTH))
    peaks = (max(envelope[start : start + share]) for start in range(0, len(envelope), share))
    return "".join(_BARS[max(0, min(7, int(8 * peak)))] if math.isfinite(peak) else " " for peak in peaks)
