"""Where the profiles of several runs differ."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import DataTable, Static

from harmonic_core.run.words import count
from harmonic_tui.keys import bindings
from harmonic_tui.plain import plain

if TYPE_CHECKING:
    from rich.text import Text

    from harmonic_core.run.directory import RunDirectory
    from harmonic_tui.app import Console
    from harmonic_tui.curves.compared import Pinned

_MOST_BYTES = 1 << 20
_LEAST_CELL, _CELL = 10, 40
_KEY = 40
"""Columns for the names of settings, and the frame."""
_MISSING = "–"
_PLACE = frozenset({"output.output_dir", "train.resume_from", "run.name"})
"""Where a run lies is no difference."""


class CompareProfilesScreen(ModalScreen[None]):
    """A row for every setting that is not the same in all of the runs.

    Parameters
    ----------
    pinned
        The runs.
    """

    CSS_PATH = "compare_modal.tcss"
    BINDINGS = bindings("compare-profiles")

    app: Console

    def __init__(self, pinned: Sequence[Pinned]) -> None:
        super().__init__()
        self._pinned = list(pinned)

    def compose(self) -> ComposeResult:
        """Which run has which letter, and the table."""
        with Vertical(id="compare-modal"):
            yield Static(id="profile-runs")
            table: DataTable[Text] = DataTable(id="profile-table", cursor_type="row", fixed_columns=1)
            table.border_title = Content("Profiles: reading …")
            yield table

    async def on_mount(self) -> None:
        """Read the profiles and compare them."""
        names = [Content.styled(f"{each.letter} ━ {plain(each.run.name, 60)}", f"${each.hue}") for each in self._pinned]
        self.query_one("#profile-runs", Static).update(Content("   ").join(names))
        read = await asyncio.to_thread(lambda: [settings_of(each.run) for each in self._pinned])
        self._show(read)

    def action_scroll(self, rows: int) -> None:
        """Go up or down."""
        table = self._table
        table.move_cursor(row=table.cursor_row + rows)

    @property
    def _table(self) -> DataTable[Text]:
        return cast("DataTable[Text]", self.query_one("#profile-table"))

    def _show(self, read: Sequence[Mapping[str, str] | str]) -> None:
        from rich.text import Text

        table, unread = self._table, [each for each in read if isinstance(each, str)]
        table.add_column(Text("setting"), key="setting")
        variables = self.app.theme_variables
        for each in self._pinned:
            table.add_column(Text(each.letter, style=variables.get(each.hue, "")), key=str(each.place))
        settings = [each if not isinstance(each, str) else {} for each in read]
        known = [each for each in settings if each]
        room = max(_LEAST_CELL, min(_CELL, (self.size.width - _KEY) // max(1, len(read)) - 2))
        differing = differences(known)
        for key in differing:
            values = [each.get(key, _MISSING) if each else "?" for each in settings]
            table.add_row(Text(plain(key, 60)), *(Text(plain(value, room)) for value in values))
        said = f"{count(len(differing))} settings differ" if differing else "no setting differs"
        trouble = Content.styled(f"   {'; '.join(unread)}", "$look") if unread else Content("")
        table.border_title = Content.assemble(f"Profiles: {said}", trouble)
        table.border_subtitle = Content.styled(f"{_MISSING} not in the profile   Escape goes back", "$muted")
        table.focus()


def differences(profiles: Sequence[Mapping[str, str]]) -> list[str]:
    """Settings that are not the same in all profiles, in the order in which they stand there."""
    keys = dict.fromkeys(key for profile in profiles for key in profile if key not in _PLACE)
    return [key for key in keys if len({profile.get(key) for profile in profiles}) > 1]


def settings_of(run: RunDirectory) -> Mapping[str, str] | str:
    """What a run's profile says, by setting and as text; or one sentence on why it cannot be read.

    What is not written there is as by default. Settings of another version are taken as they were written.
    """
    from harmonic_core.errors import HarmonicError
    from harmonic_core.profile.resolve import load

    try:
        if run.profile.stat().st_size > _MOST_BYTES:
            return f"{plain(run.name, 40)}: its profile is too long to be one"
        return _flat(load(run.profile).model_dump(mode="json"))
    except (HarmonicError, OSError):
        return _as_written(run)


def _as_written(run: RunDirectory) -> Mapping[str, str] | str:
    import tomllib

    from harmonic_core.profile.sections import Profile

    try:
        return _flat(Profile().model_dump(mode="json")) | _flat(tomllib.loads(run.profile.read_text()))
    except (OSError, ValueError, RecursionError) as error:
        return f"{plain(run.name, 40)}: its profile cannot be read, {plain(str(error), 80)}"


def _flat(table: Mapping[str, object], above: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{above}{key}.")
        else:
            flat[f"{above}{key}"] = "not set" if value is None else str(value)
    return flat
