"""Trials of a study, a line each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from harmonic_tui.curves.series import is_finite
from harmonic_tui.plain import plain
from harmonic_tui.widgets.listing import Listing
from harmonic_tui.widgets.trial_marks import FRONT, RECOMMENDED, TRIAL_STATES, Sign, named
from harmonic_tui.wording import figure, percent

if TYPE_CHECKING:
    from harmonic_core.run.studies import Objective, Trial
    from harmonic_tui.runs.studies import SeenTrials

_NUMBER, _STATE, _VALUE, _KL, _EPOCH, _WORDS = 4, 15, 9, 8, 6, 18
_ROOMY = 90
"""Columns from which on the place of a trial has one; else it stands below, of the trial under the cursor."""
_LEAST_PARAMETER, _MOST_PARAMETER = 8, 20
_WAITING = (
    "No study in output/tuning yet. `harmonic tune demo --trials 20` searches latent size, beta, widths and learning "
    "rate; every trial is a run and appears here while it trains."
)


class TrialsTable(Listing):
    """A line a trial; the recommended one and the front are marked."""

    def __init__(self) -> None:
        super().__init__("trials", framed=False)
        self.seen: SeenTrials | None = None
        self.best_first = False
        self._trials: list[Trial] = []
        self._longest: dict[str, int] = {}
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
        self._longest = {name: self._longest_word(name) for name in ("stage", "where")}
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
        names = [f"{'#':>{_NUMBER}}  {'state':<{_STATE}}"]
        names += [f"{named(each):>{room}}" for each, room in self._objectives().items()]
        names += [f"{'KL nats':>{_KL}}{'epoch':>{_EPOCH}}"]
        names += [f"  {name:<{room - 2}}" for name, room in self._words(width).items()]
        names += [f"  {_cut(_short(key), each):>{each}}" for key, each in self._columns(width).items()]
        return Content.styled("".join(names), "$muted").truncate(width, ellipsis=True)

    def line(self, index: int, width: int) -> Content:
        """A trial."""
        trial, seen = self._trials[index], self.seen
        assert seen is not None
        mark = TRIAL_STATES[trial.state]
        progress = seen.running.get(trial.number)
        said, epoch = mark.word, trial.epoch
        if progress is not None:
            epoch = progress.epoch
            said = f"{mark.word} {percent(progress.epoch / progress.epochs) if progress.epochs else ''}"
        is_best = trial.number == seen.study.best
        sign = RECOMMENDED if is_best else FRONT if trial.number in seen.front else Sign(" ", "")
        return Content.assemble(
            Content.styled(sign.character, f"${sign.hue}" if sign.hue else ""),
            f"{trial.number:>{_NUMBER - 1}}",
            "  ",
            Content.styled(f"{mark.sign} {said:<{_STATE - 2}}", f"${mark.hue}"),
            *(
                Content.styled(f"{_figure(seen.value(trial, each)):>{room}}", "bold" if is_best else "")
                for each, room in self._objectives().items()
            ),
            f"{_figure(trial.kl_nats):>{_KL}}",
            Content.styled(f"{epoch or '–':>{_EPOCH}}", "$muted"),
            *(f"  {_cut(self._word(name, trial), room - 2):<{room - 2}}" for name, room in self._words(width).items()),
            *(f"  {_cut(_value(trial.params.get(key)), each):>{each}}" for key, each in self._columns(width).items()),
        ).truncate(width, ellipsis=True)

    def _objectives(self) -> dict[Objective, int]:
        """Objectives with the width of each."""
        return {each: max(_VALUE, len(named(each)) + 2) for each in self.seen.objectives} if self.seen else {}

    def _words(self, width: int) -> dict[str, int]:
        """What only some studies say of their trials, with the width of each."""
        shown = {name: room for name, room in self._longest.items() if room and (width >= _ROOMY or name != "where")}
        return {name: 2 + min(_WORDS, max(room, len(name))) for name, room in shown.items()}

    def _longest_word(self, name: str) -> int:
        return max((len(self._word(name, trial)) for trial in self._trials), default=0)

    def _word(self, name: str, trial: Trial) -> str:
        if name == "where":
            return plain(self.seen.place(trial), 40) if self.seen else ""
        # What a stage is about has no room here.
        return plain(trial.stage, 40).partition(" ")[0]

    def _columns(self, width: int) -> dict[str, int]:
        """Parameters that have room, with the width of each."""
        keys = list(self.seen.study.space) if self.seen else []
        keys = keys or list(dict.fromkeys(key for trial in self._trials for key in trial.params))
        taken = sum(self._objectives().values()) + sum(self._words(width).values())
        room = width - (_NUMBER + 2 + _STATE + _KL + _EPOCH) - taken
        columns = {}
        for key in keys:
            longest = max((len(_value(trial.params.get(key))) for trial in self._trials), default=0)
            whole = min(_MOST_PARAMETER, max(longest, len(_short(key))))
            # Where there is little room a long name gives way, but not the values.
            each = whole if whole + 2 <= room else max(longest, _LEAST_PARAMETER)
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
        title = Content("Trials, the best first" if table.best_first else "Trials")
        if table.seen and table.seen.front:
            told = f"  {RECOMMENDED.character} recommended  {FRONT.character} on the front"
            title = Content.assemble(title, Content.styled(told, f"${FRONT.hue}"))
        self.border_title = title
        self.border_subtitle = Content.styled("Enter opens a trial as a run" if table.count else "", "$muted")


def _rank(seen: SeenTrials, trial: Trial) -> tuple[int, float, int]:
    """The recommended trial, the front, the rest that was completed, and what was not: each by the first objective."""
    objective = seen.objectives[0]
    value = seen.value(trial, objective)
    if not is_finite(value):
        return (4, math.inf, trial.number)
    place = value if objective.direction == "minimize" else -value
    if trial.state != "complete":
        return (3, place, trial.number)
    return (0 if trial.number == seen.study.best else 1 if trial.number in seen.front else 2, place, trial.number)


def _short(key: str) -> str:
    return plain(key.rpartition(".")[2], 40)


def _figure(value: float | None) -> str:
    return "–" if value is None else figure(value)


def _value(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else plain(str(value), 60).replace(", ", ",")


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
