"""Segments that overlap made one stream of frames, and a stream of frames cut into stretches that overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor
from torch.nn import functional

_LEAST = 1e-6
"""Weight that still counts where there is no other: −60 dB."""


def fade(segments: Iterable[tuple[int, Tensor]], faded: int, edge: int = 0) -> Iterator[Tensor]:
    """Let segments follow each other, each faded into what is there before it.

    Where several overlap, each counts by its weight, which rises evenly over its first frames and falls over its last
    ones, whatever there is to fade into: before the first and after the last segment nothing is faded.

    Parameters
    ----------
    segments
        First frame of each, rising and without a gap, and the segment, (bands, frames), all of one length.
    faded
        Over how many frames weights rise and fall, half a segment at most.
    edge
        How many of these, first and last, count for next to nothing, as their analysis saw silence beside the segment.

    Yields
    ------
    (bands, frames)
        One after the other, as soon as nothing more overlaps them.
    """
    total = weight = torch.zeros(0)
    origin = 0
    for start, segment in segments:
        shape = _weights(segment.shape[-1], faded, edge).to(segment)
        if not weight.numel():
            total, weight = torch.zeros_like(segment), torch.zeros_like(shape)
        elif start > origin:
            yield total[:, : start - origin] / weight[: start - origin]
            total, weight = (
                functional.pad(each[..., start - origin :], (0, start - origin)) for each in (total, weight)
            )
        origin = start
        total, weight = total + segment * shape, weight + shape
    if weight.numel():
        yield total / weight


def _weights(frames: int, faded: int, edge: int) -> Tensor:
    edge = min(edge, faded // 2)
    rise = (torch.arange(frames) - edge + 1.0) / (faded - 2.0 * edge + 1.0)
    return torch.minimum(rise, rise.flip(0)).clamp(_LEAST, 1.0)


def cut_off(blocks: Iterable[Tensor], frames: Callable[[], int | None]) -> Iterator[Tensor]:
    """A stream of frames, (bands, frames) each, no longer than `frames` says once it is not None any more."""
    passed = 0
    for block in blocks:
        most = frames()
        left = block.shape[1] if most is None else min(block.shape[1], most - passed)
        if left > 0:
            yield block[:, :left]
        passed += left


def stretches(blocks: Iterable[Tensor], length: int, advance: int) -> Iterator[tuple[Tensor, bool]]:
    """Cut a stream of frames into stretches, each `advance` frames after the one before.

    Parameters
    ----------
    blocks : (bands, frames) each
        The stream.
    length
        Frames of a stretch; the last one, of more than `length` − `advance`, may have fewer, as it is all that is left.
    advance
        Less than `length`.

    Yields
    ------
    stretch : (bands, frames)
    is_last
        Whether it is the last.
    """
    held: Tensor | None = None
    for block in blocks:
        held = block if held is None else torch.cat((held, block), dim=1)
        while held.shape[1] > length:
            yield held[:, :length], False
            held = held[:, advance:]
    if held is not None:
        yield held, True
