"""The trainer's verdict on the run, and where sound goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.events import Click
from textual.geometry import Size
from textual.widget import Widget

from harmonic_tui.plain import plain
from harmonic_tui.runs.messages import Seen
from harmonic_tui.wording import VERDICTS

if TYPE_CHECKING:
    from harmonic_core.run.status import Verdict

_GAP = "   "
_ARROW = "→"
_ROWS = 3
"""Most rows that a verdict takes."""
_CALM = {"good", "muted"}


class VerdictLine(Widget):
    """Verdict on the left, sound on the right.

    One row while all is well, with as much of evidence and action as there is room for. A verdict that asks for
    something gets the rows that it needs.
    """

    def __init__(self) -> None:
        super().__init__(id="verdict")
        self._verdict: Verdict | None = None
        self._none = ""
        self._sound = ""

    def tell(self, seen: Seen) -> None:
        """Show the verdict on a run, or why there is none."""
        verdict = seen.status.verdict if seen.status else None
        none = "" if verdict else _no_verdict(seen)
        if (verdict, none) != (self._verdict, self._none):
            self._verdict, self._none = verdict, none
            self._refresh()

    def tell_sound(self, route: str) -> None:
        """Say where sound goes, or what just came of it."""
        if route != self._sound:
            self._sound = route
            self._refresh()

    async def on_click(self, event: Click) -> None:
        """A click on the sound does as its key."""
        begins = self.size.width - self._sound_text(self.size.width).cell_length
        if event.y == self.size.height - 1 and event.x >= begins:
            await self.run_action("app.sound")

    def _refresh(self) -> None:
        """Ask for a new layout only where another number of rows is needed: it draws the whole screen anew."""
        self.refresh(layout=len(self._lines(self.size.width, _ROWS)) != self.size.height)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as the verdict needs at the width that is to come, which is not yet the widget's."""
        return len(self._lines(width, _ROWS))

    def render(self) -> Content:
        """The rows; the sound stands at the end of the last one."""
        width = max(1, self.size.width)
        *lines, last = self._lines(width, max(1, self.size.height))
        sound = self._sound_text(width)
        last = last.truncate(max(0, width - sound.cell_length - 2), ellipsis=True)
        last = Content.assemble(last, " " * max(1, width - last.cell_length - sound.cell_length), sound)
        return Content("\n").join([*lines, last])

    def _sound_text(self, width: int) -> Content:
        text = Content.styled(f"sound: {self._sound}" if self._sound else "", "$muted")
        return text.truncate(max(20, width - 30), ellipsis=True)

    def _lines(self, width: int, rows: int) -> list[Content]:
        """At most `rows` rows, the last with room for the sound."""
        width = max(1, width)
        sentence, *more = self._parts()
        room = width - self._sound_text(width).cell_length - 2
        if self._is_calm or rows == 1:
            first_to_stay = more[:1] if self._is_calm else more[1:]
            shown = ([sentence, *more], [sentence, *first_to_stay])
            return [next((line for line in map(_joined, shown) if line.cell_length <= room), sentence)]
        # What is to be done must not be lost to the figures that say why.
        for parts in ([sentence, *more], [sentence, *more[1:]]):
            lines = _fewest(parts, width)
            if lines[-1].cell_length > room:
                narrower = _fewest(parts, max(1, room))
                lines = narrower if len(narrower) <= len(lines) + 1 else [*lines, Content("")]
            if len(lines) <= rows:
                return lines
        return lines[:rows]

    @property
    def _is_calm(self) -> bool:
        verdict = self._verdict
        return verdict is None or (VERDICTS[verdict.kind].hue in _CALM and not verdict.action)

    def _parts(self) -> list[Content]:
        """Sentence, evidence and action."""
        verdict = self._verdict
        if verdict is None:
            return [Content.styled(self._none, "$muted")]
        mark = VERDICTS[verdict.kind]
        sentence = Content.styled(f"{mark.sign} {plain(verdict.sentence)}", f"${mark.hue}")
        action = Content(f"{_ARROW} {plain(verdict.action)}" if verdict.action else "")
        return [sentence, Content.styled(plain(verdict.evidence), "$muted"), action]


def _joined(parts: list[Content]) -> Content:
    return Content(_GAP).join(part for part in parts if part.plain)


def _fewest(parts: list[Content], width: int) -> list[Content]:
    return min(_by_part(parts, width), _as_prose(parts, width), key=len)


def _by_part(parts: list[Content], width: int) -> list[Content]:
    """Rows that begin with a part wherever the one before leaves too little room for it."""
    lines: list[Content] = []
    for part in (part for part in parts if part.plain):
        if lines and _joined([lines[-1], part]).cell_length <= width:
            lines[-1] = _joined([lines[-1], part])
        else:
            lines += part.wrap(width)
    return lines


def _as_prose(parts: list[Content], width: int) -> list[Content]:
    """Rows as full as can be; by part where one would end in a mere arrow."""
    lines = _joined(parts).wrap(width)
    return _by_part(parts, width) if any(line.plain.rstrip().endswith(_ARROW) for line in lines) else lines


def _no_verdict(seen: Seen) -> str:
    if seen.active:
        return "No verdict yet: it comes when an epoch closes."
    return "No verdict was recorded for this run." if seen.status else ""
