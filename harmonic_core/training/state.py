"""Everything that a checkpoint has to hold, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from harmonic_core.model.vae import VAE
from harmonic_core.run.status import Best


class RunningMeans:
    """Means of named scalars over many updates, summed on the device so that no update waits for it.

    Parameters
    ----------
    names
        What is averaged, in the order in which `add` gets it.
    """

    def __init__(self, names: tuple[str, ...], device: torch.device) -> None:
        self.names = names
        self.count = 0
        self._sums = torch.zeros(len(names), device=device)

    def add(self, values: Tensor) -> None:
        """Add one update's values, (names,), on the device."""
        self._sums += values
        self.count += 1

    def take(self) -> dict[str, float]:
        """Give the means and start again. Waits for the device."""
        means = (self._sums / max(1, self.count)).tolist()
        self._sums.zero_()
        self.count = 0
        return dict(zip(self.names, means, strict=True))

    def state(self) -> dict[str, object]:
        """Sums and count, exact, as plain numbers."""
        return {"sums": self._sums.tolist(), "count": self.count}

    def restore(self, state: dict[str, object]) -> None:
        """Go on from what `state` gave. Raises KeyError, TypeError or RuntimeError for anything else."""
        self._sums.copy_(torch.tensor(state["sums"]))
        self.count = int(state["count"])  # type: ignore[call-overload]


@dataclass
class TrainState:
    """Where a run is. Order, crops and noise follow from `step` and the profile's seed, so they are not stored."""

    model: VAE
    optimizer: torch.optim.Optimizer
    interval: RunningMeans
    """Since the last row of the metrics."""
    epoch_means: RunningMeans
    """Since the epoch began."""
    step: int = 0
    """Updates made."""
    epoch: int = 0
    """Epochs closed, validation included."""
    best: Best | None = None
    elapsed_s: float = field(default=0.0)
    """Seconds of training before this process began."""

    def weights_are_finite(self) -> bool:
        """Tell whether every weight is a number. Waits for the device."""
        return bool(torch.stack([weights.isfinite().all() for weights in self.model.parameters()]).all())
