"""The default architecture against a dense VAE: equal wall-clock time, the same tracks, held-out error in dB.

    python tests/benchmarks/baseline.py DIR --seconds 90

Both train on the audio under DIR in turns of a few seconds, so that a noisy machine is noisy for both. Segments of
3 s, latent_dim 128, beta constant at 1e-3; `dense` with mean squared error, `harmonic` with its own defaults.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from contest import BETA, enter, prepare_ground, rounds_of, take_turns
from rich.console import Console
from rich.progress import track as progress_over

from harmonic_core.evaluation.validation import Validation, mean_spectrum_db, validate
from harmonic_core.profile.sections import Loss, Model, Train

CONTENDERS = {
    "dense": (Model(architecture="dense", latent_dim=128), Loss(reconstruction="mse"), Train(learning_rate=1e-3)),
    "harmonic": (
        Model(architecture="harmonic", latent_dim=128),
        Loss(reconstruction="l1"),
        Train(),
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train both, print their figures, then one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--seconds", type=float, default=90.0, help="training time of each")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)

    console = Console(stderr=True)
    ground = prepare_ground(options.directory, options.seed)
    console.print(ground.words)
    with ExitStack() as stack:
        contenders = {name: enter(stack, ground, *parts, options.seed) for name, parts in CONTENDERS.items()}
        for _ in progress_over(range(rounds_of(options.seconds)), "training", console=console):
            take_turns(list(contenders.values()), ground.features, options.seconds)

    figures: dict[str, Validation] = {}
    for name, contender in contenders.items():
        found = validate(contender.state.model, ground.features, ground.held_out, contender.loss, BETA, 32)
        assert found is not None
        figures[name] = found
        console.print(
            f"{name}: {contender.state.step} steps in {contender.spent_s:.1f} s, {found.recon_db:.2f} dB, "
            f"{found.kl_nats:.0f} nats"
        )
    dense, harmonic = figures["dense"], figures["harmonic"]
    band_mean = contenders["harmonic"].state.model.band_mean
    line = {
        "dense_db": round(dense.recon_db, 3),
        "harmonic_db": round(harmonic.recon_db, 3),
        "mean_db": round(mean_spectrum_db(ground.held_out, ground.features, band_mean, 32), 3),
        "ratio": round(harmonic.recon_db / dense.recon_db, 4),
        "dense_kl_nats": round(dense.kl_nats, 1),
        "harmonic_kl_nats": round(harmonic.kl_nats, 1),
    }
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
