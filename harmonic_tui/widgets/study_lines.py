"""A study and its trials in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from harmonic_core.run.words import count, duration
from harmonic_tui.plain import plain
from harmonic_tui.widgets.trial_marks import RECOMMENDED, TRIAL_STATES
from harmonic_tui.wording import Mark, ago

if TYPE_CHECKING:
    from harmonic_core.run.studies import Trial
    from harmonic_tui.runs.studies import SeenTrials

TITLE = Content.styled("HarmonicVAE", "bold $primary")

STUDY_STATES: dict[str, Mark] = {
    "searching": Mark("●", "searching", "good"),
    "finished": Mark("✓", "finished", "good"),
    "stopped": Mark("■", "stopped", "look"),
    "failed": Mark("✗", "failed", "bad"),
    "lost": Mark("!", "lost", "bad"),
}


def study_line(seen: SeenTrials, place: str) -> Content:
    """Name, state, how far it is, who is at work; `place` is its place among the studies."""
    mark = STUDY_STATES[seen.state]
    muted = [place] if place else []
    return Content("   ").join(
        [
            TITLE,
            Content.styled(plain(seen.name, 60), "bold"),
            Content.styled(f"{mark.sign} {mark.word}", f"${mark.hue}"),
            Content(_numbers(seen)),
            *(Content.styled(each, "$muted") for each in (*muted, *_manner(seen))),
        ]
    )


def news_line(seen: SeenTrials, now: float) -> Content:
    """What the study needs, or how many trials there are in each state; `now` in seconds since 1970."""
    if not seen.written_down:
        return Content.styled(
            "An older version made this study and wrote no trials down: this is what their runs tell. "
            "The same `harmonic tune` once more adds the rest.",
            "$look",
        )
    if seen.state == "lost":
        return Content.assemble(
            Content.styled("whoever searched is gone; this continues: ", "$look"), seen.study.again_command
        )
    if seen.state in {"stopped", "failed"} and seen.study.message:
        hint = f"; continue with: {seen.study.again_command}" if seen.state == "stopped" else ""
        return Content.assemble(Content.styled(plain(seen.study.message, 400), "$look"), hint)
    numbers = ((state, sum(trial.state == state for trial in seen.trials)) for state in TRIAL_STATES)
    said = [
        Content.styled(
            f"{TRIAL_STATES[state].sign} {count(number)} {TRIAL_STATES[state].word}", f"${TRIAL_STATES[state].hue}"
        )
        for state, number in numbers
        if number
    ]
    age = max(0.0, now - seen.study.updated_at)
    said.append(Content.styled(f"last change {ago(age)}", "$muted"))
    return Content("   ").join(said)


def trial_lines(seen: SeenTrials, trial: Trial) -> list[Content]:
    """What there is no room for in the line of a trial: where it runs, why it ended, everything that was chosen."""
    mark = TRIAL_STATES[trial.state]
    first = [Content.styled(f"{mark.sign} {mark.word}", f"${mark.hue}")]
    if progress := seen.running.get(trial.number):
        first.append(Content(f"epoch {progress.epoch}/{progress.epochs}"))
        first.append(Content(f"ETA {duration(progress.eta_s)}"))
    elif trial.started_at is not None and trial.ended_at is not None:
        first.append(Content(f"ran {duration(trial.ended_at - trial.started_at)}"))
    if trial.stage:
        first.append(Content(plain(trial.stage, 40)))
    if trial.retry_of is not None:
        first.append(Content.styled(f"takes up trial {trial.retry_of} again", "$look"))
    if place := seen.place(trial):
        first.append(Content(plain(place, 60)))
    first.append(Content.styled(plain(str(seen.path / trial.run)) if trial.run else "no run yet", "$muted"))
    chosen = "  ".join(
        f"{plain(key, 60)} = {value:.4g}" if isinstance(value, float) else f"{plain(key, 60)} = {plain(str(value), 60)}"
        for key, value in trial.params.items()
    )
    lines = [Content("   ").join(first)]
    if trial.reason:
        lines.append(Content.styled(plain(trial.reason, 600), "$look"))
    if chosen:
        lines.append(Content(chosen))
    if trial.number == seen.study.best and seen.study.best_command:
        lines.append(
            Content.assemble(
                Content.styled(f"{RECOMMENDED.character} recommended; y copies: ", f"${RECOMMENDED.hue}"),
                seen.study.best_command,
            )
        )
    return lines


def _numbers(seen: SeenTrials) -> str:
    wanted = f" of {count(seen.study.wanted)}" if seen.study.wanted else ""
    done = sum(trial.state in {"complete", "pruned", "failed"} for trial in seen.trials)
    return f"{count(done)}{wanted} trials"


def _manner(seen: SeenTrials) -> list[str]:
    """Who is at work, what each trial is given, and how the study searches."""
    study = seen.study
    parts = []
    if study.workers and seen.state == "searching":
        machines = len({each.host for each in study.workers})
        where = f" on {count(machines)} machines" if machines > 1 else ""
        parts.append(f"{count(len(study.workers))} worker{'s' * (len(study.workers) != 1)}{where}")
    if study.budget:
        parts.append(f"{plain(study.budget, 40)} each")
    if study.strategy:
        parts.append(plain(study.strategy, 40))
    return parts
