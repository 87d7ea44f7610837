"""What help says: keys by place from the table of bindings, marks, units, and how curves are smoothed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from textual.binding import ActiveBinding, Binding

from harmonic_tui.curves.smoothing import FORMULA
from harmonic_tui.keys import TABLE
from harmonic_tui.places import PLACES
from harmonic_tui.wording import STATES, VERDICTS, Mark

HERE = "Here"
_FRAMEWORK_ACTIONS = {"copy_text", "screen.copy_text", "help_quit", "app.help_quit", "quit", "app.quit"}
_ELSEWHERE = {
    "console": "Everywhere",
    "runs-find": "Finding profiles and runs",
    "choices": "The list of profiles",
    "run-list": "The list of runs",
    "new-run": "A new run",
    "settings-list": "Settings of a new run",
    "setting-value": "The value of a setting",
    "settings-find": "Finding a setting",
    "save-profile": "Saving a profile",
    "ask": "A question",
    "confirm": "A question before something is ended",
    "leave": "The question on leaving",
    "refused-list": "The list of refused files",
    "refused": "All refused files",
    "samples-list": "Samples on the dashboard",
    "samples-rows": "The list of samples",
    "fill-in": "A line to fill in",
    "latent-map": "Latent: the map",
    "latent-sliders": "Latent: sliders",
    "latent-walk": "Latent: a walk",
    "latent-draw": "Latent: draws",
    "chart": "Charts, looked at closely",
    "chart-focus": "Charts, looked at from the dashboard",
    "compare-list": "Compare: runs",
    "compare-metrics": "Compare: figures",
    "compare-profiles": "Compare: profiles",
    "listing": "Lists",
    "find": "The line that finds",
    "whole-text": "A text in full",
    "evaluation": "An evaluation",
    "places": "The list of screens",
    "steer": "Steering",
    "sound": "Sound",
    "help": "This help",
}
"""Titles of what is not a screen with a number; what is missing is called as in the table."""


class Entry(NamedTuple):
    """A line of help."""

    sign: str
    """A key or a mark."""
    said: str
    hue: str = "primary"


class Section(NamedTuple):
    """Lines that belong together."""

    title: str
    entries: tuple[Entry, ...]


def sections(active: Mapping[str, ActiveBinding], display: Callable[[Binding], str]) -> list[Section]:
    """All of help: what works on the screen that one came from, then everything else.

    Parameters
    ----------
    active
        What its keys are bound to.
    display
        How a key is written.
    """
    here = Section(HERE, _active(active, display))
    known = {binding.id for _, binding, _, _ in active.values()}
    places = [name for name in PLACES if name in TABLE]
    others = [name for name in TABLE if name not in PLACES]
    elsewhere = [Section(_title(name), _rows(name, known, display)) for name in (*places, *others)]
    return [here, *(each for each in elsewhere if each.entries), _marks(), _verdicts(), _units(), _smoothing()]


def matching(found: Iterable[Section], words: Callable[[str], object]) -> list[Section]:
    """Sections with only the entries that match; all of one whose title does."""
    kept = []
    for section in found:
        entries = section.entries
        if not words(section.title):
            entries = tuple(each for each in entries if words(f"{each.sign} {each.said}"))
        if entries:
            kept.append(Section(section.title, entries))
    return kept


def _active(active: Mapping[str, ActiveBinding], display: Callable[[Binding], str]) -> tuple[Entry, ...]:
    rows: dict[str, tuple[list[str], list[Binding]]] = {}
    for key, (_, binding, enabled, _) in active.items():
        if enabled and binding.action not in _FRAMEWORK_ACTIONS:
            keys, bindings = rows.setdefault(binding.action, ([], []))
            keys.append(binding.key_display or display(Binding(key, binding.action)))
            bindings.append(binding)
    # What has no explanation is the framework's own and works as anywhere.
    explained = [
        (keys, next(binding for binding in bindings if binding.tooltip))
        for keys, bindings in rows.values()
        if any(binding.tooltip for binding in bindings)
    ]
    ordered = sorted(explained, key=lambda row: not row[1].show)
    return tuple(Entry(" ".join(keys), str(binding.tooltip)) for keys, binding in ordered)


def _rows(place: str, known: set[str | None], display: Callable[[Binding], str]) -> tuple[Entry, ...]:
    rows: dict[str, list[str]] = {}
    # What works in every list is said once.
    said_already = {row.tooltip for row in TABLE["listing"]} if place != "listing" else set()
    for row in TABLE[place]:
        if f"{place}.{row.name}" not in known and row.tooltip not in said_already:
            keys = [row.display] if row.display else [display(Binding(key, "")) for key in row.keys.split(",")]
            said = rows.setdefault(row.tooltip, [])
            said += [key for key in keys if key not in said]
    return tuple(Entry(" ".join(keys), tooltip) for tooltip, keys in rows.items())


def _title(place: str) -> str:
    if place in PLACES:
        row = next(row for row in TABLE["console"] if row.name == place)
        return f"{row.keys} {row.label}"
    return _ELSEWHERE.get(place, place.replace("-", " ").capitalize())


def _told(marks: Iterable[Mark]) -> tuple[Entry, ...]:
    return tuple(Entry(mark.sign, mark.word, mark.hue) for mark in marks)


def _marks() -> Section:
    charts: Sequence[Entry] = (
        Entry("◆", "the best weights so far, or the best trial", "good"),
        Entry("×", "a step at which a figure was no number", "look"),
        Entry("━", "training music", "train"),
        Entry("╍", "held-out music", "validation"),
        Entry("A B C", "the takes of a sound: original, decoded original, reconstruction", "original"),
    )
    return Section("Marks", (*_told(STATES.values()), *charts))


def _verdicts() -> Section:
    return Section("Verdicts", _told(VERDICTS.values()))


def _units() -> Section:
    return Section(
        "Units",
        (
            Entry("dB", "mean absolute error of log-mels; loudness of sounds", "muted"),
            Entry("nats", "KL divergence a segment: what the latent knows of it", "muted"),
            Entry("nats/dim", "the same for one latent dimension, before beta", "muted"),
            Entry("bit/s", "the same in bits for a second of music", "muted"),
            Entry("dB²", "mel-FD: distance of samples from music, by their mel frames", "muted"),
            Entry("seg/s", "training segments in a second", "muted"),
            Entry("× real time", "seconds of music made ready in a second", "muted"),
            Entry("n/a", "not known; it never stands for zero", "muted"),
        ),
    )


def _smoothing() -> Section:
    return Section(
        "Smoothing of curves",
        (
            Entry("EMA", FORMULA, "muted"),
            Entry(
                "",
                "the newest n values x, the weight a from 0 to below 1; the divisor takes away the pull of the "
                "start. The curve as it was stays behind, faint",
                "muted",
            ),
        ),
    )
