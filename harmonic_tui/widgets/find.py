"""The line in which one types what to look for, and that says what was found."""

from __future__ import annotations

import re

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from harmonic_tui.keys import bindings
from harmonic_tui.patterns import PatternError, pattern_of


class FindInput(Input):
    """Where one types. Escape gives up what was typed."""

    BINDINGS = bindings("find")

    def action_give_up(self) -> None:
        """Tell the line that nothing is wanted."""
        self.post_message(FindLine.GivenUp())


class FindLine(Horizontal):
    """Out of sight until it is wanted; then one row: what is looked for, and how many there are.

    Parameters
    ----------
    prompt
        What it says where nothing is typed yet.
    live
        Whether every letter counts at once, or only Enter.
    """

    DEFAULT_CSS = """
    FindLine {
        display: none;
        height: 1;
        padding: 0 1;
        & > #find-sign { width: 2; color: $primary; text-style: bold; }
        & > FindInput {
            width: 1fr; border: none; height: 1; padding: 0; background: $background;
            &:focus { background-tint: transparent; }
        }
        & > #found { width: auto; max-width: 80%; }
    }
    """

    class Wanted(Message):
        """Something is looked for."""

        def __init__(self, pattern: re.Pattern[str] | None) -> None:
            super().__init__()
            self.pattern = pattern
            """None where nothing is typed."""

    class Refused(Message):
        """What was typed so far cannot be looked for."""

    class GivenUp(Message):
        """Nothing is looked for any more."""

    class Left(Message):
        """What was typed is to stay, and the keys work in the lists again."""

    def __init__(self, prompt: str, *, live: bool = False) -> None:
        super().__init__()
        self._prompt, self._live = prompt, live

    def compose(self) -> ComposeResult:
        """The sign, the place to type, and what was found."""
        yield Static("/", id="find-sign")
        yield FindInput(placeholder=self._prompt, compact=True, select_on_focus=False)
        yield Static(id="found")

    @property
    def is_open(self) -> bool:
        """Whether it is in sight."""
        return bool(self.display)

    def begin(self) -> None:
        """Come into sight and take what is typed."""
        self.display = True
        self.query_one(FindInput).focus()

    def end(self) -> None:
        """Go out of sight and forget what was typed."""
        self.display = False
        with self.prevent(Input.Changed):
            self.query_one(FindInput).value = ""
        self.tell(Content(""))

    def tell(self, found: Content) -> None:
        """Say what was found."""
        self.query_one("#found", Static).update(found)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Take every letter, where that is wanted."""
        event.stop()
        if self._live:
            self._want(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take what was typed."""
        event.stop()
        if not event.value:
            self.post_message(self.GivenUp())
        elif self._want(event.value):
            self.post_message(self.Left())

    def _want(self, text: str) -> bool:
        try:
            pattern = pattern_of(text) if text else None
        except PatternError as error:
            self.tell(Content.styled(f"no pattern: {error}", "$look"))
            self.post_message(self.Refused())
            return False
        self.tell(Content(""))
        self.post_message(self.Wanted(pattern))
        return True
