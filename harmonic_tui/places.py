"""The places of the console, a number key each, and how the screen of each is made."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.screen import Screen

if TYPE_CHECKING:
    from harmonic_tui.runs.watched import WatchedRun


class Place(NamedTuple):
    """Somewhere a number key leads to."""

    name: str
    module: str
    screen: str
    """Name of its class in the module, which is loaded when one goes there for the first time."""
    of_run: bool
    """Whether it shows the run that is open, and so needs one."""

    def build(self, watched: WatchedRun | None) -> Screen[None]:
        """Its screen.

        Raises
        ------
        ValueError
            If it needs a run and there is none.
        """
        made = cast("Callable[..., Screen[None]]", getattr(import_module(self.module), self.screen))
        if not self.of_run:
            return made()
        if watched is None:
            raise ValueError(f"{self.name} shows a run, and none is open")
        return made(watched)


PLACES: dict[str, Place] = {
    place.name: place
    for place in (
        Place("runs", "harmonic_tui.screens.launch", "LaunchScreen", of_run=False),
        Place("dashboard", "harmonic_tui.screens.dashboard", "DashboardScreen", of_run=True),
        Place("samples", "harmonic_tui.screens.samples", "SamplesScreen", of_run=True),
        Place("latent", "harmonic_tui.screens.latent", "LatentScreen", of_run=True),
        Place("compare", "harmonic_tui.screens.compare", "CompareScreen", of_run=False),
        Place("data", "harmonic_tui.screens.data", "DataScreen", of_run=True),
        Place("tuning", "harmonic_tui.screens.tuning", "TuningScreen", of_run=False),
        Place("log", "harmonic_tui.screens.log", "LogScreen", of_run=True),
    )
}
"""By name, in the order of their keys."""
