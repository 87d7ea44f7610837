"""What every key does on the screen below, read from the bindings themselves."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from harmonic_tui.keys import bindings

_FRAMEWORK_ACTIONS = {"copy_text", "screen.copy_text", "help_quit", "app.help_quit", "quit", "app.quit"}


class HelpScreen(ModalScreen[None]):
    """A list of keys. Escape goes back."""

    CSS_PATH = "help.tcss"
    BINDINGS = bindings("help")

    def __init__(self, bindings: dict[str, ActiveBinding]) -> None:
        super().__init__()
        self._keys = bindings

    def compose(self) -> ComposeResult:
        """The keys, those that are also in the footer first."""
        with VerticalScroll(id="keys") as box:
            box.border_title = Content("Keys on this screen")
            box.border_subtitle = Content.styled("Escape goes back", "$muted")
            yield Static(self._table())

    def _table(self) -> Content:
        rows: dict[str, tuple[list[str], list[Binding]]] = {}
        for key, (_, binding, enabled, _) in self._keys.items():
            if enabled and binding.action not in _FRAMEWORK_ACTIONS:
                keys, bindings = rows.setdefault(binding.action, ([], []))
                keys.append(binding.key_display or self.app.get_key_display(Binding(key, binding.action)))
                bindings.append(binding)
        # What has no explanation is the framework's own and works as anywhere.
        explained = [
            (keys, next(binding for binding in bindings if binding.tooltip))
            for keys, bindings in rows.values()
            if any(binding.tooltip for binding in bindings)
        ]
        ordered = sorted(explained, key=lambda row: not row[1].show)
        column = max((len(" ".join(keys)) for keys, _ in ordered), default=0)
        lines = [
            Content.assemble(Content.styled(" ".join(keys).rjust(column), "bold $primary"), "   ", binding.tooltip)
            for keys, binding in ordered
        ]
        return Content("\n").join(lines)
