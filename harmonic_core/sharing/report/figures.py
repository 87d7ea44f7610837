"""What a run comes to: its verdict, the figures that count, and what it measured of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from harmonic_core.evaluation.learning_curve import finite
from harmonic_core.evaluation.verdict import judge
from harmonic_core.run.case_study import Goal, goals
from harmonic_core.run.evaluations import Closeness, Report
from harmonic_core.run.records import Row
from harmonic_core.run.status import ACTIVE_STATES, Verdict
from harmonic_core.run.words import count, duration, music_length
from harmonic_core.sharing.report.record import Record
from harmonic_core.sharing.report.words import figure, hundredths, percent

_HUES = {
    "early": "muted",
    "improving": "good",
    "plateau": "look",
    "overfitting": "look",
    "weak_kl": "look",
    "noisy": "look",
    "collapsed": "bad",
    "diverged": "bad",
}
STATES = {
    "preparing": ("◌", "good"),
    "training": ("●", "good"),
    "paused": ("‖", "look"),
    "finished": ("✓", "good"),
    "stopped": ("■", "look"),
    "failed": ("✗", "bad"),
    "diverged": ("✗", "bad"),
    "lost": ("!", "bad"),
    "unknown": ("?", "look"),
}
"""Sign and colour of each state: never by colour alone."""

CLOSENESS: dict[str, str] = {
    "mel_db": "mel, dB",
    "perceptual_db": "perceptual, dB",
    "multi_scale": "multi-scale",
    "lsd_db": "spectral, dB",
    "chroma": "chroma",
    "tonnetz": "Tonnetz",
    "loudness_db": "loudness, dB",
}


class Figure(NamedTuple):
    """One figure that counts."""

    name: str
    value: str
    unit: str
    remark: str


class Measured(NamedTuple):
    """One thing that an evaluation says, and what to hold it against."""

    name: str
    value: str
    compare: str


@dataclass(frozen=True)
class EvaluationShown:
    """What a run measured of itself last."""

    epoch: int
    step: int
    segments: int
    heard: int
    columns: list[str]
    rows: list[tuple[str, list[str]]]
    """By measure: the vocoder alone, the model, the model as it is heard, the mean spectrum."""
    measured: list[Measured]


def verdict_of(record: Record) -> tuple[Verdict | None, str]:
    """The verdict on a run, and its colour.

    What the trainer said last holds, but for a run that it can say nothing of any more, or never did.
    """
    verdict = record.status.verdict if record.status else None
    if (verdict is None or record.state == "lost") and record.profile is not None:
        from harmonic_core.training.schedule import rising_epochs

        profile, state = record.profile, record.status.state if record.status else "stopped"
        verdict = judge(
            record.rows,
            train=profile.train,
            loss=profile.loss,
            augment=profile.augment,
            latent_dim=profile.model.latent_dim,
            rising_epochs=rising_epochs(profile.loss),
            state="stopped" if record.state == "lost" else state,
            rollbacks=record.status.rollbacks if record.status else 0,
        )
    return verdict, _HUES.get(verdict.kind, "muted") if verdict else "muted"


def key_figures(record: Record) -> list[Figure]:
    """Figures at a glance; what is not known is left out."""
    newest = _newest(record.rows, "epoch") or _newest(record.rows, "step") or {}
    status = record.status
    told = [_error(record, newest), *_latent(record, newest)]
    if status:
        spent = f"{count(status.step)} updates in {duration(status.heartbeat - status.started_at)}"
        told.append(Figure("Epochs", count(status.epoch), f"of {count(status.epochs)}", spent))
    music = record.music
    if music:
        whole, genres = music.division.whole, [each for each in music.genres if each.name]
        kinds = f", {len(genres)} genres" if len(genres) > 1 else ""
        held = f"{count(whole.tracks)} tracks{kinds}, {count(music.division.validation.tracks)} held out"
        told.append(Figure("Music", music_length(whole.seconds), "", held))
    return [each for each in told if each is not None]


def evaluation_of(record: Record) -> EvaluationShown | None:
    """The newest measurement; None where there is none."""
    if not record.evaluations:
        return None
    report = record.evaluations[-1]
    columns = [_closeness(each) for each in (report.vocoder, report.model, report.model_and_vocoder)]
    columns.append([hundredths(report.mean_spectrum_db), *[""] * (len(CLOSENESS) - 1)])
    return EvaluationShown(
        epoch=report.epoch,
        step=report.step,
        segments=report.segments,
        heard=report.heard,
        columns=["vocoder alone", "model", "as it is heard", "mean spectrum"],
        rows=[(name, list(values)) for name, *values in zip(CLOSENESS.values(), *columns, strict=True)],
        measured=list(_measured(report)),
    )


def goals_of(record: Record) -> list[Goal]:
    """What the profile promises, held against the newest measurement."""
    if record.profile is None:
        return []
    report = record.evaluations[-1] if record.evaluations else None
    return goals(report, record.profile.case_study.model_dump(), record.profile.train.epochs)


def state_words(record: Record) -> str:
    """How the run is, in a sentence."""
    status = record.status
    if status is None:
        return "Nothing is known of how it ended."
    if record.state == "lost":
        return f"Its trainer is gone: it was last heard in epoch {status.epoch} of {status.epochs}."
    if record.state in ACTIVE_STATES:
        waits = f", {status.why}" if record.state == "paused" and status.why else ""
        return (
            f"It was {record.state}{waits} when this page was made, in epoch {status.epoch} of {status.epochs}: "
            "what follows is what was known then."
        )
    message = status.message or f"Ended in epoch {status.epoch} of {status.epochs}"
    return f"{message[0].upper()}{message[1:]}{'' if message.endswith('.') else '.'}"


def _error(record: Record, newest: Row) -> Figure | None:
    best = record.status.best if record.status else None
    mean = record.status.mean_spectrum_db if record.status else finite(newest, "mean_spectrum_db")
    beat = f"; the mean spectrum's {hundredths(mean)} dB" if mean is not None else ""
    if best:
        return Figure("Best held-out error", hundredths(best.val_recon_db), "dB", f"epoch {best.epoch}{beat}")
    for field, name in (("val_recon_db", "Held-out error"), ("recon_db", "Training error")):
        if field in newest:
            return Figure(name, hundredths(finite(newest, field)), "dB", f"newest{beat}")
    return None


def _latent(record: Record, newest: Row) -> list[Figure]:
    side = "val_" if "val_kl_nats" in newest else ""
    told = []
    nats, bits = finite(newest, f"{side}kl_nats"), finite(newest, f"{side}kl_bits_per_s")
    dimensions = record.profile.model.latent_dim if record.profile else None
    if nats is not None:
        each = f", {figure(nats / dimensions)} nats a dimension" if dimensions else ""
        told.append(Figure("KL", figure(nats), "nats", f"a segment; {figure(bits)} bits/s{each}"))
    active, sparse = finite(newest, "active_units"), finite(newest, "sparsity")
    if active is not None:
        of = f"of {count(dimensions)}" if dimensions else ""
        told.append(Figure("Active units", count(active), of, f"sparsity {percent(sparse)}"))
    return told


def _newest(rows: list[Row], kind: str) -> Row | None:
    return next((row for row in reversed(rows) if row.get("kind") == kind), None)


def _closeness(figures: Closeness) -> list[str]:
    values: list[float | None] = [getattr(figures, field) for field in CLOSENESS]
    return ["–" if value is None else hundredths(value) for value in values]


def _measured(report: Report) -> list[Measured]:
    told = [
        Measured(
            f"{label.capitalize()} by nearest neighbours",
            percent(each.neighbours),
            f"chance {percent(each.chance)} of {each.values} values; silhouette {hundredths(each.silhouette)}",
        )
        for label, each in report.tells_apart.items()
    ]
    if report.smoothness:
        told.append(Measured("Evenness of paths", hundredths(report.smoothness.evenness), "1 is even"))
    if report.draws:
        draws = report.draws
        other = f"mean spectrum {figure(draws.mel_fd_mean)}, noise {figure(draws.mel_fd_noise)}"
        told.append(Measured("mel-FD of prior samples", f"{figure(draws.mel_fd)} dB²", other))
        told.append(Measured("Diversity of prior samples", hundredths(draws.diversity), "real music 1"))
        if draws.nearest_training is not None:
            told.append(
                Measured("Distance to the training music", hundredths(draws.nearest_training), "held-out music 1")
            )
    if report.samples_music:
        for name, field in (("Key clarity", "key_clarity"), ("Onset regularity", "onset_regularity")):
            real = getattr(report.held_out_music, field) if report.held_out_music else None
            value = getattr(report.samples_music, field)
            told.append(Measured(f"{name} of prior samples", hundredths(value), f"held-out music {hundredths(real)}"))
    return told
