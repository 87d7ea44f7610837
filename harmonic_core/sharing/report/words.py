"""Figures and moments in the words people use for them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from harmonic_core.run.words import UNKNOWN, count


def figure(value: float | None) -> str:
    """Three significant figures: `0.0456`, `5.83`, `1 310`, `1.20e30`; `n/a` where there is none."""
    if value is None:
        return UNKNOWN
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
    size = abs(value)
    if value == round(value) and size < 1e7:
        shown = count(value)
    elif size >= 1e7 or 0 < size < 1e-3:
        mantissa, _, exponent = f"{value:.2e}".partition("e")
        shown = f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    elif size >= 100:
        shown = count(value)
    else:
        shown = f"{value:.{0 if size == 0 else 2 - math.floor(math.log10(size))}f}"
    return shown.replace("-", "−")


def hundredths(value: float | None) -> str:
    """Two decimals: `4.12`, `−0.02`; `n/a` where there is none."""
    if value is None or not math.isfinite(value):
        return figure(value)
    return f"{value:.2f}".replace("-", "−") if abs(value) < 1000 else figure(value)


def percent(share: float | None) -> str:
    """Share from 0 to 1 as `37 %`."""
    return UNKNOWN if share is None or not math.isfinite(share) else f"{100 * share:.0f} %"


def moment(seconds: Any) -> str:
    """Seconds since 1970 as `26 Nov 2026, 01:55 UTC`: the same wherever the page is read."""
    try:
        then = datetime.fromtimestamp(float(seconds), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return UNKNOWN
    return f"{then.day} {then:%b %Y, %H:%M} UTC"
