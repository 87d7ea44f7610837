"""What a run that is not running has to say: why, the last lines of its log, and the way on."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.words import duration
from harmonic_tui.plain import plain
from harmonic_tui.runs.messages import Seen
from harmonic_tui.wording import day_and_time, state_mark

_SHOWN_LINES = 5
_ROWS = 7
"""Lines of text for which there is room."""


class Notice(Widget):
    """Hidden while all is well."""

    def __init__(self, run: RunDirectory) -> None:
        super().__init__(id="notice", classes="frame")
        self._run = run
        self._seen: Seen | None = None
        self._log: list[str] = []
        self._words: list[str] = []
        self.display = False

    def tell(self, seen: Seen, now: float) -> None:
        """Show another state."""
        self._seen = seen
        sentences = sentence(seen, self._run, now)
        self.display = bool(sentences)
        if sentences:
            title, *self._words = sentences
            self.border_title = Content.styled(title, "bold $bad" if _is_bad(seen) else "bold $look")
            self.set_class(_is_bad(seen), "-bad")
            self.refresh(layout=True)

    def tell_log(self, lines: list[str]) -> None:
        """Take note of another end of the log."""
        self._log = lines
        if self.display:
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as the text has at the width that is to come, which is not yet the widget's."""
        return len(self._lines(width))

    def render(self) -> Content:
        """Last lines of the log, then the way on."""
        return Content("\n").join(self._lines(self.size.width))

    def _lines(self, width: int) -> list[Content]:
        width = max(1, width)
        words = [line for sentence in self._words for line in Content(sentence).wrap(width)]
        room = min(_SHOWN_LINES, _ROWS - len(words)) if self._with_log() else 0
        last = [line for line in self._log if not self._is_told_elsewhere(line)][-room:] if room > 0 else []
        return [*(Content.styled(line, "$muted").truncate(width, ellipsis=True) for line in last), *words]

    def _is_told_elsewhere(self, line: str) -> bool:
        return line.startswith("refused: ") or any(word in line for word in self._words)

    def _with_log(self) -> bool:
        return self._seen is not None and self._seen.state in {"lost", "failed", "diverged", "starting"}


def _is_bad(seen: Seen) -> bool:
    return seen.state in {"lost", "failed", "diverged", "gone"}


def sentence(seen: Seen, run: RunDirectory, now: float) -> list[str]:
    """Title and sentences for a state that needs words; nothing for one that speaks for itself."""
    status, path = seen.status, plain(str(run.path))
    resume = f"Continue it with:  harmonic train --resume-from {path}"
    # Before the first step there is little else to show, and the reason may name files.
    message = [plain(status.message, 300 if status.step else 700)] if status and status.message else []
    # The trainer may know a better command than the usual one.
    way_on = [resume] if status and status.step and "--resume-from" not in status.message else []
    told: list[str] = []
    match seen.state:
        case "lost" if status:
            silence = f"No word from the trainer for {duration(now - status.heartbeat)}."
            waited = state_mark("paused", status.why).word if status.state == "paused" and status.why else ""
            before = [f"Before that it was {waited}. {plain(status.message)}".rstrip()] if waited else []
            told = [f"lost since {day_and_time(status.heartbeat, now)}", silence, *before, resume]
        case "failed" if status is None:
            log = plain(str(run.console_log))
            told = ["the trainer ended before the run began", f"Exit code {seen.exit_code}. The whole log: {log}"]
        case "failed" | "diverged" | "stopped":
            told = [seen.state, *message, *way_on]
        case "paused" if message and status and seen.waits_by_itself:
            told = [state_mark("paused", status.why).word, message[0].removeprefix(f"{plain(status.why)}: ")]
        case "starting":
            told = ["starting", "The trainer is loading; this takes a few seconds."]
        case "unreadable":
            told = [
                "status.json cannot be read",
                "It is damaged, or a newer version of HarmonicVAE wrote it. Curves and samples are shown as they are.",
            ]
        case "gone":
            told = ["the run's directory is gone", f"{path} was moved or deleted. What was read before is still shown."]
    return told
