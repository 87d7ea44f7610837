"""What each part of model and loss is worth: the default without it, or with it, for the same wall-clock time.

    python tests/benchmarks/ablation.py DIR --seconds 120 --seeds 3

All variants of a seed train on the audio under DIR in turns of a few seconds, so that a noisy machine is noisy for all;
beta is constant at 1e-3, and a fifth of the tracks is held out. Every seed divides the tracks and begins the weights
anew. Prints a table, then one JSON line with the means over seeds and, as `spread`, largest less smallest. `mel_db` and
`perceptual_db` are errors of one draw from the posterior, `chroma` is the cosine of chroma after the vocoder,
`kl_bits_per_s` the rate at which they are reached: compare variants of about the same rate only.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from contest import BETA, Contender, Ground, enter, prepare_ground, rounds_of, take_turns
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from harmonic_core.audio.vocoder import mel_to_sound
from harmonic_core.evaluation.closeness import Ears
from harmonic_core.evaluation.validation import validate
from harmonic_core.profile.sections import Loss, Model, Profile, Train

USUAL = Train(batch_size=16, learning_rate=2e-3)
VARIANTS: dict[str, Mapping[str, Any]] = {
    "default": {},
    "+ perceptual": {"loss": {"perceptual_weight": 0.5}},
    "+ multi_scale": {"loss": {"multi_scale_weight": 0.5}},
    "+ harmony": {"loss": {"harmony_weight": 0.02}},
    "+ sparsity": {"loss": {"sparsity_weight": 1e-3}},
    "+ free bits": {"loss": {"free_bits": 0.1}},
    "+ mean squared error": {"loss": {"reconstruction": "mse"}},
    "+ average of weights": {"train": {"ema_decay": 0.99}},
    "+ latent over 8 frames": {"model": {"latent_frames": 8}},
    "+ two blocks a stage": {"model": {"blocks_per_stage": 2}},
}
FIGURES = ("mel_db", "perceptual_db", "chroma", "kl_bits_per_s", "steps_per_s")
HEARD = 32
GRIFFIN_LIM_STEPS = 8


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all variants, print a table, then one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--seconds", type=float, default=120.0, help="training time of each variant and seed")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", metavar="WORD", help="variants whose names hold one of these, and default")
    options = parser.parse_args(arguments)

    console = Console(stderr=True)
    names = [
        name for name in VARIANTS if not options.only or name == "default" or any(word in name for word in options.only)
    ]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    with Progress(console=console) as progress:
        task = progress.add_task("training", total=options.seeds * rounds_of(options.seconds))
        for seed in range(options.seeds):
            ground = prepare_ground(options.directory, seed)
            with ExitStack() as stack:
                contenders = {name: contender(stack, ground, VARIANTS[name], seed) for name in names}
                for _ in range(rounds_of(options.seconds)):
                    take_turns(list(contenders.values()), ground.features, options.seconds)
                    progress.advance(task)
                for name, each in contenders.items():
                    found[name].append(figures(ground, each))
    summary = {name: summarise(rows) for name, rows in found.items()}
    console.print(table(summary))
    sys.stdout.write(json.dumps({"seconds": options.seconds, "seeds": options.seeds, "variants": summary}) + "\n")


def contender(stack: ExitStack, ground: Ground, changes: Mapping[str, Any], seed: int) -> Contender:
    """The default with `changes` to its sections."""
    return enter(
        stack,
        ground,
        Model(**changes.get("model", {})),
        Loss(**changes.get("loss", {})),
        USUAL.model_copy(update=changes.get("train", {})),
        seed,
    )


@torch.no_grad()
def figures(ground: Ground, each: Contender) -> dict[str, float]:
    """What a trained contender does on the held-out segments."""
    profile, model = Profile(), each.state.judged
    measured = validate(model, ground.features, ground.held_out, each.loss, BETA, 32)
    assert measured is not None
    count = min(HEARD, len(ground.held_out))
    original = torch.from_numpy(ground.held_out.batch(0, count)).float() / 32768.0
    mel = ground.features(original)
    model.eval()
    noise = torch.randn((count, model.latent_dim), generator=torch.Generator().manual_seed(0))
    reconstruction, _ = model(mel, noise)
    model.train()
    sound = mel_to_sound(reconstruction, ground.features, original.shape[1], GRIFFIN_LIM_STEPS)
    ears = Ears(profile.audio)
    chroma = ears.compare_sounds(original, sound).chroma
    assert chroma is not None
    return {
        "mel_db": measured.recon_db,
        "perceptual_db": ears.compare_mels(mel, reconstruction).perceptual_db,
        "chroma": chroma,
        "kl_bits_per_s": measured.kl_nats / math.log(2.0) / profile.data.segment_length,
        "steps_per_s": each.steps_per_s,
    }


def summarise(rows: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Means over seeds, and how far they lie apart."""
    means = {name: round(statistics.fmean(row[name] for row in rows), 4) for name in FIGURES}
    values = {name: [row[name] for row in rows] for name in FIGURES}
    return {**means, "spread": {name: round(max(values[name]) - min(values[name]), 4) for name in FIGURES}}


def table(summary: Mapping[str, Mapping[str, Any]]) -> Table:
    """The summary for people: each figure with its spread."""
    drawn = Table("variant", *FIGURES)
    for name, row in summary.items():
        drawn.add_row(name, *(f"{row[figure]:.2f} ± {row['spread'][figure] / 2:.2f}" for figure in FIGURES))
    return drawn


if __name__ == "__main__":
    main()
