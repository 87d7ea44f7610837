"""What a check of all files found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from textual.content import Content

from harmonic_core.run.words import count, duration, files, music_length
from harmonic_tui.plain import end_of
from harmonic_tui.widgets.listing import Listing
from harmonic_tui.wording import Mark, percent

if TYPE_CHECKING:
    from harmonic_core.run.status import Preparation
    from harmonic_tui.runs.validating import Checked, Finding

_MARKS = {
    "refused": Mark("✗", "refused", "bad"),
    "warning": Mark("!", "warning", "look"),
    "known fault": Mark("–", "known", "muted"),
}
_KIND = 14
_IDLE = (
    "v checks every file for damage, silence, clipping, length, doubles and more. Nothing is written, and the check "
    "gives way to the training."
)


class FindingsList(Listing):
    """A line a finding; before that how far the check is, after it what it came to."""

    def __init__(self) -> None:
        super().__init__("findings")
        self._checked: Checked | None = None
        self._progress: Preparation | None = None
        self._at_work = False
        self._failure = ""
        self._shown: list[Finding] = []

    def on_mount(self) -> None:
        """Show the frame before anything is checked."""
        self._fill()

    def begin(self) -> None:
        """Say that a check has begun."""
        self._at_work, self._progress, self._failure, self._checked = True, None, "", None
        self._fill()

    def tell_progress(self, told: Preparation) -> None:
        """Say how far the check is."""
        self._progress = told
        self._entitle()
        self.refresh()

    def tell_checked(self, checked: Checked) -> None:
        """Show what was found."""
        self._at_work, self._checked = False, checked
        self._fill()

    def tell_ended(self, reason: str) -> None:
        """Say why there is no result."""
        self._at_work, self._failure = False, reason
        self._fill()

    def look_for(self, pattern: re.Pattern[str] | None) -> int:
        """Show only what matches; how many do."""
        self.pattern = pattern
        self._fill()
        return len(self._shown)

    def finding(self, index: int) -> Finding:
        """The finding on a line."""
        return self._shown[index]

    def empty(self) -> Content:
        """How far it is, what it came to, or how to begin."""
        if self._at_work:
            return self._how_far()
        if self._failure:
            return Content.styled(f"No result: {self._failure}. v checks once more.", "$look")
        if self._checked is None:
            return Content.styled(_IDLE, "$muted")
        if self._checked.findings:
            return Content.styled("No finding matches.", "$look")
        return Content.styled(f"✓ Nothing is wrong with any of the {files(self._checked.files)}.", "$good")

    def line(self, index: int, width: int) -> Content:
        """A finding."""
        found = self._shown[index]
        mark = _MARKS.get(found.verdict, Mark("!", found.verdict, "look"))
        names = max(12, (width - _KIND - 4) * 2 // 5)
        return Content.assemble(
            Content.styled(f"{mark.sign} {found.kind:<{_KIND}}"[: _KIND + 2], f"${mark.hue}"),
            " ",
            Content(end_of(found.name, names)).truncate(names, pad=True),
            " ",
            Content.styled(found.reason, "$muted"),
        ).truncate(width, ellipsis=True)

    def _how_far(self) -> Content:
        told = self._progress
        if told is None:
            return Content.styled("Starting to look at every file; Escape ends it.", "$muted")
        width = max(8, self.scrollable_content_region.width - 6)
        done = round(told.progress * width)
        bar = Content.assemble(
            Content.styled("━" * done, "$primary"),
            Content.styled("─" * (width - done), "$faint"),
            f" {percent(told.progress)}",
        )
        left = f", {duration(told.eta_s)} left" if told.eta_s is not None else ""
        said = (
            f"{count(told.done)} of {files(told.total)} looked at, {count(told.refused)} refused{left}; Escape ends it"
        )
        return Content("\n").join([bar, Content(said), Content.styled(told.label, "$muted")])

    def _fill(self) -> None:
        checked = self._checked
        found = checked.findings if checked else ()
        self._shown = [each for each in found if self.pattern is None or self.pattern.search(each.text)]
        self._entitle()
        self.show(len(self._shown))

    def _entitle(self) -> None:
        checked, title = self._checked, Content("Check")
        foot = Content("")
        if self._at_work:
            title = Content.assemble("Check", Content.styled("  ◌ looking at every file", "$good"))
        elif checked is not None:
            kinds = ", ".join(f"{count(number)} {kind}" for kind, number in checked.kinds.items())
            shown = f"{len(self._shown)} of " if len(self._shown) < len(checked.findings) else ""
            title = Content(f"Check: {shown}{kinds}" if kinds else f"Check: {files(checked.files)}, all fine")
            if checked.ready:
                amount = f"ready: {files(checked.usable)}, {music_length(3600 * checked.hours)}"
                foot = Content.styled(f"✓ {amount}", "$good")
            else:
                foot = Content.styled(f"! not ready: {'; '.join(checked.because)}", "$look")
        self.border_title = title
        self.border_subtitle = foot
