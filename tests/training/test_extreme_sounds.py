"""Sounds that no music is: every loss and every gradient stays a number."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.audio.vocoder import mel_to_sound
from harmonic_core.errors import ExitCode
from harmonic_core.model.build import build_model
from harmonic_core.model.listening import Listening
from harmonic_core.model.loss import loss_of
from harmonic_core.profile.sections import Audio, Loss, Model
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.evaluations import read_evaluations
from harmonic_core.run.records import read_rows

RATE, SAMPLES = 8000, 8000
AUDIO = Audio(sample_rate=RATE, n_fft=512, hop_length=256, n_mels=32)
EVERYTHING = Loss(perceptual_weight=0.5, multi_scale_weight=0.5, harmony_weight=0.05, sparsity_weight=0.01)


def sounds() -> dict[str, Tensor]:
    """Each (samples,); what is shorter than a segment is padded with silence, as the trainer does."""
    time = torch.arange(SAMPLES) / RATE
    click = torch.zeros(SAMPLES)
    click[SAMPLES // 2] = 1.0
    short = torch.sin(2 * math.pi * 330 * time)
    short[-1] = 0.0
    left = torch.sin(2 * math.pi * 440 * time)
    return {
        "silence": torch.zeros(SAMPLES),
        "one click": click,
        "full-scale square wave": torch.sign(torch.sin(2 * math.pi * 220 * time + 0.1)),
        "DC": torch.full((SAMPLES,), 0.5),
        "one sample short": short,
        "stereo in opposite phase": 0.5 * (left - left),
    }


@pytest.mark.parametrize("settings", [{}, {"hidden_dims": (16, 16)}, {"architecture": "dense", "hidden_dims": (16,)}])
@pytest.mark.parametrize("name", sounds())
def test_loss_and_gradients_are_finite(name: str, settings: dict[str, object]) -> None:
    torch.manual_seed(0)
    features = LogMel(AUDIO)
    mel = features(sounds()[name].expand(2, -1))
    model = build_model(Model(latent_dim=8, **settings), AUDIO, mel.shape[2])  # type: ignore[arg-type]
    model.begin_with([mel])
    listening = Listening(AUDIO, EVERYTHING, features)
    reconstruction, posterior = model(mel, torch.randn(2, 8))
    terms = loss_of(mel, reconstruction, posterior, 0.01, EVERYTHING, listening)
    terms.loss.backward()  # type: ignore[no-untyped-call]
    assert terms.measured().isfinite().all()
    gradients = [parameter.grad for parameter in model.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("name", sounds())
def test_what_is_heard_of_it_is_within_full_scale(name: str) -> None:
    features = LogMel(AUDIO)
    heard = mel_to_sound(features(sounds()[name].unsqueeze(0)), features, SAMPLES, 4)
    assert heard.isfinite().all()
    assert heard.abs().max() <= 1.0


def test_a_run_on_such_files_has_figures_and_skips_no_update(tmp_path: Path, train_in: Callable[..., ExitCode]) -> None:
    music = tmp_path / "music"
    for number in range(2):
        for name, sound in sounds().items():
            both = [sound, sound] if "stereo" not in name else [torch.ones(SAMPLES) * 0.3, -torch.ones(SAMPLES) * 0.3]
            samples = np.stack([channel.numpy() for channel in both], axis=1)
            folder = music / f"{name} {number}"
            folder.mkdir(parents=True)
            soundfile.write(folder / "sound.wav", samples[:-1] if "short" in name else samples, RATE)
    run = RunDirectory(tmp_path / "run")
    settings = [
        *("data.dataset=custom", f"data.custom_dir={music}", "data.min_clip_length=0.5", "train.epochs=3"),
        *("train.refine_vocoder=true", "evaluation.evaluation_share=1"),
        *(f"loss.{name}={value}" for name, value in EVERYTHING.model_dump(exclude_defaults=True).items()),
    ]
    assert train_in(run.path, *settings) == ExitCode.OK
    rows = read_rows(run.metrics)
    assert rows
    assert all(math.isfinite(row["loss"]) and row["skipped"] == 0 for row in rows)
    report = read_evaluations(run)[-1]
    assert math.isfinite(report.model.mel_db)
    assert math.isfinite(report.kl_nats)
