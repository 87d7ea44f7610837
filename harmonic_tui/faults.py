"""What becomes of an error that is ours: nobody sees a traceback, and nobody has to do without it either."""

from __future__ import annotations

import time
import traceback
from contextlib import suppress

from harmonic_core import __version__
from harmonic_tui.plain import plain


def sentence_on(error: BaseException) -> str:
    """Keep the traceback in a file, and say on one line what happened and where that is."""
    from platformdirs import user_log_path

    kind = type(error).__name__
    said = plain(f"{kind}: {error}" if str(error) else kind, 200)
    whole = "".join(traceback.format_exception(error))
    path = user_log_path("harmonic-vae") / "console.log"
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} harmonic-tui {__version__}\n{whole}\n")
        return f"harmonic-tui ended by a fault of its own, no run is affected: {said}; the details are in {path}"
    return f"harmonic-tui ended by a fault of its own, no run is affected: {said}"
