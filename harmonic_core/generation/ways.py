"""Ways from one latent to another, and ways that never end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Literal

import torch
from torch import Tensor

Way = Literal["spherical", "linear"]
"""How to go from one latent to another."""

_STRAIGHT = 1e-4
"""Sine of an angle, or length of a latent, below which a sphere tells no way."""


def walk(start: Tensor, end: Tensor, steps: int, way: Way = "spherical") -> Tensor:
    """Latents evenly spaced on the way from `start` to `end`, both included.

    The spherical way (Shoemake 1985) turns the direction evenly and takes the length over linearly: latents of a
    standard normal prior lie near a sphere, and the middle of a straight way between two of them lies well inside,
    where the model has seen nothing. Where the directions are the same or opposite, or one end is the origin, there is
    only the straight one.

    Parameters
    ----------
    start, end : (latent_dim,)
    steps
        At least two.
    way
        Which.

    Returns
    -------
    (steps, latent_dim)
    """
    share = torch.linspace(0.0, 1.0, steps, dtype=torch.float64).unsqueeze(1)
    one, other = start.double(), end.double()
    straight = torch.lerp(one, other, share)
    lengths = one.norm(), other.norm()
    if way == "linear" or min(lengths) < _STRAIGHT:
        return straight.float()
    angle = torch.dot(one / lengths[0], other / lengths[1]).clamp(-1.0, 1.0).arccos()
    if angle.sin() < _STRAIGHT:
        return straight.float()
    turned = ((1.0 - share) * angle).sin() * one / lengths[0] + (share * angle).sin() * other / lengths[1]
    path: Tensor = turned / angle.sin() * torch.lerp(*lengths, share)
    return path.float()


def wander(noise: Callable[[int], Tensor], between: int) -> Iterator[Tensor]:
    """Go on from one piece of noise to the next along spheres, for ever.

    Two of many dimensions are nearly orthogonal and equally long, so that on the way between them the length stays, and
    with it how likely the latents are; the mean of the two would lie well inside.

    Parameters
    ----------
    noise
        Gives the n-th piece, (size,) standard normal.
    between
        Steps from one to the next, at least 1.

    Yields
    ------
    (size,)
        The first is the first piece of noise.
    """
    here = noise(0)
    for number in count(1):
        there = noise(number)
        yield from walk(here, there, between + 1)[:-1]
        here = there
