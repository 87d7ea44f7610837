"""Trials of a study: a line each, the best so far over them, and what matters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from harmonic_tui.plain import plain
from harmonic_tui.widgets.listing import Listing
from harmonic_tui.wording import Mark, figure, percent

if TYPE_CHECKING:
    from harmonic_core.run.studies import Trial
    from harmonic_tui.runs.studies import SeenTrials

TRIAL_STATES: dict[str, Mark] = {
    "running": Mark("●", "running", "good"),
    "complete": Mark("✓", "complete", "good"),
    "pruned": Mark("✂", "pruned", "look"),
    "failed": Mark("✗", "failed", "bad"),
    "interrupted": Mark("■", "interrupted", "look"),
}
_NUMBER, _STATE, _VALUE, _KL, _EPOCH = 4, 14, 9, 8, 6
_LEAST_PARAMETER, _MOST_PARAMETER = 8, 20
_WAITING = (
    "No study in output/tuning yet. `harmonic tune demo --trials 20` searches latent size, beta, widths and learning "
    "rate; every trial is a run and appears here while it trains."
)


class TrialsTable(Listing):
    """A line a trial; the best is marked."""

    def __init__(self) -> None:
        super().__init__("trials", framed=False)
        self.seen: SeenTrials | None = None
        self.best_first = False
        self._trials: list[Trial] = []
        self._known = False

    @property
    def is_told(self) -> bool:
        """Whether it is known what there is."""
        return self._known

    @property
    def chosen(self) -> Trial | None:
        """The trial under the cursor."""
        return self._trials[self.cursor] if self.cursor < len(self._trials) else None

    def tell(self, seen: SeenTrials | None) -> None:
        """Show another moment of the study; the cursor stays on its trial, or at the newest where it is there."""
        kept = self.chosen.number if self.chosen and self.seen and seen and self.seen.path == seen.path else None
        at_end = not self.best_first and self.cursor >= len(self._trials) - 1
        self.seen, self._known = seen, True
        self._trials = list(seen.trials) if seen else []
        if seen and self.best_first:
            self._trials.sort(key=lambda trial: _rank(seen, trial))
        place = next((index for index, trial in enumerate(self._trials) if trial.number == kept), 0)
        if kept is None or at_end:
            place = 0 if self.best_first else len(self._trials) - 1
        self.show(len(self._trials), max(0, place))

    def choose(self, number: int) -> None:
        """Put the cursor on a trial."""
        self.cursor = next((index for index, trial in enumerate(self._trials) if trial.number == number), self.cursor)

    def empty(self) -> Content:
        """What will stand here, and how it comes."""
        if self.seen is not None:
            return Content.styled("No trial has begun yet; the first appears here in a moment.", "$muted")
        return Content.styled(_WAITING if self._known else "reading …", "$muted")

    def heading(self, width: int) -> Content:
        """Names of the columns."""
        unit = self.seen.study.objective.unit if self.seen else "dB"
        fixed = f"{'#':>{_NUMBER}}  {'state':<{_STATE}}{'error ' + unit:>{_VALUE}}{'KL nats':>{_KL}}{'epoch':>{_EPOCH}}"
        parameters = "".join(f"  {_cut(_short(key), each):>{each}}" for key, each in self._columns(width).items())
        return Content.styled(fixed + parameters, "$muted").truncate(width, ellipsis=True)

    def line(self, index: int, width: int) -> Content:
        """A trial."""
        trial, seen = self._trials[index], self.seen
        assert seen is not None
        mark = TRIAL_STATES[trial.state]
        progress = seen.running.get(trial.number)
        value, epoch = seen.value(trial), trial.epoch
        said = mark.word
        if progress is not None:
            value, epoch = progress.best_db, progress.epoch
            said = f"{mark.word} {percent(progress.epoch / progress.epochs) if progress.epochs else ''}"
        is_best = trial.number == seen.study.best
        sign = Content.styled("◆", "$good") if is_best else Content(" ")
        parameters = [
            f"  {_cut(_value(trial.params.get(key)), each):>{each}}" for key, each in self._columns(width).items()
        ]
        return Content.assemble(
            sign,
            f"{trial.number:>{_NUMBER - 1}}",
            "  ",
            Content.styled(f"{mark.sign} {said:<{_STATE - 2}}", f"${mark.hue}"),
            Content.styled(f"{figure(value) if value is not None else '–':>{_VALUE}}", "bold" if is_best else ""),
            f"{figure(trial.kl_nats) if trial.kl_nats is not None else '–':>{_KL}}",
            Content.styled(f"{epoch or '–':>{_EPOCH}}", "$muted"),
            *parameters,
        ).truncate(width, ellipsis=True)

    def _columns(self, width: int) -> dict[str, int]:
        """Parameters that have room, with the width of each."""
        keys = list(self.seen.study.space) if self.seen else []
        keys = keys or list(dict.fromkeys(key for trial in self._trials for key in trial.params))
        room = width - (_NUMBER + 2 + _STATE + _VALUE + _KL + _EPOCH)
        columns = {}
        for key in keys:
            longest = max((len(_value(trial.params.get(key))) for trial in self._trials), default=0)
            named = min(_MOST_PARAMETER, max(longest, len(_short(key))))
            # Where there is little room a long name gives way, but not the values.
            each = named if named + 2 <= room else max(longest, _LEAST_PARAMETER)
            if room < each + 2:
                continue
            columns[key] = each
            room -= each + 2
        return columns


class TrialsPanel(Vertical):
    """The table with the names of its columns."""

    def __init__(self) -> None:
        super().__init__(id="trials-panel", classes="frame")

    def compose(self) -> ComposeResult:
        """Names, then trials."""
        yield Static(id="columns")
        yield TrialsTable()

    def tell(self, seen: SeenTrials | None) -> None:
        """Show another moment."""
        self.query_one(TrialsTable).tell(seen)
        self._name_columns()

    def on_resize(self) -> None:
        """Columns are made for the width."""
        self.call_after_refresh(self._name_columns)

    def _name_columns(self) -> None:
        table = self.query_one(TrialsTable)
        names = table.heading(max(1, table.scrollable_content_region.width)) if table.count else Content("")
        self.query_one("#columns", Static).update(names)
        self.query_one("#columns").display = bool(table.count)
        self.border_title = Content("Trials, the best first" if table.best_first else "Trials")
        self.border_subtitle = Content.styled("Enter opens a trial as a run" if table.count else "", "$muted")


class ImportancePanel(Widget):
    """How much of the differences between trials each setting explains."""

    def __init__(self) -> None:
        super().__init__(id="importance", classes="frame")
        self._seen: SeenTrials | None = None

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.border_title = Content("What matters")

    def tell(self, seen: SeenTrials | None) -> None:
        """Show another moment."""
        self._seen = seen
        shares = self._shares()
        rests = f"of the variance, {seen.study.importance_trials} trials" if seen and shares else ""
        self.border_subtitle = Content.styled(rests, "$muted")
        self.refresh()

    def render(self) -> Content:
        """A bar a setting, or why there is none."""
        shares = self._shares()
        width = max(1, self.size.width)
        if not shares:
            return Content.styled(self._why_not(), "$muted")
        names = min(max(len(_short(key)) for key in shares), max(8, width // 2))
        room = max(4, width - names - 8)
        lines = []
        for key, share in shares.items():
            cells = round(room * max(0.0, min(1.0, share)))
            lines.append(
                Content.assemble(
                    _short(key)[:names].ljust(names),
                    "  ",
                    Content.styled("━" * cells, "$primary"),
                    Content.styled("─" * (room - cells), "$faint"),
                    f"{percent(share):>6}",
                )
            )
        return Content("\n").join(lines[: max(1, self.size.height)])

    def _shares(self) -> dict[str, float]:
        return self._seen.study.importance.get(self._seen.study.objective.name, {}) if self._seen else {}

    def _why_not(self) -> str:
        if self._seen is None:
            return "How much each setting matters appears here once five trials were completed."
        if not self._seen.written_down:
            return "n/a: an older version made this study."
        complete = sum(trial.state == "complete" for trial in self._seen.trials)
        if complete < 5:
            return f"How much each setting matters appears here once five trials were completed; {complete} so far."
        return "Nothing yet: the completed trials differ too little to tell."


def _rank(seen: SeenTrials, trial: Trial) -> tuple[int, float, int]:
    value = seen.value(trial)
    if value is None or trial.state != "complete":
        return (
            1 if trial.state in {"running", "pruned"} else 2,
            value if value is not None else math.inf,
            trial.number,
        )
    return (0, value if seen.study.objective.direction == "minimize" else -value, trial.number)


def _short(key: str) -> str:
    return plain(key.rpartition(".")[2], 40)


def _value(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else plain(str(value), 60).replace(", ", ",")


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
