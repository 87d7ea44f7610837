"""`harmonic tune`: the search itself, and verbs on what it found."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from harmonic_core.cli.tune import best, measure, search, show

_SEARCH = "PROFILE"
"""What the search is called among the verbs; nobody types it."""


class _SearchOrVerb(TyperGroup):
    """A group whose first argument names a verb, or else begins the arguments of the search."""

    # What Click's own types are called is private to typer, here and below.
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        verbs = self.commands.keys() - {_SEARCH}
        return super().parse_args(ctx, args if args and args[0] in verbs else [_SEARCH, *args])


class _Search(TyperCommand):
    """The search, which stands in the place of the group, and whose help tells of the verbs, too."""

    _group: Any = None

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        self._group = parent.command
        return super().make_context(parent.info_name, args, parent=parent.parent, **extra)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        super().format_options(ctx, formatter)
        self._group.format_commands(ctx, formatter)


app = typer.Typer(cls=_SearchOrVerb, help="Search for good settings, and show what was found.")
app.command(_SEARCH, cls=_Search, hidden=True, no_args_is_help=True)(search.tune)
app.command("measure", hidden=True)(measure.measure)
app.command("best")(best.best)
app.command("show", cls=show.ShowCommand)(show.show)


def add_to(parent: typer.Typer) -> None:
    """Add the group to a command line."""
    parent.add_typer(app, name="tune")
