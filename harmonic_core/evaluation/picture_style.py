"""How all pictures look, whoever draws them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl

_STYLE: Any = {
    # A dollar sign in a title is a dollar sign.
    "text.parse_math": False,
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "figure.titlesize": 12.0,
    "figure.dpi": 110.0,
    "savefig.dpi": 110.0,
}


@contextmanager
def picture_style() -> Iterator[None]:
    """Draw in one style for the length of a block, whatever the user's own settings of matplotlib say."""
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield
