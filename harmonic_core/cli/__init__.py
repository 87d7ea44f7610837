"""The command `harmonic`: one small file a group of verbs, everything heavy imported where it is used."""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated, NoReturn

import typer

from harmonic_core import __version__
from harmonic_core.cli import (
    control,
    create,
    data,
    doctor,
    evaluate,
    explore,
    export,
    profiles,
    report,
    runs,
    train,
    tune,
    verify,
    vocoder,
)
from harmonic_core.errors import ExitCode, HarmonicError
from harmonic_core.run.atomic import lacks_room
from harmonic_core.text import plain

app = typer.Typer(
    name="harmonic",
    help="Train a variational autoencoder on music. The console that shows it live is `harmonic-tui`.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    # `--batch_size` is `--batch-size`.
    context_settings={
        "token_normalize_func": lambda token: token.replace("_", "-"),
        "help_option_names": ["-h", "--help"],
    },
)
train.add_to(app)
tune.add_to(app)
runs.add_to(app)
control.add_to(app)
evaluate.add_to(app)
explore.add_to(app)
create.add_to(app)
report.add_to(app)
verify.add_to(app)
export.add_to(app)
app.add_typer(data.app, name="data")
app.add_typer(profiles.app, name="profiles")
app.add_typer(vocoder.app, name="vocoder")
doctor.add_to(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"harmonic-vae {__version__}")
        raise typer.Exit


@app.callback()
def _harmonic(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; errors that a user can mend come as one block on stderr with their exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except HarmonicError as error:
        typer.echo(f"harmonic: {error}", err=True)
        _leave(error.exit_code)
    except OSError as error:
        # One that names no file is nobody's but ours.
        if error.filename is None:
            raise
        shown = plain(str(error.filename), 400)
        typer.echo(f"harmonic: {shown}: {(error.strerror or '').lower()}", err=True)
        _leave(ExitCode.DISK if isinstance(error, PermissionError) or lacks_room(error) else ExitCode.FAILURE)


def _leave(code: ExitCode) -> NoReturn:
    """End with an exit status, after an error."""
    if "RANK" in os.environ and "torch" in sys.modules:
        # A rank whose threads still hear of the others: taking those apart sometimes aborts, and hides the status.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
