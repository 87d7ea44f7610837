"""`harmonic` with a rank that has too little memory: `python short_of_memory.py FITS FIRST_CALL train …`.

On the second rank, the model takes at most FITS segments at once from its FIRST_CALL-th call on.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import torch

from harmonic_core.cli import main
from harmonic_core.model.vae import VAE


def limit(fits: int, first_call: int) -> None:
    """Let memory run out in the model."""
    forward, calls = VAE.forward, [0]

    def run_out(model: VAE, mel: torch.Tensor, noise: torch.Tensor) -> Any:
        calls[0] += 1
        if calls[0] >= first_call and len(mel) > fits:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3.00 GiB.")
        return forward(model, mel, noise)

    VAE.forward = run_out  # type: ignore[method-assign]


if __name__ == "__main__":
    if os.environ.get("RANK") == "1":
        limit(int(sys.argv[1]), int(sys.argv[2]))
    sys.argv = [sys.argv[0], *sys.argv[3:]]
    main()
