"""How much of the differences between trials each setting explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from harmonic_tui.plain import plain
from harmonic_tui.widgets.trial_marks import named
from harmonic_tui.wording import percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harmonic_tui.runs.studies import SeenTrials

_LEAST_BAR, _SHARE, _GAP = 3, 6, 2


class ImportancePanel(Widget):
    """A line a setting, with a bar for each objective."""

    def __init__(self) -> None:
        super().__init__(id="importance", classes="frame")
        self._seen: SeenTrials | None = None

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.border_title = Content("What matters")

    def tell(self, seen: SeenTrials | None) -> None:
        """Show another moment."""
        self._seen = seen
        rests = f"of the variance, {seen.study.importance_trials} trials" if seen and self._shares() else ""
        self.border_subtitle = Content.styled(rests, "$muted")
        self.refresh()

    def render(self) -> Content:
        """The bars, or why there are none."""
        shares = self._shares()
        if not shares:
            return Content.styled(self._why_not(), "$muted")
        keys = sorted(
            dict.fromkeys(key for each in shares.values() for key in each),
            key=lambda key: -max(each.get(key, 0.0) for each in shares.values()),
        )
        width = max(1, self.size.width)
        names = min(max(len(_short(key)) for key in keys), max(8, width // 3))
        room = max(_LEAST_BAR, (width - names) // len(shares) - _GAP - _SHARE)
        lines = []
        if len(shares) > 1:
            heads = "".join(f"{' ' * _GAP}{name[: room + _SHARE]:<{room + _SHARE}}" for name in shares)
            lines.append(Content.styled(" " * names + heads, "$muted"))
        for key in keys:
            bars = [bar for each in shares.values() for bar in _bar(each.get(key, 0.0), room)]
            lines.append(Content.assemble(_cut(_short(key), names).ljust(names), *bars))
        return Content("\n").join(line.truncate(width) for line in lines[: max(1, self.size.height)])

    def _shares(self) -> Mapping[str, Mapping[str, float]]:
        """Shares of the settings by the name of the objective, where they are known."""
        if self._seen is None:
            return {}
        told = self._seen.study.importance
        return {named(each, unit=False): told[each.name] for each in self._seen.objectives if told.get(each.name)}

    def _why_not(self) -> str:
        if self._seen is None:
            return "How much each setting matters appears here once five trials were completed."
        if not self._seen.written_down:
            return "n/a: an older version made this study."
        complete = sum(trial.state == "complete" for trial in self._seen.trials)
        if complete < 5:
            return f"How much each setting matters appears here once five trials were completed; {complete} so far."
        return "Nothing yet: the completed trials differ too little to tell."


def _bar(share: float, room: int) -> tuple[Content, ...]:
    cells = round(room * max(0.0, min(1.0, share)))
    return (
        Content(" " * _GAP),
        Content.styled("━" * cells, "$primary"),
        Content.styled("─" * (room - cells), "$faint"),
        Content(f"{percent(share):>{_SHARE}}"),
    )


def _short(key: str) -> str:
    return plain(key.rpartition(".")[2], 40)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
