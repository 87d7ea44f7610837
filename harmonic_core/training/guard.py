"""What can go wrong in the middle of training, and how it is recognised."""

from __future__ import annotations

import torch
from torch import Tensor

_CPU_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "could not create a primitive")
"""The last are the words of oneDNN, which computes convolutions."""


class BadSteps:
    """Counts updates whose loss or gradient is not finite, on the device so that no update waits for it.

    Attributes
    ----------
    total, in_a_row, longest_row
        As of the last `look`.
    """

    def __init__(self, device: torch.device) -> None:
        self.total = self.in_a_row = self.longest_row = 0
        self._counts = torch.zeros(3, dtype=torch.int64, device=device)

    def add(self, good: Tensor) -> None:
        """Count one update; `good` is a truth value on the device, ()."""
        total, row, longest = self._counts.unbind()
        row = torch.where(good, 0, row + 1)
        self._counts = torch.stack((total + ~good, row, torch.maximum(longest, row)))

    def look(self) -> None:
        """Bring the figures up to date and forget the longest row. Waits for the device."""
        self.total, self.in_a_row, self.longest_row = self._counts.tolist()
        self._counts[2] = self._counts[1]

    def state(self) -> list[int]:
        """The counts as plain numbers."""
        return self._counts.tolist()

    def restore(self, state: list[int]) -> None:
        """Go on from what `state` gave. Raises TypeError, ValueError or RuntimeError for anything else."""
        self._counts.copy_(torch.tensor(state, dtype=torch.int64))


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether memory ran out; a CPU's allocator and Apple's say so in words only, or cause another error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, torch.OutOfMemoryError | MemoryError):
            return True
        if isinstance(cause, RuntimeError) and any(words in str(cause) for words in _CPU_OUT_OF_MEMORY):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
