"""`harmonic control`: what a trainer should do, and what it should change."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, cast

import typer

from harmonic_core.cli.runs import RunName

if TYPE_CHECKING:
    from harmonic_core.run.control import CommandName
    from harmonic_core.run.directory import RunDirectory

_EPILOG = """Changed values hold from the next step on, and stay when the run is stopped and continued; "auto" goes
back to the profile. A learning rate that is given is the rate now, and the schedule goes on from it in its own
proportions. A beta stays as it is given. Epochs are those of the whole run, or +20 for twenty more; a cosine stretches
with them. Augmentation is from 0, which is off, to 1."""


class ControlCommand(StrEnum):
    """What a trainer can be asked for."""

    stop = "stop"
    pause = "pause"
    resume = "resume"
    checkpoint = "checkpoint"
    sample = "sample"
    evaluate = "evaluate"
    learning_rate = "learning-rate"
    beta = "beta"
    augment_strength = "augment-strength"
    epochs = "epochs"
    kill = "kill"


def add_to(app: typer.Typer) -> None:
    """Add the verb to a command line."""
    app.command("control", epilog=_EPILOG)(control)


def control(
    run: RunName,
    command: Annotated[ControlCommand, typer.Argument(help="What it should do, at its next step.")],
    value: Annotated[str | None, typer.Argument(help='A number, or "auto" for what the profile says.')] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Kill without a question.")] = False,
) -> None:
    """Tell a running trainer what to do: pause, save, sound, measure itself, stop, or train with another value.

    stop ends it after a checkpoint; kill ends it at once, and what it learnt since the last checkpoint is lost.
    """
    from harmonic_core.profile.steering import SETTINGS
    from harmonic_core.run.control import send_command
    from harmonic_core.run.directory import open_run

    directory = open_run(run)
    if command is ControlCommand.kill:
        _refuse_value(command, value)
        _kill(directory, yes=yes)
    elif command.value in SETTINGS:
        _change(directory, cast("CommandName", command.value), value)
    else:
        _refuse_value(command, value)
        if command is ControlCommand.evaluate:
            _insist_on_measurable(directory)
        send_command(directory, cast("CommandName", command.value), sender="command line")
        typer.echo(f"{directory.name}: asked to {command.value}", err=True)


def _change(run: RunDirectory, name: CommandName, text: str | None) -> None:
    from harmonic_core.errors import ProfileError
    from harmonic_core.profile.steering import AUTO, SETTINGS, objection_to_epochs, parsed
    from harmonic_core.run.control import send_command
    from harmonic_core.run.status import read_status

    setting, status = SETTINGS[name], read_status(run.status)
    if text is None:
        raise ProfileError(f"{name}: give {setting.allowed}, or `{AUTO}`: {setting.auto}")
    try:
        value = parsed(name, text, status.epochs if status else None)
    except ProfileError as error:
        raise ProfileError(f"{name}: {error}") from None
    if name == "epochs" and value is not None and status and (why := objection_to_epochs(value, status.epoch)):
        raise ProfileError(f"{name}: {setting.shown(value)} epochs: {why}")
    send_command(run, name, AUTO if value is None else value, "command line")
    typer.echo(f"{run.name}: asked to change {setting.label} to {setting.shown(value)}", err=True)


def _kill(run: RunDirectory, *, yes: bool) -> None:
    from harmonic_core.errors import ProfileError
    from harmonic_core.run.ending import kill_trainer

    lost = f"{run.name} loses what it learnt since its last checkpoint"
    if not yes and not sys.stdin.isatty():
        raise ProfileError(f"kill: {lost}; add `--yes`, or `stop` it instead")
    if not yes and not typer.confirm(f"Kill it? {lost}; `stop` would save it.", err=True):
        typer.echo(f"{run.name}: goes on", err=True)
        return
    kill_trainer(run, "command line")
    way_on = f"`harmonic train --resume-from {run.path}` goes on from its last checkpoint"
    typer.echo(f"{run.name}: killed; {way_on}", err=True)


def _refuse_value(command: ControlCommand, value: str | None) -> None:
    from harmonic_core.errors import ProfileError
    from harmonic_core.text import plain

    if value is not None:
        raise ProfileError(f"{command.value}: takes no value, and {plain(value, 40)} was given")


def _insist_on_measurable(run: RunDirectory) -> None:
    """Refuse to ask for what the trainer would refuse."""
    from harmonic_core.errors import ProfileError
    from harmonic_core.profile.resolve import load
    from harmonic_core.run.status import read_status

    way_out = f"`harmonic evaluate {run.path}` measures it from outside"
    try:
        share = load(run.profile).evaluation.evaluation_share
    except ProfileError:
        # What the trainer knows it will say.
        return
    if not share:
        raise ProfileError(f"evaluate: the profile's evaluation_share is 0; {way_out}")
    status = read_status(run.status)
    if status and status.step and status.mean_spectrum_db is None:
        raise ProfileError("evaluate: nothing is held out to measure it on")
