"""The head of the dashboard: which run, how it is, how far, how fast, how long yet."""

from __future__ import annotations

from textual.content import Content
from textual.style import Style
from textual.widget import Widget

from harmonic_core.run.words import count, duration, files
from harmonic_tui.plain import plain
from harmonic_tui.runs.messages import Seen
from harmonic_tui.wording import ago, figure, percent, state_mark

_GAP = "   "
_LEAST_NAME = 12
"""Columns that a run's name keeps on the narrowest screen."""


class Header(Widget):
    """One line where there is room, two where there is not, and a bar of progress below."""

    def __init__(self, name: str) -> None:
        super().__init__(id="header")
        self._run = plain(name, 60)
        self._seen: Seen | None = None
        self._refused = 0

    def tell_refused(self, number: int) -> None:
        """Say how many files were refused, where nothing else has room for it."""
        if number != self._refused:
            self._refused = number
            self.refresh()

    def tell(self, seen: Seen) -> None:
        """Show another state."""
        if seen != self._seen:
            self._seen = seen
            self.set_class(seen.silent_s > 0, "-stale")
            self.refresh()

    def render(self) -> Content:
        """The lines."""
        width = max(1, self.size.width)
        title = Content.styled("HarmonicVAE", "bold $primary")
        name, *place = self._place()
        in_two = self.size.height > 2
        beside = self._refused_files() if in_two else self._right()
        # The state must not give way to a long name.
        needed = [title, *place[:1], *beside]
        room = width - sum(part.cell_length + len(_GAP) for part in needed)
        first = [title, name.truncate(max(_LEAST_NAME, room), ellipsis=True), *place[:1]]
        if in_two:
            lines = [_spread(first, beside, width), _spread(place[1:], self._right(), width)]
        else:
            lines = [_spread([*first, *place[1:]], beside, width)]
        return Content("\n").join([*lines, self._bar(width)])

    def _place(self) -> list[Content]:
        name = Content.styled(self._run, "bold")
        if self._seen is None:
            return [name]
        profile = plain(self._seen.status.profile, 30) if self._seen.status else ""
        if profile and not self._run.startswith(profile):
            name = Content.assemble(name, Content.styled(f"  {profile}", "$muted"))
        status = self._seen.status
        mark = state_mark(self._seen.state, status.why if status else "")
        state = Content.styled(f"{mark.sign} {mark.word}", f"${mark.hue}")
        if status is None:
            return [name, state]
        if self._seen.silent_s and self._seen.state != "lost":
            state = Content.assemble(state, Content.styled(f", last heard {ago(self._seen.silent_s)}", "$look"))
        parts = [name, state]
        if status.epoch:
            parts.append(Content(f"epoch {status.epoch}/{status.epochs}"))
            parts.append(Content(f"step {count(status.step)}"))
            parts.append(Content.styled(f"{status.stage} stage", "$muted"))
        elif (told := status.preparation) and told.done < told.total:
            parts.append(Content(f"{count(told.done)} of {files(told.total)}"))
        elif status.phase and self._seen.active:
            parts.append(Content(plain(status.phase, 60)))
        return parts

    def _refused_files(self) -> list[Content]:
        if not self._refused:
            return []
        said = Content.styled(f"{files(self._refused)} refused", "$look")
        return [said.stylize(Style.from_meta({"@click": "screen.all_refused"}))]

    def _right(self) -> list[Content]:
        status = self._seen.status if self._seen else None
        if status is None:
            return []
        if self._seen is not None and not self._seen.active:
            return [Content.styled(f"ran {duration(status.heartbeat - status.started_at)}", "$muted")]
        told = status.preparation if not status.epoch else None
        eta_s = told.eta_s if told and told.done < told.total else status.eta_s
        eta = [Content(f"ETA {duration(eta_s)}")] if eta_s is not None else []
        # A run that waits has no speed, whatever it had before.
        waits = self._seen is not None and self._seen.state == "paused"
        known = status.segments_per_s is not None and not waits
        speed = [Content(f"{figure(status.segments_per_s)} seg/s")] if known else []
        return eta + speed

    def _bar(self, width: int) -> Content:
        status = self._seen.status if self._seen else None
        share = status.progress if status else 0.0
        label = f" {percent(share)}" if status else ""
        cells = max(0, width - len(label))
        done = round(share * cells)
        return Content.assemble(
            Content.styled("━" * done, "$primary"), Content.styled("─" * (cells - done), "$faint"), label
        )


def _spread(left: list[Content], right: list[Content], width: int) -> Content:
    """Parts on the left and on the right of a line; the last ones on the left go where it is too narrow."""
    end = Content(_GAP).join(right)
    start = Content(_GAP).join(left)
    while len(left) > 2 and start.cell_length + end.cell_length >= width:
        left = left[:-1]
        start = Content(_GAP).join(left)
    space = width - start.cell_length - end.cell_length
    return Content.assemble(start, " " * space, end) if space > 0 else start.truncate(width, ellipsis=True)
