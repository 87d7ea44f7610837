"""Colour maps of pictures, made from the theme: even steps of lightness, so that equal steps in dB look equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from textual.color import Color

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEVELS = 256

# Ottosson, "A perceptual color space for image processing" (2020).
_TO_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_TO_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)


def level_colours(theme: Mapping[str, str], *, dark: bool) -> NDArray[np.uint8]:
    """Colours from silence to full level, (256, 3): from the background over the theme's violet and rose to light.

    On a light theme ink grows on paper instead.
    """
    hues = tuple(theme.get(name, "#888888") for name in ("background", "kl", "reconstruction", "beta", "foreground"))
    return _level_colours(hues, dark)


def difference_colours(theme: Mapping[str, str]) -> NDArray[np.uint8]:
    """Colours from `the reconstruction is louder` over the background to `the original is louder`, (256, 3)."""
    return _ramp(
        tuple(theme.get(name, "#888888") for name in ("reconstruction", "reconstruction", "background")),
        (None, None, None),
        tuple(theme.get(name, "#888888") for name in ("background", "original", "original")),
    )


@lru_cache(maxsize=8)
def _level_colours(hues: tuple[str, ...], dark: bool) -> NDArray[np.uint8]:
    background, violet, rose, yellow, _ = hues
    ground = _lightness(background)
    if dark:
        stops, top = (background, "#2a2350", violet, rose, yellow, "#fdf8e4"), 0.97
    else:
        stops, top = (background, yellow, rose, violet, "#2b2a6b", "#14122e"), 0.2
    spread = [ground + (top - ground) * place / (len(stops) - 1) for place in range(len(stops))]
    return _ramp(stops, tuple(spread))


@lru_cache(maxsize=8)
def _ramp(
    stops: tuple[str, ...], lightness: tuple[float | None, ...], further: tuple[str, ...] = ()
) -> NDArray[np.uint8]:
    """Colours between stops, through Oklab; each stop with its own lightness or a given one."""
    import numpy as np

    if further:
        half = LEVELS // 2
        down, up = _between(stops, lightness, half), _between(further, (None,) * len(further), half)
        return np.concatenate([down, up])
    return _between(stops, lightness, LEVELS)


def _between(stops: Sequence[str], lightness: Sequence[float | None], number: int) -> NDArray[np.uint8]:
    import numpy as np

    places = np.array([_lab(stop) for stop in stops])
    for row, given in enumerate(lightness):
        if given is not None:
            places[row, 0] = given
    along = np.linspace(0, len(stops) - 1, number)
    labs = np.stack([np.interp(along, np.arange(len(stops)), places[:, axis]) for axis in range(3)], axis=1)
    return _rgb(labs)


def _lab(colour: str) -> NDArray[np.float64]:
    import numpy as np

    rgb = np.array(Color.parse(colour).rgb) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    lab: NDArray[np.float64] = np.array(_TO_LAB) @ np.cbrt(np.array(_TO_CONES) @ linear)
    return lab


def _lightness(colour: str) -> float:
    return float(_lab(colour)[0])


def _rgb(labs: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Oklab, (colours, 3), as sRGB; what a screen cannot show is cut."""
    import numpy as np

    cones = (labs @ np.linalg.inv(np.array(_TO_LAB)).T) ** 3
    linear = np.clip(cones @ np.linalg.inv(np.array(_TO_CONES)).T, 0, 1)
    rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (255 * np.clip(rgb, 0, 1) + 0.5).astype(np.uint8)
