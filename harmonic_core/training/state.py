"""Everything that a checkpoint has to hold, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from harmonic_core.model.vae import VAE
from harmonic_core.profile.sections import Profile, Train
from harmonic_core.run.status import Best
from harmonic_core.training.guard import BadSteps
from harmonic_core.training.refining import Refining
from harmonic_core.training.schedule import Plateau
from harmonic_core.training.steering import Steering


class RunningMeans:
    """Means of named scalars over the good ones of many updates, summed on the device so that no update waits for it.

    Parameters
    ----------
    names
        What is averaged, in the order in which `add` gets it.

    Attributes
    ----------
    count
        Updates since the last `take`, good and bad.
    """

    def __init__(self, names: tuple[str, ...], device: torch.device) -> None:
        self.names = names
        self.count = 0
        self._sums = torch.zeros(len(names), device=device)
        self._good = torch.zeros((), dtype=torch.int64, device=device)

    def add(self, values: Tensor, good: Tensor) -> None:
        """Add one update's values, (names,), on the device, or only count it where it is not `good`, ()."""
        self._sums += torch.where(good, values, 0.0)
        self._good += good
        self.count += 1

    def take(self) -> dict[str, float]:
        """Give the means, and how many updates were `skipped`, and start again. Waits for the device."""
        good = int(self._good)
        means = (self._sums / good).tolist()  # of none: NaN
        skipped = self.count - good
        self.clear()
        return {**dict(zip(self.names, means, strict=True)), "skipped": skipped}

    def clear(self) -> None:
        """Start again."""
        self._sums.zero_()
        self._good.zero_()
        self.count = 0

    def state(self) -> dict[str, object]:
        """Sums and counts, exact, as plain numbers."""
        return {
            "names": list(self.names),
            "sums": self._sums.tolist(),
            "good": int(self._good),
            "count": self.count,
        }

    def restore(self, state: dict[str, object]) -> None:
        """Go on from what `state` gave. Raises KeyError, TypeError or RuntimeError for anything else.

        What another version of the program measured, under other names, is begun anew: it is only a mean to look at.
        """
        sums = torch.tensor(state["sums"])
        if state.get("names") != list(self.names):
            self.clear()
            return
        self._sums.copy_(sums)
        self._good.fill_(int(state["good"]))  # type: ignore[call-overload]
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
    elapsed_s: float = 0.0
    """Seconds of training before this process began."""
    averaged: VAE | None = None
    """Exponential moving average of the weights, where there is one."""
    scaler: torch.amp.GradScaler = field(default_factory=lambda: torch.amp.GradScaler(enabled=False))
    """Scale of a float16 loss; idle where computing is in other types."""
    grad_accum_steps: int = 1
    """Parts of a batch, raised where memory runs out."""
    grad_accum_asked: int = 1
    """Parts of a batch that the profile asks for."""
    music: str = ""
    """Fingerprint of what it trains on."""
    rate_asked: float = 0.0
    """Learning rate that the profile asks for."""
    rate_scale: float = 1.0
    """What rollbacks have left of the learning rate."""
    rollbacks: int = 0
    refining: Refining | None = None
    """The vocoder's network, where one is trained beside the model."""
    plateau: Plateau = field(default_factory=lambda: Plateau(Train().plateau_patience))
    steering: Steering = field(default_factory=lambda: Steering(Profile()))
    """What people changed under way."""
    bad: BadSteps = field(init=False)

    def __post_init__(self) -> None:
        """Count where the weights are."""
        self.bad = BadSteps(next(self.model.parameters()).device)

    @property
    def judged(self) -> VAE:
        """The model that is validated, heard and exported: the average where there is one."""
        return self.averaged or self.model

    def weights_are_finite(self) -> bool:
        """Tell whether every weight is a number. Waits for the device."""
        return bool(torch.stack([weights.isfinite().all() for weights in self.model.parameters()]).all())
