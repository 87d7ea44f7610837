"""AdamW that is ready at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch.optim import AdamW, Optimizer

_step = inspect.unwrap(AdamW.step)


class PromptAdamW(AdamW):
    """`torch.optim.AdamW` without the guards that keep `torch.compile` out of its methods.

    Nobody compiles the optimiser here, and at their first call the guards import the whole compiler: two seconds, of
    three that a start takes. What is computed is the same, bit by bit, and so is the state.
    """

    add_param_group = inspect.unwrap(Optimizer.add_param_group)
    load_state_dict = inspect.unwrap(Optimizer.load_state_dict)
    state_dict = inspect.unwrap(Optimizer.state_dict)
    zero_grad = inspect.unwrap(Optimizer.zero_grad)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make one update; as `torch.optim.AdamW.step`."""
        return _step(self, closure)
