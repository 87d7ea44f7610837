"""How one looks closer at a chart: by keys and by mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.widget import Widget

from harmonic_tui.keys import bindings
from harmonic_tui.widgets.view import View

if TYPE_CHECKING:
    from harmonic_tui.widgets.plot import Plot


class Looking(Widget, can_focus=True):
    """Zooms, moves along and points; what all charts of a screen do together.

    Parameters
    ----------
    view
        Window and crosshair; without one it has its own.
    """

    BINDINGS = [*bindings("chart"), *bindings("chart-focus")]  # noqa: RUF012 - the name of the framework

    def __init__(self, view: View | None, id: str | None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id, classes="frame chart")
        self.view = view or View()
        self._plot: Plot | None = None
        self._dragged_from: int | None = None

    @property
    def column(self) -> float:
        """How far along the axis one column of the picture reaches."""
        return self._plot.distance(1) if self._plot else 0.0

    def action_zoom(self, towards: int) -> None:
        """Look closer, or from further away."""
        self.view.zoom(towards)

    def action_pan(self, windows: int) -> None:
        """Move along."""
        self.view.pan(windows)

    def action_cursor(self, columns: int) -> None:
        """Move the crosshair."""
        self.view.step(columns, self._plot.columns if self._plot else 1)

    def action_whole(self) -> None:
        """Show everything, and follow the newest figures."""
        self.view.whole()

    def action_clip(self) -> None:
        """Cut outliers off, or show them."""
        self.view.clip()

    def action_done(self) -> None:
        """Leave the chart as it is, and give the keys back to the screen."""
        self.view.point(None)
        self.screen.set_focus(None)
        if self.screen.AUTO_FOCUS:
            self.screen.query_one(self.screen.AUTO_FOCUS).focus()

    def _place_under(self, event: events.MouseEvent) -> float | None:
        offset = event.get_content_offset(self)
        return self._plot.place_at(offset.x) if self._plot and offset is not None else None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Point at what lies under the mouse; with a button held, move along."""
        if self._dragged_from is not None and self._plot:
            self.view.shift(self._plot.distance(self._dragged_from - event.x))
            self._dragged_from = event.x
        else:
            self.view.point(self._place_under(event))

    def on_leave(self, event: events.Leave) -> None:
        """Point at nothing."""
        if not self.has_focus and not self.is_mouse_over:
            self.view.point(None)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the curves."""
        self._dragged_from = event.x
        self.capture_mouse()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go of them."""
        self._dragged_from = None
        self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        """A double click shows everything."""
        if event.chain == 2:
            self.view.whole()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Look closer at what lies under the mouse."""
        event.stop()
        self.view.zoom(1, self._place_under(event))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Look from further away."""
        event.stop()
        self.view.zoom(-1, self._place_under(event))
