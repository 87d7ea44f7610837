"""`harmonic evaluate`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmonic_core.text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harmonic_core.run.case_study import Goal
    from harmonic_core.run.evaluations import Closeness, Musicality, Report, Telling

_COLUMNS = {
    "mel_db": "mel dB",
    "perceptual_db": "perceptual dB",
    "multi_scale": "multi-scale",
    "lsd_db": "LSD dB",
    "chroma": "chroma",
    "tonnetz": "Tonnetz",
    "loudness_db": "loudness dB",
}
_NAME_WIDTH = 26
_COPIES = 0.5
"""Relative distance to the training music below which samples may be copies of it."""


def add_to(app: typer.Typer) -> None:
    """Add the verb to a command line."""
    app.command("evaluate")(evaluate)


def evaluate(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run, or a checkpoint or .pt export of one.")],
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Audio to measure on, instead of the run's held-out tracks.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measure a trained model: who is to blame for what, what its latent knows, and what it makes up.

    On music that it was not trained on. A run stands for its newest checkpoint. Nothing is written.
    """
    from harmonic_core.training.signals import StopSignals

    with StopSignals() as signals:
        from harmonic_core.cli.data.progress import bar
        from harmonic_core.run.directory import RunDirectory, open_run
        from harmonic_core.run.resume import find_resume_point
        from harmonic_core.training.evaluate import evaluate as measure
        from harmonic_core.training.narrator import Narrator
        from harmonic_core.training.signals import StoppedError

        point = find_resume_point(Path(run) if Path(run).exists() else open_run(run).path)

        def tell(line: str) -> None:
            typer.echo(line, err=True)

        narrator = Narrator(point.run or RunDirectory(Path(run).parent), tell, bar)
        try:
            with narrator:
                report = measure(point, narrator, folder=data, stopped=lambda: signals.received is not None)
        except StoppedError:
            typer.echo("stopped", err=True)
            raise typer.Exit(int(signals.exit_code)) from None
        from harmonic_core.cli.base_run import find_base
        from harmonic_core.run.case_study import goals

        profile = find_base(point).own.profile
        # What a profile promises it promises of its own music.
        promised = profile.case_study.model_dump() if data is None else {}
        told = goals(report, promised, profile.train.epochs)
    if as_json:
        document = {**json.loads(report.model_dump_json()), "case_study": [asdict(goal) for goal in told]}
        typer.echo(json.dumps(document, indent=2))
    else:
        typer.echo("\n".join([*_lines(report), *_goals(told)]))


def _lines(report: Report) -> list[str]:
    rows = {
        "vocoder alone": report.vocoder,
        "model, before any sound": report.model,
        "model, as it is heard": report.model_and_vocoder,
    }
    latent = (
        f"latent: KL {report.kl_nats:.1f} nats a segment, {report.kl_bits_per_s:.1f} bit/s; {report.active_units} of "
        f"{report.latent_dim} dimensions active, sparsity {_percent(report.sparsity)}"
    )
    shares = ", ".join(f"{count}: {_percent(share)}" for count, share in report.principal_shares.items())
    lines = [
        f"{plain(report.weights)}: step {report.step}, epoch {report.epoch}",
        f"{plain(report.music)}; {report.segments} held-out segments",
        "",
        *_table(rows),
        f"{'always the mean spectrum':<{_NAME_WIDTH}}{report.mean_spectrum_db:>{len('mel dB')}.2f}",
        "",
        latent,
        *([f"variance of the first principal components, {shares}"] if shares else []),
        *(_telling(label, told) for label, told in report.tells_apart.items()),
    ]
    if report.smoothness:
        lines.append(
            f"paths between segments: evenness {report.smoothness.evenness:.2f} (1 is even), their middles "
            f"{report.smoothness.middle:.2f} times as far from real music as real music is from itself"
        )
    if report.draws:
        draws = report.draws
        lines += [
            f"samples of the prior: mel-FD {draws.mel_fd:.0f} dB² (mean spectrum {draws.mel_fd_mean:.0f}, noise "
            f"{draws.mel_fd_noise:.0f}), diversity {draws.diversity:.2f} of real music's",
        ]
    if report.draws and report.draws.nearest_training is not None:
        nearest = report.draws.nearest_training
        lines.append(
            f"nearest training segment: {nearest:.2f} times as far from samples as from held-out music"
            + ("; they may be copies" if nearest < _COPIES else "")
        )
    return lines + _music(report.samples_music, report.held_out_music)


def _music(samples: Musicality | None, held_out: Musicality | None) -> list[str]:
    parts = [
        f"{whose}: key clarity {music.key_clarity:.2f}, onset regularity {music.onset_regularity:.2f}"
        for whose, music in (("samples as they are heard", samples), ("held-out music", held_out))
        if music
    ]
    return ["; ".join(parts)] if parts else []


def _goals(goals: Sequence[Goal]) -> list[str]:
    """What the profile promises, and how it stands; nothing where it promises nothing."""
    if not goals:
        return []
    head = f"{'case study':<{_NAME_WIDTH}}{'measured':>8}  {'promised':>8}  {'by epoch':>8}"
    return ["", head, *(_goal(goal) for goal in goals)]


def _goal(goal: Goal) -> str:
    measured = "–" if goal.value is None else f"{goal.value:.2f}"
    row = f"{goal.name:<{_NAME_WIDTH}}{measured:>8}  {goal.threshold:>8.2f}  {goal.by_epoch:>8}"
    return f"{row}  {goal.standing}"


def _table(rows: Mapping[str, Closeness]) -> list[str]:
    widths = {field: max(len(title), 6) for field, title in _COLUMNS.items()}
    head = "  ".join(f"{title:>{widths[field]}}" for field, title in _COLUMNS.items())
    return [f"{'':<{_NAME_WIDTH}}{head}", *(_row(name, figures, widths) for name, figures in rows.items())]


def _row(name: str, figures: Closeness, widths: Mapping[str, int]) -> str:
    values: Sequence[float | None] = [getattr(figures, field) for field in _COLUMNS]
    cells = (
        f"{'–' if value is None else f'{value:.2f}':>{width}}"
        for value, width in zip(values, widths.values(), strict=True)
    )
    return f"{name:<{_NAME_WIDTH}}{'  '.join(cells)}"


def _telling(label: str, told: Telling) -> str:
    probe = f", a linear probe for {_percent(told.probe)}" if told.probe is not None else ""
    return (
        f"{label}: nearest neighbours are right for {_percent(told.neighbours)} of {told.segments} segments{probe}, "
        f"chance {_percent(told.chance)} ({told.values} values); silhouette {told.silhouette:.2f}"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
