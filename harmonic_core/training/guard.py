"""What can go wrong in the middle of training, and how it is recognised."""

from __future__ import annotations

import errno

import torch
from torch import Tensor

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""A full disk, a used-up quota, a file that has reached its limit."""

_CPU_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


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
    """Tell whether memory ran out; a CPU's allocator and Apple's say so in words only."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _CPU_OUT_OF_MEMORY)


def lacks_room(error: OSError) -> bool:
    """Tell whether an error would go away with more room on the disk."""
    return error.errno in NO_ROOM
