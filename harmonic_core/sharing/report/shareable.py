"""Texts of a run as they may be given away: no folders of somebody's machine, nothing that is more than text."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from harmonic_core.run.words import THIN_SPACE
from harmonic_core.text import plain

LONGEST = 4000
"""Characters of any one text on the page."""

_PATH = re.compile(r"(?<![\w.…~/])~?/(?:[^\s/'\"`,;:<>()]+/)+([^\s/'\"`,;:<>()]*)")
"""An absolute path of two parts or more; its last part stays."""

_END = r"(?=[\s/'\"`,;:<>()\]]|$)"
_HOMES = r"(?<![\w.…~/])/(?:home|Users)/[^\s/'\"`,;:<>()]+"
_FILE = re.compile(r"file://(?=/)")
_SECRET = re.compile(r"//[^/@\s]+@")
"""Name and password in an address."""
_NARROW = "\N{NARROW NO-BREAK SPACE}"


class Shareable:
    """Makes texts fit to be given away.

    Paths become `…/` and their last part, somebody's home `~`: a page that is sent around tells nothing of where its
    run lay. Everything is one line, and what a terminal or a browser might obey is written as an escape.

    Parameters
    ----------
    folders
        Folders of the run, so that names with blanks in them are recognised, too.
    """

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        known = {str(folder) for folder in folders if str(folder).count("/") > 1}
        # The longest first: a folder may lie in another.
        self._known = sorted(known, key=len, reverse=True)
        own = os.path.expanduser("~")  # noqa: PTH111 - that of Path fails where nobody has a home
        # Who has none is at home in `/`, as in a container: then every path would be.
        homes = [re.escape(own), _HOMES] if own.strip("/") and own.startswith("/") else [_HOMES]
        self._home = re.compile(f"(?:{'|'.join(homes)}){_END}")

    def __call__(self, text: object, limit: int = LONGEST) -> str:
        """The text, at most `limit` characters of it."""
        words = str(text)
        for folder in self._known:
            words = words.replace(f"{folder}/", "…/").replace(folder, f"…/{folder.rpartition('/')[2]}")
        words = self._home.sub("~", _FILE.sub("", words))
        words = _PATH.sub(lambda match: f"…/{match[1]}" if match[1] else "…/", _SECRET.sub("//…@", words))
        # Plain would make a blank of it, at which a line may break.
        return _NARROW.join(plain(part, limit) for part in words[: limit + 1].split(THIN_SPACE))
