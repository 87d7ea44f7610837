"""How much music a run has: by side, by genre or data set, by length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from textual.content import Content
from textual.widget import Widget

from harmonic_core.run.words import count, duration, music_length
from harmonic_tui.widgets.listing import Listing
from harmonic_tui.wording import figure, percent

if TYPE_CHECKING:
    from harmonic_core.run.music import Amount, Group, Music

TRAINED, HELD_OUT, ASIDE = "━", "╍", "┄"
"""A sign a side, so that none is told by its colour alone."""

_SIDES: dict[str, tuple[str, str, str]] = {
    "training": (TRAINED, "training", "train"),
    "validation": (HELD_OUT, "held out", "validation"),
    "aside": (ASIDE, "kept aside", "muted"),
}
_OLDER = "Not written down: an older version prepared this run."
_ADDS_IT = "The run's next start writes it down."
_NOT_READY = "How much music there is, and how it is divided, appears here once it is decoded."
Waiting = Literal["later", "never"]


class SidesPanel(Widget):
    """Tracks, length and segments of training and held-out music."""

    def __init__(self) -> None:
        super().__init__(id="sides", classes="frame")
        self._music: Music | None = None
        self._waiting: Waiting = "later"
        self._hint = ""

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.border_title = Content("Music of this run")

    def tell(self, music: Music | None, waiting: Waiting, hint: str) -> None:
        """Show what there is, or why there is nothing; with what else is known of it, harmless to show."""
        if (music, waiting, hint) != (self._music, self._waiting, self._hint):
            self._music, self._waiting, self._hint = music, waiting, hint
            self.refresh()

    def render(self) -> Content:
        """The table, then what is to be known of it."""
        music, width = self._music, max(1, self.size.width)
        if music is None:
            known = f"Its events tell: {self._hint}." if self._hint and self._waiting == "never" else ""
            more = f"{known} {_ADDS_IT}".strip() if self._waiting == "never" else ""
            return Content.styled(f"{waiting_words(self._waiting)} {more}".strip(), "$muted")
        rows = [Content.styled(f"{'':<14}{'tracks':>9}{'length':>10}{'segments':>11}", "$muted")]
        whole = music.division.whole
        for side, (sign, word, hue) in _SIDES.items():
            amount: Amount = getattr(music.division, side)
            if amount.tracks or side != "aside":
                share = percent(amount.seconds / whole.seconds) if whole.seconds else ""
                rows.append(
                    Content.assemble(Content.styled(f"{sign} {word:<12}", f"${hue}"), _amount(amount), f"{share:>7}")
                )
        rows.append(Content.assemble(f"{'together':<14}", _amount(whole)))
        rows.append(Content(""))
        rows += [
            Content.styled(line, "$muted")
            for line in (
                f"{count(music.epoch)} segments of {figure(music.segment_s)} s an epoch, {count(music.sample_rate)} Hz",
                self._validated(music),
                *music.notes,
            )
        ]
        lines = [line for row in rows for line in row.wrap(width) or [Content("")]]
        return Content("\n").join(lines[: max(1, self.size.height)])

    @staticmethod
    def _validated(music: Music) -> str:
        held_out = music.division.validation.segments
        if not held_out:
            return "nothing is held out, so there are no figures on music that it has not heard"
        if music.validated < held_out:
            return f"{count(music.validated)} of the held-out segments, spread evenly, are looked at each time"
        return "all held-out segments are looked at each time"


class GroupsList(Listing):
    """A line a genre or data set: its length as a bar, by side."""

    def __init__(self) -> None:
        super().__init__("groups")
        self.by: Literal["genre", "data set"] = "genre"
        self._music: Music | None = None
        self._waiting: Waiting = "later"
        self._groups: tuple[Group, ...] = ()

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self._fill()

    def tell(self, music: Music | None, waiting: Waiting) -> None:
        """Show what there is, or why there is nothing."""
        if (music, waiting) != (self._music, self._waiting):
            self._music, self._waiting = music, waiting
            self._fill()

    def turn(self) -> None:
        """Group by the other thing."""
        self.by = "data set" if self.by == "genre" else "genre"
        self._fill()

    def empty(self) -> Content:
        """Why there is nothing."""
        return Content.styled(waiting_words(self._waiting), "$muted")

    def line(self, index: int, width: int) -> Content:
        """A group."""
        group = self._groups[index]
        names = min(max((len(_named(each)) for each in self._groups), default=8), max(8, width // 3))
        room = max(0, width - names - 25)
        most = max(each.whole.seconds for each in self._groups) or 1.0
        bar = [
            Content.styled(sign * cells, f"${hue}")
            for (sign, _, hue), cells in zip(_SIDES.values(), _cells(group, room, most), strict=True)
        ]
        drawn, tracks = Content("").join(bar), group.whole.tracks
        return Content.assemble(
            Content(_named(group)).truncate(names, ellipsis=True, pad=True),
            "  ",
            drawn,
            " " * (room - drawn.cell_length),
            f"{music_length(group.whole.seconds):>9}",
            Content.styled(f"{count(tracks):>7} {'track ' if tracks == 1 else 'tracks'}", "$muted"),
        ).truncate(width, ellipsis=True)

    def _fill(self) -> None:
        music = self._music
        self._groups = () if music is None else music.genres if self.by == "genre" else music.sources
        signs = [
            Content.styled(f"  {sign} {word}", f"${hue}")
            for side, (sign, word, hue) in _SIDES.items()
            if any(getattr(group, side).tracks for group in self._groups)
        ]
        self.border_title = Content.assemble(f"Music by {self.by}", *signs)
        other = "data set" if self.by == "genre" else "genre"
        self.border_subtitle = Content.styled(f"[ ] by {other}" if self._groups else "", "$muted")
        self.show(len(self._groups))


class LengthsPanel(Listing):
    """How long the tracks are: a line a bin."""

    def __init__(self) -> None:
        super().__init__("lengths")
        self._bins: list[tuple[str, int]] = []
        self._told: tuple[Music | None, Waiting] = (None, "later")

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.border_title = Content("Length of the tracks")
        self.show(0)

    def tell(self, music: Music | None, waiting: Waiting) -> None:
        """Show what there is, or why there is nothing."""
        if (music, waiting) == self._told:
            return
        self._told = (music, waiting)
        self._bins = _bins(music) if music else []
        self.show(len(self._bins))

    def empty(self) -> Content:
        """Why there is nothing."""
        return Content.styled(waiting_words(self._told[1]), "$muted")

    def line(self, index: int, width: int) -> Content:
        """A bin."""
        name, tracks = self._bins[index]
        names = max(len(each) for each, _ in self._bins)
        most = max(number for _, number in self._bins)
        room = max(0, width - names - 11)
        cells = max(1, round(room * tracks / most)) if tracks else 0
        return Content.assemble(
            f"{name:>{names}}  ", Content.styled("━" * cells, "$primary"), " " * (room - cells), f"{count(tracks):>9}"
        ).truncate(width)


def waiting_words(waiting: Waiting) -> str:
    """Why nothing is known of the music."""
    return _NOT_READY if waiting == "later" else _OLDER


def _amount(amount: Amount) -> str:
    return f"{count(amount.tracks):>9}{music_length(amount.seconds):>10}{count(amount.segments):>11}"


def _named(group: Group) -> str:
    from harmonic_tui.plain import plain

    return plain(group.name, 40) or "not known"


def _cells(group: Group, room: int, most: float) -> list[int]:
    """Columns of a bar by side; together as many as the whole has, and one at least for what is there."""
    amounts = [getattr(group, side) for side in _SIDES]
    ends, before = [], 0.0
    for amount in amounts:
        before += amount.seconds
        ends.append(round(room * before / most))
    cells = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    return [
        max(1, each) if amount.tracks and room >= len(cells) else each
        for each, amount in zip(cells, amounts, strict=True)
    ]


def _bins(music: Music) -> list[tuple[str, int]]:
    """Names and numbers of the bins, without the empty ones at both ends."""
    filled = [index for index, each in enumerate(music.durations) if each.tracks]
    if not filled:
        return []
    edges = [*(each.from_s for each in music.durations), None]
    found = []
    for index in range(filled[0], filled[-1] + 1):
        low, high = edges[index], edges[index + 1]
        name = f"{duration(low)} to {duration(high)}" if high is not None else f"{duration(low)} and more"
        found.append((name, music.durations[index].tracks))
    return found
