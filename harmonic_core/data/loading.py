"""The batch of every step, the next one gathered while the device works on this one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from types import TracebackType
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harmonic_core.data.segments import TrainingSegments


class BatchLoader:
    """Batches of crops as a function of the step alone.

    Parameters
    ----------
    segments
        What to crop.
    batch_size
        Segments in a batch; fewer only where there are not as many.
    device
        Where the batches go.
    part
        Gives, for the size of a batch, the rows of it that are wanted here. Default: all.

    Attributes
    ----------
    batch_size
        Segments of a whole batch, whatever part of it is wanted here.
    part
        Rows of it that are wanted here.
    """

    def __init__(
        self,
        segments: TrainingSegments,
        batch_size: int,
        device: torch.device,
        part: Callable[[int], slice] = lambda count: slice(0, count),
    ) -> None:
        self.batch_size = min(batch_size, len(segments))
        self.part = part(self.batch_size)
        self.steps_per_epoch = segments.steps_per_epoch(self.batch_size)
        self.device = device
        self._thread = ThreadPoolExecutor(1, "loading")
        self._take_from(segments)

    def stretch(self, stretch: float) -> None:
        """From now on give crops that are so many times longer than a segment."""
        wanted = self.segments.stretched(stretch)
        if wanted.crop_samples != self.segments.crop_samples:
            self._take_from(wanted)

    def _take_from(self, segments: TrainingSegments) -> None:
        self.segments = segments
        self._ahead: tuple[int, Future[NDArray[np.int16]]] | None = None
        self._epoch = lru_cache(2)(lambda epoch: (segments.epoch_order(epoch), segments.epoch_starts(epoch)))
        self._chance = lru_cache(2)(segments.epoch_chance)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    def batch(self, step: int) -> Tensor:
        """Samples for the update after `step` updates, on the device: (batch, crop_samples) int16."""
        future = self._ahead[1] if self._ahead and self._ahead[0] == step else self._thread.submit(self._gather, step)
        samples = future.result()
        self._ahead = step + 1, self._thread.submit(self._gather, step + 1)
        return self._send(samples)

    def chance(self, step: int, count: int) -> Tensor:
        """`count` numbers in [0, 1) for each segment of the step's batch, on the device: (batch, count)."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order, _ = self._epoch(epoch)
        return self._send(self._chance(epoch, count)[self._mine(order, place)])

    def _send(self, values: NDArray[np.generic]) -> Tensor:
        tensor = torch.from_numpy(values)
        if self.device.type == "cuda":
            # From memory that the kernel may not move, so that nobody waits for the copy.
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor.to(self.device)

    def _gather(self, step: int) -> NDArray[np.int16]:
        epoch, place = divmod(step, self.steps_per_epoch)
        order, starts = self._epoch(epoch)
        return self.segments.batch(self._mine(order, place), starts)

    def _mine(self, order: NDArray[np.int64], place: int) -> NDArray[np.int64]:
        return order[place * self.batch_size : (place + 1) * self.batch_size][self.part]
