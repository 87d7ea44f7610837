"""`harmonic vocoder`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harmonic_core.text import plain

if TYPE_CHECKING:
    from harmonic_core.profile.sections import Profile
    from harmonic_core.training.refining import Closer, Refining

_COMPARED = 64
"""Held-out segments that decide."""

app = typer.Typer(no_args_is_help=True, help="What turns mel spectrograms into sound.")


@app.callback()
def _vocoder() -> None:
    pass


@app.command("train")
def train(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Path of a run, or its name below runs/ or output/.")],
    minutes: Annotated[float, typer.Option(metavar="M", min=0.001, max=10_000, help="How long to train.")] = 10.0,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Audio to train on, instead of the run's own music.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Train the vocoder's network longer than beside the model, for all that is heard of a run.

    On the run's training tracks, from `RUN/vocoder.safetensors` where there is one. Held-out tracks decide whether it
    is used. Ctrl-C ends it early and keeps what was learnt.
    """
    from harmonic_core.training.signals import StopSignals

    with StopSignals() as signals:
        from harmonic_core.audio.features import LogMel
        from harmonic_core.cli.data.progress import bar
        from harmonic_core.errors import DataError, DiskError
        from harmonic_core.run.directory import open_run
        from harmonic_core.run.words import duration
        from harmonic_core.training.checkpoint import newest_checkpoint
        from harmonic_core.training.device import choose_device
        from harmonic_core.training.material import prepare_material
        from harmonic_core.training.narrator import Narrator
        from harmonic_core.training.refining import Refining, train_alone, write_refiner

        def tell(line: str) -> None:
            typer.echo(line, err=True)

        def stopped() -> bool:
            return signals.received is not None

        directory = open_run(run)
        profile = _profile(newest_checkpoint(directory).profile, data)
        with Narrator(directory, tell, bar) as narrator:
            material = prepare_material(profile, narrator, stopped)
        if material is None:
            tell("stopped")
            raise typer.Exit(int(signals.exit_code))
        if not len(material.validation):
            raise DataError(
                "nothing is held out, so nothing can tell whether the network helps; name a folder of at least two "
                "tracks with `--data DIR`"
            )
        tell(material.summary)
        features = LogMel(profile.audio).to(choose_device(profile.run.device)[0])
        refining = Refining(features, profile.run.seed)
        path = directory.vocoder
        goes_on = _go_on(refining, path, profile)
        before = refining.compare(material.validation, _COMPARED) if goes_on else None
        tell(f"training for {duration(60.0 * minutes)}{' from the network that is there' if before else ''}")
        with bar(1.0) as move:
            updates = train_alone(refining, material.training, 60.0 * minutes, lambda share: move(share, ""), stopped)
        if not updates:
            tell("stopped before anything was learnt")
            raise typer.Exit(int(signals.exit_code))
        closer = refining.compare(material.validation, _COMPARED)
        assert closer is not None
        kept = before is not None and before.refined_db <= closer.refined_db
        if not kept:
            try:
                write_refiner(path, refining, profile.audio)
            except OSError as error:
                raise DiskError(f"{plain(str(path))}: cannot be written: {error.strerror or error}") from error
        document = _document(path, closer, updates, written=not kept, stopped=stopped())
        typer.echo(json.dumps(document, indent=2) if as_json else "\n".join(_lines(document)))
        if stopped():
            raise typer.Exit(int(signals.exit_code))


def _profile(path: Path, folder: Path | None) -> Profile:
    """The profile of a checkpoint, with the music of `folder` where there is one, and nothing augmented."""
    from harmonic_core.errors import DataError
    from harmonic_core.profile.resolve import load

    profile = load(path)
    data = profile.data
    if folder is not None:
        if not folder.is_dir():
            raise DataError(f"{plain(str(folder))}: no such folder; name the folder of your audio with `--data DIR`")
        other = {"dataset": "custom", "dataset_dir": None, "custom_dir": (folder,), "split": "auto"}
        data = data.model_copy(update={**other, "validation_split": data.validation_split or 0.1})
    augment = profile.augment.model_copy(update={"augment": False})
    return profile.model_copy(update={"data": data, "augment": augment})


def _go_on(refining: Refining, path: Path, profile: Profile) -> bool:
    """Begin with the weights in the file `path`; whether there are any that fit."""
    from harmonic_core.errors import RunError
    from harmonic_core.training.refining import read_refiner

    if not path.exists():
        return False
    try:
        refiner, _ = read_refiner(path, refining.features, profile.audio)
    except RunError as error:
        typer.echo(f"{error}; beginning anew", err=True)
        return False
    refining.refiner.load_state_dict(refiner.state_dict())
    return True


def _document(path: Path, closer: Closer, updates: int, *, written: bool, stopped: bool) -> dict[str, Any]:
    return {
        "network": str(path),
        "updates": updates,
        "plain": {"level_db": closer.plain_db, "convergence": closer.plain_convergence},
        "refined": {"level_db": closer.refined_db, "convergence": closer.refined_convergence},
        "used": closer.is_better,
        "written": written,
        "stopped": stopped,
    }


def _lines(document: dict[str, Any]) -> list[str]:
    path, refined, plain_way = plain(document["network"]), document["refined"], document["plain"]
    if not document["written"]:
        outcome = "no better than the network that is there, which stays"
    elif document["used"]:
        outcome = "it is used for all that is heard of this run"
    else:
        outcome = "it is not used: it does not better the plain inversion yet; train it longer"
    early = "stopped early; what was learnt is kept: " if document["stopped"] and document["written"] else ""
    return [
        f"{'held-out tracks':<24}{'level dB':>10}{'convergence':>14}",
        f"{'plain inversion':<24}{plain_way['level_db']:>10.3f}{plain_way['convergence']:>14.4f}",
        f"{'with the network':<24}{refined['level_db']:>10.3f}{refined['convergence']:>14.4f}",
        f"{early}{path}, {document['updates']} updates: {outcome}",
    ]
