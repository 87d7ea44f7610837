"""Every key of the console: one table from which dispatch, footer, palette and help are made.

A letter that does something on several screens does the same on all of them.
"""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding, BindingType


class Key(NamedTuple):
    """A row of the table."""

    name: str
    """What it does, in a word; with the place before it the id of the binding, stable for whoever remaps keys."""
    keys: str
    """Keys as the framework names them, separated by commas."""
    action: str
    label: str
    """One or two words for the footer."""
    tooltip: str
    """A sentence for the help."""
    show: bool = True
    """Whether it stands in the footer."""
    display: str | None = None
    """How the key is written, where the framework's way is not clear."""
    priority: bool = False


TABLE: dict[str, tuple[Key, ...]] = {
    "console": (
        Key("runs", "1", "place('runs')", "Runs", "Profiles and runs", show=False),
        Key("dashboard", "2", "place('dashboard')", "Dashboard", "The run at a glance", show=False),
        Key("samples", "3", "place('samples')", "Samples", "Every sound that the run made", show=False),
        Key("latent", "4", "place('latent')", "Latent", "The latent space: maps, walks, sliders", show=False),
        Key("compare", "5", "place('compare')", "Compare", "Curves of any runs over each other", show=False),
        Key("data", "6", "place('data')", "Data", "The music: what is ready, what was refused", show=False),
        Key("tuning", "7", "place('tuning')", "Tuning", "Trials of a study", show=False),
        Key("log", "8", "place('log')", "Log", "Log and events, searchable", show=False),
        Key("places", "0", "places", "Go", "All screens by name; a number goes to one", display="1-8"),
        Key("steer", "t", "steer", "Steer", "Steer the run: rate, beta, epochs, stop and more"),
        Key("help", "question_mark", "help", "Help", "What every key does here", display="?"),
        Key("leave", "q", "leave", "Leave", "Leave the console; asks what becomes of the run"),
        Key("palette", "ctrl+p", "command_palette", "Commands", "All commands by name", show=False, priority=True),
    ),
    "dashboard": (
        Key("play", "space", "play", "Play", "Play the chosen sample, or pause"),
        Key("take", "a", "take", "Take", "Next take of the same item; goes on from the same place"),
        Key("pause", "p", "command('pause')", "Pause", "Pause the training after this step"),
        Key("resume", "p", "command('resume')", "Go on", "Go on with the training"),
        Key("checkpoint", "c", "command('checkpoint')", "Checkpoint", "Write a checkpoint after this step"),
        Key("sample", "s", "command('sample')", "Sample", "Make samples after this step"),
        Key("chart", "tab", "next_chart", "Chart", "Show the next chart, where there is room for one only"),
        Key("list", "tab", "next_list", "Other list", "Go to the refused files, or back to the samples"),
        Key("refused", "r", "refused", "Refused", "Every refused file, and why"),
        # On a narrow screen the header names them, and the footer has no room.
        Key("refused-too", "r", "all_refused", "Refused", "Every refused file, and why", show=False),
        Key("evaluation", "e", "evaluation", "Evaluation", "Everything that was measured of the model last"),
        # There the line of figures is to be clicked.
        Key(
            *("evaluation-too", "e", "whole_evaluation", "Evaluation"),
            "Everything that was measured of the model last",
            show=False,
        ),
        Key("back", "escape", "app.place('runs')", "Back", "Back to profiles and runs; the run goes on", show=False),
    ),
    "runs": (
        Key("other", "tab", "app.focus_next", "Other list", "Go to the other list"),
        Key("right", "l,right", "app.focus_next", "Other list", "Go to the other list", show=False),
        Key("left", "h,left", "app.focus_previous", "Other list", "Go to the other list", show=False),
        Key("back", "escape", "app.place('dashboard')", "Back", "Back to the run that was open", show=False),
    ),
    "choices": (
        Key("select", "enter", "select", "Start or open", "Start the profile, or open the run"),
        Key("down", "j", "cursor_down", "Down", "Next line of the list", show=False),
        Key("up", "k", "cursor_up", "Up", "Previous line of the list", show=False),
    ),
    "refused-list": (
        Key("choose", "enter", "choose", "Whole text", "Show the whole name and reason", show=False),
        Key("down", "j,down", "move(1)", "Down", "Next line of the list", show=False),
        Key("up", "k,up", "move(-1)", "Up", "Previous line of the list", show=False),
        Key("page-down", "pagedown", "page(1)", "Page down", "A page further down", show=False),
        Key("page-up", "pageup", "page(-1)", "Page up", "A page further up", show=False),
        Key("first", "home", "move(-1_000_000_000)", "First", "First line of the list", show=False),
        Key("last", "end", "move(1_000_000_000)", "Last", "Last line of the list", show=False),
    ),
    "samples-list": (
        Key("select", "enter", "select", "Play", "Play the chosen sample, or stop", show=False),
        Key("down", "j", "cursor_down", "Down", "Next line of the list", show=False),
        Key("up", "k", "cursor_up", "Up", "Previous line of the list", show=False),
    ),
    "samples": (Key("back", "escape", "app.place('dashboard')", "Back", "Back to the dashboard", show=False),),
    "latent": (Key("back", "escape", "app.place('dashboard')", "Back", "Back to the dashboard", show=False),),
    "compare": (Key("back", "escape", "app.place('dashboard')", "Back", "Back to the dashboard", show=False),),
    "data": (Key("back", "escape", "app.place('dashboard')", "Back", "Back to the dashboard", show=False),),
    "tuning": (Key("back", "escape", "app.place('runs')", "Back", "Back to profiles and runs", show=False),),
    "log": (Key("back", "escape", "app.place('dashboard')", "Back", "Back to the dashboard", show=False),),
    "steer": (Key("back", "escape,t,q", "dismiss(None)", "Back", "Go back; nothing happens to the run"),),
    "evaluation": (
        Key("back", "escape,e,q", "dismiss(None)", "Back", "Back to the dashboard"),
        Key("down", "j", "scroll(1)", "Down", "Further down", show=False),
        Key("up", "k", "scroll(-1)", "Up", "Further up", show=False),
    ),
    "refused": (Key("back", "escape,r,q", "dismiss(None)", "Back", "Back to where you were"),),
    "places": (
        Key("back", "escape,0,q", "dismiss(None)", "Back", "Back to where you were"),
        Key("down", "j", "cursor(1)", "Down", "Next screen", show=False),
        Key("up", "k", "cursor(-1)", "Up", "Previous screen", show=False),
    ),
    "leave": (
        Key("back", "escape,q", "dismiss(None)", "Back", "Go back; nothing happens to the run"),
        Key("down", "j", "cursor(1)", "Down", "Next answer", show=False),
        Key("up", "k", "cursor(-1)", "Up", "Previous answer", show=False),
    ),
    "help": (Key("back", "escape,question_mark,q,enter", "dismiss(None)", "Back", "Back to where you were"),),
}
"""Rows by the place in which they work. `console` works everywhere but in questions."""


def bindings(place: str) -> list[BindingType]:
    """The rows of `place` as bindings.

    Raises
    ------
    KeyError
        If the table has no such place.
    """
    return [
        Binding(
            key.keys,
            key.action,
            key.label,
            show=key.show,
            key_display=key.display,
            priority=key.priority,
            tooltip=key.tooltip,
            id=f"{place}.{key.name}",
        )
        for key in TABLE[place]
    ]
