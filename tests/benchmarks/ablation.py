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
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from contest import BETA, Contender, Ground, enter, prepare_ground, rounds_of, take_turns
from rich.console import Console
from rich.progress import track as progress_over
from rich.table import Table

from harmonic_core.audio.vocoder import mel_to_sound
from harmonic_core.evaluation.closeness import Ears
from harmonic_core.evaluation.validation import validate
from harmonic_core.profile.sections import Loss, Model, Profile, Train

USUAL = Train(batch_size=16)
VARIANTS: dict[str, Mapping[str, Any]] = {
    "default": {},
    "- principal components": {"model": {"principal_components": False, "hidden_dims": (128, 128, 192, 256)}},
    "- refining blocks": {"model": {"refining_blocks": 0}},
    "+ two refining blocks more": {"model": {"refining_blocks": 4}},
    "+ stages": {"model": {"hidden_dims": (64, 64, 96, 128)}},
    "+ harmonic stacking": {"model": {"harmonic_stacking": True}},
    "+ latent over 8 frames": {"model": {"latent_frames": 8}},
    "+ perceptual": {"loss": {"perceptual_weight": 0.5}},
    "+ multi_scale": {"loss": {"multi_scale_weight": 0.5}},
    "+ harmony": {"loss": {"harmony_weight": 0.02}},
    "+ sparsity": {"loss": {"sparsity_weight": 1e-3}},
    "+ free bits": {"loss": {"free_bits": 0.5}},
    "+ mean squared error": {"loss": {"reconstruction": "mse"}},
    "+ average of weights": {"train": {"ema_decay": 0.99}},
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
    parser.add_argument("--jobs", type=int, default=1, help="seeds at a time; of several a thread each")
    options = parser.parse_args(arguments)

    console = Console(stderr=True)
    names = [
        name for name in VARIANTS if not options.only or name == "default" or any(word in name for word in options.only)
    ]
    work = [(options.directory, options.seconds, seed, names, options.jobs) for seed in range(options.seeds)]
    if options.jobs == 1:
        seeds = [train_variants(*each) for each in progress_over(work, "seeds", console=console)]
    else:
        with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
            waiting = [pool.submit(train_variants, *each) for each in work]
            done = progress_over(as_completed(waiting), "seeds", total=len(waiting), console=console)
            seeds = [each.result() for each in done]
    summary = {name: summarise([seed[name] for seed in seeds]) for name in names}
    console.print(table(summary))
    line = {"seconds": options.seconds, "seeds": options.seeds, "jobs": options.jobs, "variants": summary}
    sys.stdout.write(json.dumps(line) + "\n")


def train_variants(
    directory: Path, seconds: float, seed: int, names: Sequence[str], jobs: int
) -> dict[str, dict[str, float]]:
    """Figures of all variants of one seed."""
    if jobs > 1:
        torch.set_num_threads(1)
    ground = prepare_ground(directory, seed)
    with ExitStack() as stack:
        contenders = {name: contender(stack, ground, VARIANTS[name], seed) for name in names}
        for _ in range(rounds_of(seconds)):
            take_turns(list(contenders.values()), ground.features, seconds)
        return {name: figures(ground, each) for name, each in contenders.items()}


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
