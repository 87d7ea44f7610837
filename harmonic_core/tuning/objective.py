"""What a study searches for: two figures of each trial, as a front, one of them, or a weighted sum. Never a loss."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from harmonic_core.errors import ProfileError
from harmonic_core.profile.words import shown
from harmonic_core.run.studies import Objective

FIGURES = (
    Objective(name="recon_db", unit="dB", direction="minimize"),
    Objective(name="mel_fd", unit="dB²", direction="minimize"),
)
"""Mean absolute log-mel error on held-out tracks; Fréchet distance of samples from the prior to held-out music."""

PARETO = "pareto"
_NAMES = tuple(figure.name for figure in FIGURES)
_TERM = re.compile(r"(?:(?P<weight>[0-9.]+(?:e[+-]?[0-9]+)?)\s*\*\s*)?(?P<name>[a-z_-]+)", re.IGNORECASE)
_PLUS = re.compile(r"(?<![0-9.][eE])\+")
"""A plus sign that is not that of an exponent."""


@dataclass(frozen=True)
class Goal:
    """What is asked for.

    Attributes
    ----------
    weights
        Of each figure in a sum; None for a front.
    """

    weights: Mapping[str, float] | None

    @property
    def figures(self) -> tuple[Objective, ...]:
        """Both figures, what trials are ranked by first."""
        if self.weights is None or len(self.weights) > 1:
            return FIGURES
        return tuple(sorted(FIGURES, key=lambda figure: figure.name not in (self.weights or ())))

    @property
    def parts(self) -> int:
        """Numbers that a trial comes to."""
        return 1 if self.weights else len(FIGURES)

    def values(self, measured: Mapping[str, float]) -> list[float]:
        """Numbers that a trial comes to, all to be minimised."""
        if self.weights is None:
            return [measured[name] for name in _NAMES]
        return [math.fsum(weight * measured[name] for name, weight in self.weights.items())]

    def __str__(self) -> str:
        if self.weights is None:
            return PARETO
        return " + ".join(name if weight == 1 else f"{weight:.15g}*{name}" for name, weight in self.weights.items())


def read_goal(text: str) -> Goal:
    """Read "pareto", "recon_db", "mel_fd", or a sum such as "recon_db + 0.01*mel_fd".

    Raises
    ------
    ProfileError
        If it is none of these.
    """
    if text.strip().lower() == PARETO:
        return Goal(None)
    weights: dict[str, float] = {}
    for term in _PLUS.split(text):
        found = _TERM.fullmatch(term.strip())
        name = found["name"].replace("-", "_").lower() if found else ""
        if name not in _NAMES:
            loss = "; losses of different betas do not compare" if "loss" in name else ""
            raise _refusal(text, f"{shown(term.strip())} is none of {', '.join(_NAMES)}{loss}")
        try:
            weight = float(found["weight"] or 1) if found else 1.0
        except ValueError:
            raise _refusal(text, f"{shown(term.strip())} has no number as its weight") from None
        if not 0 < weight < math.inf:
            raise _refusal(text, f"the weight of {name} has to be above 0")
        if name in weights:
            raise _refusal(text, f"{name} stands there twice")
        weights[name] = weight
    if len(weights) == 1:
        # A factor alone changes no order.
        return Goal(dict.fromkeys(weights, 1.0))
    return Goal(weights)


def _refusal(text: str, why: str) -> ProfileError:
    return ProfileError(
        f'--objective {shown(text)}: {why}; give pareto, recon_db, mel_fd, or a sum such as "recon_db + 0.01*mel_fd"'
    )
