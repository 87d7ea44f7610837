"""Steps with samples, and the samples of one step."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message

from harmonic_core.run.words import count
from harmonic_tui.plain import plain
from harmonic_tui.runs.library import Library, takes_of
from harmonic_tui.widgets.row_list import RowList
from harmonic_tui.wording import figure

if TYPE_CHECKING:
    from harmonic_core.run.samples import Item, Sample
    from harmonic_core.run.stars import Spot

_NARROW = 30
NONE_YET = "no samples yet; they come with every checkpoint, or at once with s"


class StepList(RowList):
    """The steps, the newest first."""

    def __init__(self, library: Library) -> None:
        super().__init__("steps")
        self._library = library
        self._steps: list[int] = []
        self._stars: Counter[int] = Counter()
        self._per_epoch: float | None = None
        self._starred = False

    def __len__(self) -> int:
        """Number of steps."""
        return len(self._steps)

    def show(self, steps: list[int], chosen: int | None, *, per_epoch: float | None, starred: bool) -> None:
        """Show other steps."""
        self._steps, self._per_epoch, self._starred = steps, per_epoch, starred
        self._stars = Counter(spot.step for spot in self._library.stars)
        self.border_title = Content(f"Steps with stars: {count(len(steps))}" if starred else "Steps")
        self.border_subtitle = Content.styled(f"{count(len(steps))}, newest first" if steps else "", "$muted")
        self.tell(self._steps.index(chosen) if chosen in self._steps else 0)

    def step(self, index: int) -> int:
        """The step in a line."""
        return self._steps[index]

    def line(self, index: int, width: int) -> Content:
        """Step, epoch, stars."""
        step = self._steps[index]
        epoch = f"  epoch {count(round(step / self._per_epoch))}" if self._per_epoch else ""
        stars = Content.styled(f"  ★ {self._stars[step]}", "$look") if self._stars[step] else Content("")
        number = count(step).rjust(max(7, len(count(self._steps[0]))))
        return Content.assemble(number, Content.styled(epoch, "$muted"), stars)

    def words(self) -> str:
        """Why there is none."""
        return "no stars yet; * gives one to the chosen sample" if self._starred else NONE_YET


class ItemList(RowList):
    """The samples of one step: priors first."""

    class Scrolled(Message):
        """Other lines are in sight, perhaps some of which nothing is known yet."""

    def __init__(self, library: Library) -> None:
        super().__init__("items")
        self._library = library
        self._items: list[Item] = []
        self._step = 0
        self._filter = ""
        self._sounding: tuple[int, Item] | None = None

    def __len__(self) -> int:
        """Number of samples."""
        return len(self._items)

    def show(self, step: int | None, items: list[Item], chosen: Item | None, *, of: int, found_by: str) -> None:
        """Show other samples, `of` as many as the step has."""
        self._step, self._items, self._filter = step or 0, items, found_by
        title = "Samples" if step is None else f"Step {count(step)}"
        some = f"{count(len(items))} of {count(of)}" if found_by else count(of)
        self.border_title = Content(title if step is None else f"{title}: {some}")
        self.border_subtitle = Content.styled(plain(found_by, 60), "$look")
        self.tell(self._items.index(chosen) if chosen in self._items else 0)

    def mark(self, sounding: tuple[int, Item] | None) -> None:
        """Show what sounds."""
        if sounding != self._sounding:
            self._sounding = sounding
            self.refresh()

    def item(self, index: int) -> Item:
        """The sample in a line."""
        return self._items[index]

    @property
    def unread(self) -> list[Spot]:
        """Samples in sight of which nothing is known yet."""
        from harmonic_core.run.stars import Spot

        spots = (Spot(self._step, *self._items[index]) for index in self.in_sight)
        return [spot for spot in spots if not self._library.was_read(spot)]

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other lines are in sight."""
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Scrolled())

    def line(self, index: int, width: int) -> Content:
        """What it is, whether it sounds, its star, how close or how loud."""
        from harmonic_core.run.stars import Spot

        item = self._items[index]
        spot = Spot(self._step, *item)
        sample, star = self._library.known(spot), self._library.stars.get(spot)
        sounds = self._sounding == (self._step, item)
        liked = Content.styled(f"{'★' if star and star.starred else ' '}{'✎' if star and star.note else ' '} ", "$look")
        mark = Content.styled("▶ " if sounds else "  ", "$good")
        if width < _NARROW:
            # What sounds stands in the place of a star.
            liked, mark = (Content(""), mark) if sounds else (Content(liked.plain.strip()[:1].ljust(2)), Content(""))
            liked = liked.stylize("$look")
        if sample is None:
            said = "no whole record" if self._library.was_read(spot) else "…"
            name = Content(item.record.removesuffix(".json"))
            return Content.assemble(mark, liked, name, Content.styled(f"  {said}", "$muted"))
        right = _figure_of(sample)
        room = width - mark.cell_length - liked.cell_length - right.cell_length - 1
        title = Content(plain(sample.title, 200)).truncate(max(4, room), ellipsis=True, pad=True)
        return Content.assemble(mark, liked, title, " ", right)

    def words(self) -> str:
        """Why there is none."""
        if self._filter:
            return "none here is like that; Escape shows all"
        return "nothing in this step" if self._step else "the samples of the chosen step"


def _figure_of(sample: Sample) -> Content:
    if sample.recon_db is not None:
        return Content(f"{figure(sample.recon_db):>5} dB")
    takes = takes_of(sample)
    level = sample.level_db.get(takes[-1]) if takes else None
    return Content.styled("" if level is None else f"{level:.0f} dBFS".replace("-", "−"), "$muted")
