"""All screens, for whoever has a mouse and no number keys."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from harmonic_tui.keys import TABLE, bindings
from harmonic_tui.places import PLACES


class PlacesScreen(ModalScreen[str | None]):
    """A line a screen; what cannot be shown now is dim. Escape goes back."""

    CSS_PATH = "places.tcss"
    BINDINGS = bindings("places")

    def __init__(self, reachable: frozenset[str], here: str) -> None:
        super().__init__()
        self._reachable, self._here = reachable, here

    def compose(self) -> ComposeResult:
        """The list, at the place where one is."""
        with Vertical(id="places") as box:
            box.border_title = Content("Screens")
            box.border_subtitle = Content.styled("Enter goes there   Escape goes back", "$muted")
            options = OptionList(*map(self._option, PLACES))
            options.highlighted = list(PLACES).index(self._here) if self._here in PLACES else 0
            yield options

    def _option(self, name: str) -> Option:
        key = next(row for row in TABLE["console"] if row.name == name)
        line = Content.assemble(
            Content.styled(key.keys, "bold $primary"), "  ", key.label.ljust(11), Content.styled(key.tooltip, "$muted")
        )
        return Option(line, id=name, disabled=name not in self._reachable)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go there."""
        self.dismiss(event.option.id)

    def action_cursor(self, by: int) -> None:
        """Move as the arrows do."""
        options = self.query_one(OptionList)
        if by > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()
