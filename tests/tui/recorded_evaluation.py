"""Evaluations of a recorded run: figures that a real one could have."""

from __future__ import annotations

from typing import Any

from recorded_run import STEPS_PER_EPOCH

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.evaluations import Closeness, Draws, Musicality, Report, Smoothness, Telling
from harmonic_core.run.records import encode_row

PROMISING = """\
[data]
dataset = "gtzan"

[train]
epochs = 100

[case_study]
genre_accuracy = 0.4
genre_silhouette = 0.0
clusters_by = 30
path_evenness = 0.6
key_clarity = 0.6
onset_regularity = 0.4
structured_by = 80
"""
"""A profile that promises everything that can be promised."""


def report_at(epoch: int, **changes: Any) -> Report:
    """What a run measured at that epoch, but for `changes`: three promises kept, one missed, one not yet."""
    whole: dict[str, Any] = {
        "weights": "gtzan_ld128_e100",
        "step": epoch * STEPS_PER_EPOCH,
        "epoch": epoch,
        "music": "930 tracks (7.8 h) to train on, 70 (0.6 h) held out, 10 genres",
        "segments": 512,
        "heard": 64,
        "mean_spectrum_db": 10.7,
        "vocoder": _closeness(1.21, sound=True),
        "model": _closeness(5.83, sound=False),
        "model_and_vocoder": _closeness(6.12, sound=True),
        "kl_nats": 171.2,
        "kl_bits_per_s": 82.3,
        "kl_per_dim": (1.3,) * 128,
        "active_units": 119,
        "latent_dim": 128,
        "sparsity": 0.18,
        "principal_shares": {1: 0.13, 5: 0.34, 10: 0.51, 20: 0.72},
        "tells_apart": {
            "genre": Telling(neighbours=0.46, probe=0.52, chance=0.1, silhouette=-0.02, values=10, segments=512),
            "key": Telling(neighbours=0.12, probe=None, chance=0.14, silhouette=-0.11, values=21, segments=470),
        },
        "smoothness": Smoothness(evenness=0.71, middle=1.12),
        "draws": Draws(mel_fd=212.0, mel_fd_mean=1410.0, mel_fd_noise=655.0, diversity=0.83, nearest_training=0.96),
        "samples_music": Musicality(key_clarity=0.63, onset_regularity=0.31),
        "held_out_music": Musicality(key_clarity=0.72, onset_regularity=0.55),
        "seconds": 3.2,
    }
    return Report.model_validate({**whole, **changes})


def record_evaluation(run: RunDirectory, report: Report) -> None:
    """Add a report as a trainer does."""
    with run.evaluations.open("ab") as file:
        file.write(encode_row({"kind": "evaluation", "time": 0.0, **report.model_dump(mode="json")}))


def _closeness(mel_db: float, *, sound: bool) -> Closeness:
    further = {"multi_scale": 0.31, "lsd_db": 9.84, "chroma": 0.93, "tonnetz": 0.95, "loudness_db": 1.15}
    return Closeness(mel_db=mel_db, perceptual_db=0.84 * mel_db, **(further if sound else {}))
