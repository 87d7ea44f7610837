"""`harmonic train`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from harmonic_core.profile.resolve import Resolved
    from harmonic_core.profile.sections import Profile
    from harmonic_core.run.directory import RunDirectory
    from harmonic_core.run.resume import ResumePoint

_SWITCHES = frozenset({"--augment", "--mixed-precision", "--use-tensorboard"})
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
    beta_start: Annotated[str | None, _option("Weight of the KL at first.", _TRAINING, "B")] = None,
    beta_end: Annotated[str | None, _option("Weight of the KL after annealing.", _TRAINING, "B")] = None,
    beta_steps: Annotated[str | None, _option("Epochs of annealing.", _TRAINING, "N")] = None,
    grad_accum_steps: Annotated[str | None, _option("Parts of a batch, to save memory.", _TRAINING, "N")] = None,
    mixed_precision: Annotated[str | None, _option("Compute in bfloat16.", _TRAINING, "[BOOL]")] = None,
    seed: Annotated[str | None, _option("Seed of everything random.", _TRAINING, "N")] = None,
    resume_from: Annotated[
        str | None, _option("A run, checkpoint or .pt export to continue from.", _TRAINING, "PATH")
    ] = None,
    name: Annotated[str | None, _option("Name of the run, below runs/.", _OUTPUT, "NAME")] = None,
    output_dir: Annotated[str | None, _option("The run's directory instead of runs/NAME.", _OUTPUT, "DIR")] = None,
    checkpoint_every: Annotated[str | None, _option("Epochs between checkpoints and sounds.", _OUTPUT, "N")] = None,
    use_tensorboard: Annotated[str | None, _option("Also write for TensorBoard.", _OUTPUT, "[BOOL]")] = None,
) -> None:
    """Train a model.

    With a profile, a config.json, or flags alone. Every other setting: `harmonic profiles explain`, then `--set`.
    """
    flags = {
        key: value for key, value in locals().items() if key not in {"profile", "config", "settings", "mode", "trials"}
    }
    given = {key: value for key, value in flags.items() if value is not None}
    wanted = "tune" if trials is not None else mode.replace("-", "_")
    if wanted in {"validate_data", "preprocess", "download"}:
        raise typer.Exit(_work_on_data(wanted, profile, config, settings or [], given))
    _refuse_other_modes(wanted)
    raise typer.Exit(_start(profile, config, settings or [], given))


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


def _start(profile: str | None, config: Path | None, settings: list[str], flags: dict[str, str]) -> int:
    from harmonic_core.errors import ProfileError
    from harmonic_core.profile.music import insist_on_music
    from harmonic_core.profile.resolve import resolve
    from harmonic_core.run.resume import find_resume_point

    if profile is None and config is None and not ({"dataset", "resume_from"} & flags.keys()):
        raise ProfileError(
            "nothing to train: name a profile (`harmonic profiles list`), such as `harmonic train demo`, "
            "or a data set, such as `harmonic train --dataset custom --custom-dir path/to/audio`"
        )
    # A run that is continued brings its own profile, unless another is named.
    asked = find_resume_point(Path(flags["resume_from"])) if "resume_from" in flags else None
    source: str | Path | None = profile
    if source is None and config is None and "dataset" not in flags and asked and asked.run:
        source = asked.run.profile
    resolved = resolve(source, config=config, settings=settings, flags=flags)
    if resolved.profile.train.resume_from and asked is None:
        asked = find_resume_point(resolved.profile.train.resume_from)
    insist_on_music(resolved.profile.data)
    for warning in resolved.warnings:
        typer.echo(f"warning: {warning}", err=True)
    run = _directory(resolved, asked, named="name" in flags)

    from harmonic_core.training.start import train as train_in

    return train_in(resolved, run, asked)


def _directory(resolved: Resolved, point: ResumePoint | None, *, named: bool) -> RunDirectory:
    from harmonic_core.run.directory import RUN_ROOTS, RunDirectory, default_directory

    profile = resolved.profile
    if profile.output.output_dir:
        return RunDirectory(profile.output.output_dir)
    # A name in a profile is that of its first run; one on the command line is meant for this run. Other music makes
    # another run: a fine-tune that begins with the weights.
    if point and point.run and not named and _same_music(profile, point.run):
        return point.run
    if profile.run.name:
        return RunDirectory(RUN_ROOTS[0] / profile.run.name)
    return default_directory(resolved.name, datetime.now())


def _same_music(profile: Profile, run: RunDirectory) -> bool:
    from harmonic_core.errors import ProfileError
    from harmonic_core.profile.music import music_folders
    from harmonic_core.profile.resolve import load

    try:
        before = load(run.profile).data
    except ProfileError:
        return True
    now, then = ({(kind, folder.resolve()) for kind, folder in music_folders(data)} for data in (profile.data, before))
    return profile.data.dataset == before.dataset and now == then
