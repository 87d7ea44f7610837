"""One setting on one line: its name, its value as text, switch or choices, and what it was before."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from textual.content import Content

from harmonic_core.profile.draft import Draft, text_of
from harmonic_core.profile.explain import FieldExplanation, Key
from harmonic_core.profile.resolve import DEFAULT
from harmonic_core.profile.sections import Profile
from harmonic_tui.plain import plain

NAME_WIDTH = 24
VALUE_AT = NAME_WIDTH + 3
"""Column in which a value begins."""
UNDO = "↶"
_BESIDE = VALUE_AT + 2
"""Columns that are not the value's."""
_UNSET = "not set"


class Choice(NamedTuple):
    """A value that can be clicked, and the columns in which it stands."""

    text: str
    start: int
    end: int


@cache
def choices_of(field: FieldExplanation) -> tuple[str, ...]:
    """Values of a setting that has only a few; none where one is typed."""
    if field.kind == "switch":
        return ("false", "true")
    if field.kind != "choice":
        return ()
    schema = type(getattr(Profile(), field.section)).model_json_schema()["properties"][field.leaf]
    return tuple(str(each) for each in schema.get("enum", [schema.get("const")]))


def fit(choices: tuple[str, ...], width: int) -> bool:
    """Whether there is room for all choices beside each other."""
    return sum(len(each) + 3 for each in choices) <= width


def spans(choices: tuple[str, ...], width: int) -> list[Choice]:
    """Columns of every choice in a line of `width` columns; none where there is no room for all."""
    if not fit(choices, width - _BESIDE):
        return []
    found, column = [], VALUE_AT
    for text in choices:
        found.append(Choice(text, column, column + len(text) + 2))
        column += len(text) + 3
    return found


def line(draft: Draft, field: FieldExplanation, choices: tuple[str, ...], width: int) -> Content:
    """A setting as it stands in the list.

    Parameters
    ----------
    choices
        What `choices_of` says of it.
    width
        Columns that the line may have.
    """
    key: Key = (field.section, field.leaf)
    changed, wrong = draft.is_changed(key), draft.problem(key) is not None
    sign, hue = ("✗", "$bad") if wrong else ("●", "$look") if changed else (" ", "")
    said = draft.origin(key) != DEFAULT
    name = Content(field.leaf).truncate(NAME_WIDTH - 1, ellipsis=True, pad=True)
    shown = Content.assemble(
        Content.styled(f"{sign} ", hue),
        name.stylize("bold") if changed else name if said else name.stylize("$muted"),
        "  ",
        _value(draft, field, choices, width - _BESIDE),
    )
    if not changed:
        return shown.truncate(width, ellipsis=True)
    left = shown.truncate(width - 2, ellipsis=True, pad=True)
    return Content.assemble(left, " ", Content.styled(UNDO, "$look"))


def _value(draft: Draft, field: FieldExplanation, choices: tuple[str, ...], width: int) -> Content:
    key: Key = (field.section, field.leaf)
    text, changed = draft.text(key), draft.is_changed(key)
    before = shown_value(field, text_of(key, draft.base_value(key)))
    hue = "$bad" if draft.is_invalid(key) else "$look" if changed else "" if draft.origin(key) != DEFAULT else "$muted"
    if choices and fit(choices, width):
        parts = [_segment(each, each == text, field.kind == "switch", hue) for each in choices]
        value = Content(" ").join(parts)
    else:
        words = plain(shown_value(field, text), 200)
        value = Content.styled(f"‹ {words} ›" if choices else words, hue)
    if not changed:
        return value
    return Content.assemble(value, Content.styled(f"   was {plain(before, 60)}", "$muted"))


def _segment(text: str, chosen: bool, switch: bool, hue: str) -> Content:
    sign = ("●" if chosen else "○") if switch else ""
    if switch:
        word = "on " if text == "true" else "off"
        return Content.styled(f"{sign} {word}".ljust(len(text) + 2), f"bold {hue}" if chosen else "$faint")
    return Content.styled(f"[{text}]" if chosen else f" {text} ", f"bold {hue}" if chosen else "$faint")


def shown_value(field: FieldExplanation, text: str) -> str:
    """A value in words: nothing is `not set`, a switch is on or off."""
    if field.kind == "switch" and text in {"true", "false"}:
        return "on" if text == "true" else "off"
    if text:
        return text
    return "empty" if field.kind == "text" and not field.optional else _UNSET
