"""Figures, times and states in the words people use for them."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Literal, NamedTuple

from harmonic_core.run.words import UNKNOWN, count, duration
from harmonic_tui.plain import plain

if TYPE_CHECKING:
    from harmonic_core.run.status import SeenState

    ShownState = Literal[SeenState, "starting", "unreadable", "gone"]


class Mark(NamedTuple):
    """How a state or a verdict is shown: never by colour alone."""

    sign: str
    word: str
    hue: str
    """Name of a theme variable."""


STATES: dict[str, Mark] = {
    "starting": Mark("◌", "starting", "muted"),
    "preparing": Mark("◌", "preparing", "good"),
    "training": Mark("●", "training", "good"),
    "paused": Mark("‖", "paused", "look"),
    "finished": Mark("✓", "finished", "good"),
    "stopped": Mark("■", "stopped", "look"),
    "failed": Mark("✗", "failed", "bad"),
    "diverged": Mark("✗", "diverged", "bad"),
    "lost": Mark("!", "lost", "bad"),
    "unreadable": Mark("?", "status unreadable", "look"),
    "gone": Mark("?", "directory gone", "bad"),
}

VERDICTS: dict[str, Mark] = {
    "early": Mark("◌", "too early to tell", "muted"),
    "improving": Mark("✓", "improving", "good"),
    "plateau": Mark("▬", "plateau", "look"),
    "overfitting": Mark("!", "overfitting", "look"),
    "weak_kl": Mark("!", "KL too weak", "look"),
    "noisy": Mark("!", "noisy", "look"),
    "collapsed": Mark("✗", "collapsed", "bad"),
    "diverged": Mark("✗", "diverged", "bad"),
}


STANDINGS: dict[str, Mark] = {
    "reached": Mark("✓", "reached", "good"),
    "not yet": Mark("…", "not yet", "muted"),
    "missed": Mark("✗", "missed", "look"),
    "unknown": Mark("–", "unknown", "muted"),
}
"""How far a promise of the profile is kept."""


def state_mark(state: str, why: str = "") -> Mark:
    """How a state is shown; of a paused run with what it waits for: `paused: disk full`."""
    mark = STATES[state]
    return mark._replace(word=f"{mark.word}: {plain(why, 40)}") if state == "paused" and why else mark


def figure(value: float | None) -> str:
    """Three significant figures: `0.0456`, `5.83`, `1 310`, `1.20e30`; `n/a` where there is none."""
    if value is None:
        return UNKNOWN
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    size = abs(value)
    if size >= 1e7:
        mantissa, exponent = f"{value:.2e}".split("e+")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    if size >= 100:
        return count(value).replace("-", "−")
    if size != 0 and size < 1e-3:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    decimals = 0 if size == 0 else 2 - math.floor(math.log10(size))
    return f"{value:.{decimals}f}".replace("-", "−")


def hundredths(value: float | None) -> str:
    """Two decimals, for figures that lie around one: `0.46`, `−0.02`; `n/a` where there is none."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return f"{value:.2f}".replace("-", "−") if abs(value) < 100 else figure(value)


def percent(share: float | None) -> str:
    """Share from 0 to 1 as `37 %`."""
    return UNKNOWN if share is None or not math.isfinite(share) else f"{100 * share:.0f} %"


def gibibytes(size: int | None) -> str:
    """Memory as `11.2`, in GiB and without the unit."""
    return UNKNOWN if size is None else figure(size / 2**30)


def ago(seconds: float) -> str:
    """How long since: `just now`, `8 s ago`, `3 h 10 ago`."""
    return "just now" if seconds < 2 else f"{duration(seconds)} ago"


def time_of_day(moment: float, *, seconds: bool = False) -> str:
    """Local time of `moment` (seconds since 1970): `14:02` or `14:02:11`."""
    try:
        return time.strftime("%H:%M:%S" if seconds else "%H:%M", time.localtime(moment))
    except (ValueError, OverflowError, OSError):
        return UNKNOWN


def day_and_time(moment: float, now: float) -> str:
    """`14:02` for today, `3 Nov 14:02` for another day."""
    try:
        then, today = time.localtime(moment), time.localtime(now)
    except (ValueError, OverflowError, OSError):
        return UNKNOWN
    if then[:3] == today[:3]:
        return time_of_day(moment)
    return f"{then.tm_mday} {time.strftime('%b %H:%M', then)}"
