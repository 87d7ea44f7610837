"""How the music is made ready, before there is anything to learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from harmonic_core.run.words import UNKNOWN, count, duration, files, music_length
from harmonic_tui.plain import end_of, plain
from harmonic_tui.runs.messages import Seen
from harmonic_tui.wording import figure, percent

if TYPE_CHECKING:
    from harmonic_core.run.status import Preparation

_GAP = "   "
_TABLE_ROWS = 9
_NAME_WIDTH = 12


class PreparationPanel(Widget):
    """Files, hours, cache, speed and time left; a table where there is room, else four lines."""

    def __init__(self) -> None:
        super().__init__(id="preparing", classes="frame")
        self._seen: Seen | None = None
        self._music = ""
        self._refused = 0

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.border_title = Content("Preparing the music")

    def tell(self, seen: Seen, refused: int) -> None:
        """Show another state of the run; `refused` files were named so far."""
        if (seen, refused) != (self._seen, self._refused):
            self._seen, self._refused = seen, refused
            self.border_title = Content("Music made ready" if self._is_over else "Preparing the music")
            self.refresh()

    def tell_music(self, music: str) -> None:
        """Say where the music lies."""
        if music != self._music:
            self._music = music
            self.refresh()

    def render(self) -> Content:
        """The figures."""
        width = max(1, self.size.width)
        told = self._seen.status.preparation if self._seen and self._seen.status else None
        lines = self._table(told, width) if self.size.height >= _TABLE_ROWS else self._lines(told, width)
        return Content("\n").join(line.truncate(width, ellipsis=True) for line in lines)

    @property
    def _refused_now(self) -> int:
        status = self._seen.status if self._seen else None
        return max(self._refused, status.preparation.refused if status and status.preparation else 0)

    def _table(self, told: Preparation | None, width: int) -> list[Content]:
        rows: list[tuple[str, str | Content]] = []
        if told:
            rows = [
                ("files", f"{count(told.done)} of {count(told.total)}"),
                ("ready", f"{music_length(told.audio_s)} of music"),
                ("from cache", files(told.from_cache) if told.from_cache else "none"),
                *([("speed", _speed(told)), ("time left", self._time_left(told))] if told.done < told.total else []),
                ("refused", _refused(self._refused_now)),
            ]
        if not self._is_over:
            rows.append(("now" if self._goes_on else "last", self._now(told)))
        rows.append(("music", self._music or UNKNOWN))
        lines = [_bar(told, width), Content("")]
        for name, said in rows:
            # Folders may be many and names long: they go on in the next line.
            first, *more = Content.assemble(said).wrap(max(1, width - _NAME_WIDTH)) or [Content("")]
            lines.append(Content.assemble(Content.styled(name.ljust(_NAME_WIDTH), "$muted"), first))
            lines += [Content.assemble(" " * _NAME_WIDTH, line) for line in more]
        return lines[: self.size.height]

    def _lines(self, told: Preparation | None, width: int) -> list[Content]:
        music = Content(self._music or UNKNOWN).truncate(width // 2, ellipsis=True)
        now = end_of(self._now(told), max(1, width - music.cell_length - len(_GAP)))
        where = Content.assemble(music, _GAP, Content.styled(now, "$muted"))
        if told is None:
            return [_bar(told, width), where]
        parts = [
            Content(f"{count(told.done)} of {files(told.total)}"),
            Content(f"{music_length(told.audio_s)} ready"),
            Content(f"{count(told.from_cache)} from the cache"),
            Content.assemble(_refused(self._refused_now), " refused"),
        ]
        # What is ready has neither a speed nor a time left.
        pace = [Content(f"{_speed(told)}{_GAP}time left {self._time_left(told)}")] if told.done < told.total else []
        return [_bar(told, width), Content(_GAP).join(parts), *pace, where]

    def _time_left(self, told: Preparation) -> str:
        return duration(told.eta_s) if self._goes_on else UNKNOWN

    def _now(self, told: Preparation | None) -> str:
        status = self._seen.status if self._seen else None
        if status is None:
            return "starting"
        return plain(told.label) if told and told.label and told.done < told.total else plain(status.phase)

    @property
    def _is_over(self) -> bool:
        """Whether the run trains, or did."""
        return self._seen is not None and self._seen.status is not None and self._seen.status.epoch > 0

    @property
    def _goes_on(self) -> bool:
        return self._seen is not None and self._seen.active


def _speed(told: Preparation) -> str:
    if told.rate is None:
        return UNKNOWN
    return f"{figure(told.rate)} × real time, {music_length(60 * told.rate)} a minute"


def _refused(number: int) -> Content:
    return Content.styled(files(number), "$look") if number else Content("none")


def _bar(told: Preparation | None, width: int) -> Content:
    share = told.progress if told else 0.0
    label = f" {percent(share)}" if told else ""
    cells = max(0, width - len(label))
    done = int(share * cells)
    return Content.assemble(
        Content.styled("━" * done, "$primary"), Content.styled("─" * (cells - done), "$faint"), label
    )
