"""`harmonic train`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

_SWITCHES = frozenset({"--augment", "--mixed-precision", "--compile", "--use-tensorboard"})
_LAUNCHER = frozenset({"nproc", "nnodes", "rdzv_endpoint", "rdzv_id", "node_rank", "max_restarts"})
_NO_SETTINGS = _LAUNCHER | {"profile", "config", "settings", "mode", "trials", "allow_changes", "allow_partial"}
_TRUTH = frozenset({"true", "false", "yes", "no", "on", "off", "1", "0"})


class _TrainCommand(TyperCommand):
    """Lets a switch stand alone or with a value: `--augment`, `--augment True`, `--augment=no`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give every switch that stands alone the value true."""
        # After the profile, a word behind a switch can only be its value, right or wrong.
        profile_named = bool(args) and not args[0].startswith("-")
        spelled: list[str] = []
        for position, argument in enumerate(args):
            spelled.append(argument)
            following = args[position + 1].lower() if position + 1 < len(args) else ""
            if (
                argument.replace("_", "-") in _SWITCHES
                and following not in _TRUTH
                and not (profile_named and following and not following.startswith("-"))
            ):
                spelled.append("true")
        return super().parse_args(ctx, spelled)


def _option(help_text: str, panel: str, metavar: str = "") -> Any:
    return typer.Option(help=help_text, rich_help_panel=panel, metavar=metavar or None, show_default=False)


_DATA, _MODEL, _TRAINING, _OUTPUT = "Data", "Model", "Training", "Output"
_CONTINUING, _RANKS = "Going on from a run", "Several GPUs or machines"


def train(
    profile: Annotated[str | None, typer.Argument(metavar="PROFILE", help="Name or path of a profile.")] = None,
    config: Annotated[Path | None, typer.Option(help="A flat config.json, above the profile.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Set anything of the profile; can be given many times."),
    ] = None,
    mode: Annotated[str, typer.Option(hidden=True)] = "train",
    trials: Annotated[str | None, typer.Option(hidden=True)] = None,
    dataset: Annotated[str | None, _option("demo, custom, gtzan, maestro or combined.", _DATA)] = None,
    dataset_dir: Annotated[str | None, _option("Folder of the data set.", _DATA, "DIR")] = None,
    custom_dir: Annotated[
        list[str] | None, _option("Folder of your own audio; can be given many times.", _DATA, "DIR")
    ] = None,
    maestro_dir: Annotated[list[str] | None, _option("Folder of MAESTRO.", _DATA, "DIR")] = None,
    gtzan_dir: Annotated[list[str] | None, _option("Folder of GTZAN.", _DATA, "DIR")] = None,
    segment_length: Annotated[str | None, _option("Seconds in a training example.", _DATA, "S")] = None,
    validation_split: Annotated[str | None, _option("Share of the tracks held out.", _DATA, "0-0.9")] = None,
    split: Annotated[str | None, _option("official, fault_filtered or random.", _DATA)] = None,
    hours: Annotated[str | None, _option("Hours of MAESTRO to use.", _DATA, "H")] = None,
    years: Annotated[str | None, _option("Years of MAESTRO to use.", _DATA, "Y,Y,…")] = None,
    composers: Annotated[str | None, _option("Composers of MAESTRO to use.", _DATA, "NAME,…")] = None,
    cache_dir: Annotated[str | None, _option("Where decoded audio is kept.", _DATA, "DIR")] = None,
    sample_rate: Annotated[str | None, _option("In Hz.", _DATA, "HZ")] = None,
    n_fft: Annotated[str | None, _option("STFT window in samples.", _DATA, "N")] = None,
    hop_length: Annotated[str | None, _option("Samples between frames.", _DATA, "N")] = None,
    n_mels: Annotated[str | None, _option("Mel bands.", _DATA, "N")] = None,
    augment: Annotated[str | None, _option("Shift pitch, stretch time, add noise.", _DATA, "[BOOL]")] = None,
    augment_strength: Annotated[str | None, _option("0 (nothing) to 1.", _DATA, "0-1")] = None,
    architecture: Annotated[str | None, _option("harmonic or dense.", _MODEL)] = None,
    latent_dim: Annotated[str | None, _option("Numbers in a segment's latent.", _MODEL, "N")] = None,
    hidden_dims: Annotated[str | None, _option("Widths from the input inwards.", _MODEL, "N,N,…")] = None,
    epochs: Annotated[str | None, _option("Passes over the data.", _TRAINING, "N")] = None,
    batch_size: Annotated[str | None, _option("Segments in an update.", _TRAINING, "N")] = None,
    learning_rate: Annotated[str | None, _option("Highest learning rate.", _TRAINING, "LR")] = None,
    learning_rate_schedule: Annotated[str | None, _option("cosine, plateau or constant.", _TRAINING)] = None,
    beta_start: Annotated[str | None, _option("Weight of the KL at first.", _TRAINING, "B")] = None,
    beta_end: Annotated[str | None, _option("Weight of the KL after annealing.", _TRAINING, "B")] = None,
    beta_steps: Annotated[str | None, _option("Epochs of annealing.", _TRAINING, "N")] = None,
    beta_schedule: Annotated[str | None, _option("linear, cosine or cyclical.", _TRAINING)] = None,
    free_bits: Annotated[str | None, _option("Nats a latent dimension may carry freely.", _TRAINING, "NATS")] = None,
    grad_accum_steps: Annotated[str | None, _option("Parts of a batch, to save memory.", _TRAINING, "N")] = None,
    ema_decay: Annotated[str | None, _option("Average the weights, such as 0.999.", _TRAINING, "0-1")] = None,
    early_stopping: Annotated[str | None, _option("End after N epochs without gain.", _TRAINING, "N")] = None,
    mixed_precision: Annotated[str | None, _option("Compute in 16 bits.", _TRAINING, "[BOOL]")] = None,
    compile: Annotated[  # noqa: A002 - the setting's name
        str | None, _option("Translate the model with torch.compile.", _TRAINING, "[BOOL]")
    ] = None,
    seed: Annotated[str | None, _option("Seed of everything random.", _TRAINING, "N")] = None,
    resume_from: Annotated[str | None, _option("A run, checkpoint or .pt export.", _CONTINUING, "PATH")] = None,
    allow_changes: Annotated[
        bool, typer.Option("--allow-changes", help="Go on though settings changed.", rich_help_panel=_CONTINUING)
    ] = False,
    allow_partial: Annotated[
        bool, typer.Option("--allow-partial", help="Begin weights anew that do not fit.", rich_help_panel=_CONTINUING)
    ] = False,
    name: Annotated[str | None, _option("Name of the run, below runs/.", _OUTPUT, "NAME")] = None,
    output_dir: Annotated[str | None, _option("The run's directory instead of runs/NAME.", _OUTPUT, "DIR")] = None,
    checkpoint_every: Annotated[str | None, _option("Epochs between checkpoints and sounds.", _OUTPUT, "N")] = None,
    use_tensorboard: Annotated[str | None, _option("Also write for TensorBoard.", _OUTPUT, "[BOOL]")] = None,
    nproc: Annotated[str | None, _option("Processes on this machine; gpu: one for each.", _RANKS, "N|gpu")] = None,
    nnodes: Annotated[str | None, _option("Machines.", _RANKS, "N")] = None,
    rdzv_endpoint: Annotated[str | None, _option("Where machines meet.", _RANKS, "HOST:PORT")] = None,
    rdzv_id: Annotated[str | None, _option("Name of the job, the same everywhere.", _RANKS, "NAME")] = None,
    node_rank: Annotated[int | None, _option("Number of this machine, from 0.", _RANKS, "N")] = None,
    max_restarts: Annotated[int | None, _option("Restarts after a process died.", _RANKS, "N")] = None,
) -> None:
    """Train a model.

    With a profile, a config.json, or flags alone. Every other setting: `harmonic profiles explain`, then `--set`.
    """
    said = {name: value for name, value in locals().items() if value is not None}
    given = {name: value for name, value in said.items() if name not in _NO_SETTINGS}
    wanted = "tune" if trials is not None else mode.replace("-", "_")
    if wanted in {"validate_data", "preprocess", "download"}:
        raise typer.Exit(_work_on_data(wanted, profile, config, settings or [], given))
    _refuse_other_modes(wanted)
    launcher = {name: value for name, value in said.items() if name in _LAUNCHER}
    raise typer.Exit(_start((profile, config, settings or [], given, allow_changes, allow_partial), launcher))


def add_to(app: typer.Typer) -> None:
    """Add the verb to a command line."""
    app.command("train", cls=_TrainCommand)(train)


def _refuse_other_modes(mode: str) -> None:
    from harmonic_core.errors import ProfileError
    from harmonic_core.profile.flat_config import INSTEAD_OF_MODE
    from harmonic_core.text import plain

    if mode != "train":
        verb = INSTEAD_OF_MODE.get(mode)
        raise ProfileError(f"--mode {plain(mode)}: `harmonic train` only trains" + f"; {verb or 'leave it out'}")


def _work_on_data(
    mode: str, profile: str | None, config: Path | None, settings: list[str], flags: dict[str, str]
) -> int:
    """Do for the same music what `harmonic data` does."""
    from harmonic_core.cli.data.download import download
    from harmonic_core.cli.data.preprocess import preprocess_music
    from harmonic_core.cli.data.validate import validate_music
    from harmonic_core.profile.music import music_folders
    from harmonic_core.profile.resolve import resolve

    output_dir = flags.pop("output_dir", None) if mode == "preprocess" else None
    resolved = resolve(profile, config=config, settings=settings, flags=flags)
    if mode == "validate_data":
        return validate_music(resolved)
    if mode == "preprocess":
        return preprocess_music(resolved, Path(output_dir) if output_dir else None)
    data = resolved.profile.data
    folders = [folder for kind, folder in music_folders(data) if kind == data.dataset]
    download(
        data.dataset,
        folders[0] if folders else None,
        data.hours,
        list(data.official_parts) if data.official_parts else None,
        [str(year) for year in data.years] if data.years else None,
        list(data.composers) if data.composers else None,
    )
    return 0


def _start(words: tuple[Any, ...], launcher: dict[str, Any]) -> int:
    """Train here, alone or as one of several ranks, or start the ranks that do."""
    from harmonic_core.training.signals import StopSignals

    with StopSignals() as signals:
        from harmonic_core.cli.plan import Asked, plan
        from harmonic_core.cli.ranks import launch, leave_with_launcher, started_by_launcher
        from harmonic_core.errors import ProfileError

        asked, is_rank = Asked(*words), started_by_launcher()
        if is_rank and launcher:
            flag = "--" + next(iter(launcher)).replace("_", "-")
            raise ProfileError(f"{flag}: a launcher has started this process already; leave it out")
        if is_rank:
            leave_with_launcher()
        one_machine = launcher.get("nnodes", "1") == "1" and "rdzv_endpoint" not in launcher
        planned = plan(asked, alone=one_machine and not is_rank)
        if not launcher:
            if not is_rank or os.environ.get("RANK") == "0":
                typer.echo("".join(f"{remark}\n" for remark in planned.remarks), err=True, nl=False)

            from harmonic_core.training.start import train as train_in

            if not signals.received:
                return train_in(planned.resolved, planned.run, planned.point, signals)
        if signals.received:
            typer.echo(f"stopped: {signals.received.name} received before training began", err=True)
            return signals.exit_code
    options = {"nproc": "1", "nnodes": None, "rdzv_endpoint": None, "rdzv_id": None, "node_rank": None}
    return launch(asked.arguments(planned.run), **{**options, "max_restarts": 0, **launcher})
