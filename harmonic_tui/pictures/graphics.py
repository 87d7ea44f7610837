"""How pictures reach the terminal: as pixels where it can show them, else as half-blocks or characters.

Nothing here waits for the terminal. What it is called settles most cases, also through SSH; else it is asked once, when
the first picture is wanted, and its answer is picked out of what is typed.
"""

from __future__ import annotations

import base64
import itertools
import os
import re
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Way = Literal["kitty", "sixel", "blocks", "characters"]
WAYS: dict[str, Way] = {
    "kitty": "kitty",
    "sixel": "sixel",
    "half-blocks": "blocks",
    "halfblocks": "blocks",
    "blocks": "blocks",
    "ascii": "characters",
    "characters": "characters",
}
"""What the setting may say."""

SETTING = "HARMONICVAE_PICTURES"
"""The environment variable that decides; the prefix `HARMONIC_` is that of the profile's settings."""

QUESTION = "\x1b[c"
"""Primary device attributes: every terminal since the VT100 knows the question; a 4 in the answer means Sixel."""

_ANSWER = re.compile(r"\x1b\[\?[\d;]*c")
_PLACEHOLDER = "\U0010eeee"
_CHUNK = 4096

# fmt: off
_PLACES = "".join(map(chr, (
    0x305, 0x30d, 0x30e, 0x310, 0x312, 0x33d, 0x33e, 0x33f, 0x346, 0x34a, 0x34b, 0x34c, 0x350, 0x351, 0x352, 0x357,
    0x35b, 0x363, 0x364, 0x365, 0x366, 0x367, 0x368, 0x369, 0x36a, 0x36b, 0x36c, 0x36d, 0x36e, 0x36f, 0x483, 0x484,
    0x485, 0x486, 0x487, 0x592, 0x593, 0x594, 0x595, 0x597, 0x598, 0x599, 0x59c, 0x59d, 0x59e, 0x59f, 0x5a0, 0x5a1,
    0x5a8, 0x5a9, 0x5ab, 0x5ac, 0x5af, 0x5c4, 0x610, 0x611, 0x612, 0x613, 0x614, 0x615, 0x616, 0x617, 0x657, 0x658,
    0x659, 0x65a, 0x65b, 0x65d, 0x65e, 0x6d6, 0x6d7, 0x6d8, 0x6d9, 0x6da, 0x6db, 0x6dc, 0x6df, 0x6e0, 0x6e1, 0x6e2,
    0x6e4, 0x6e7, 0x6e8, 0x6eb, 0x6ec, 0x730, 0x732, 0x733, 0x735, 0x736, 0x73a, 0x73d, 0x73f, 0x740, 0x741, 0x743,
)))
# fmt: on
"""Marks that number rows and columns of Kitty's placeholders."""

MOST_ROWS = len(_PLACES)

_image_numbers = itertools.count(os.getpid() % 0xFFFF << 4 | 1)


class Pixels(NamedTuple):
    """Size of a character in pixels."""

    width: int
    height: int


def way_from(environ: Mapping[str, str]) -> Way | None:
    """How to draw, going by the setting and by what the terminal is called; None where it has to be asked."""
    if wanted := WAYS.get(environ.get(SETTING, "").strip().lower()):
        return wanted
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    if term in {"dumb", "linux", ""} or environ.get("TMUX") or term.startswith(("screen", "tmux")):
        return "blocks"
    if term in {"xterm-kitty", "xterm-ghostty"} or program == "ghostty" or "KITTY_WINDOW_ID" in environ:
        return "kitty"
    if term.startswith(("foot", "mlterm", "contour", "wezterm")) or program in {"WezTerm", "iTerm.app", "mintty"}:
        return "sixel"
    if program in {"Apple_Terminal", "vscode"}:
        return "blocks"
    return None


def pixels_of_a_cell() -> Pixels | None:
    """Size of a character as the terminal told the system, also through SSH; None where it did not."""
    import array
    import fcntl
    import sys
    import termios

    size = array.array("H", [0, 0, 0, 0])
    try:
        fcntl.ioctl(sys.__stdin__.fileno(), termios.TIOCGWINSZ, size)  # type: ignore[union-attr]
    except (OSError, ValueError, AttributeError):
        return None
    rows, columns, width, height = size
    # Some fill in the size in characters once more.
    if not rows or not columns or width < 4 * columns or height < 6 * rows:
        return None
    return Pixels(width // columns, height // rows)


class _Answers(dict[str, object]):
    """What sequences that are typed stand for, and the terminal's answer among them."""

    sixel: bool | None = None
    heard: Callable[[bool], None]

    def get(self, sequence: str, default: object = None) -> object:
        """What a sequence stands for; an answer stands for nothing."""
        if sequence.startswith("\x1b[?") and _ANSWER.fullmatch(sequence):
            from textual._ansi_sequences import IGNORE_SEQUENCE

            self.sixel = "4" in sequence[3:-1].split(";")
            self.heard(self.sixel)
            return IGNORE_SEQUENCE
        return super().get(sequence, default)


_LONGEST_ANSWER = 96


def ask(write: Callable[[str], None], heard: Callable[[bool], None]) -> None:
    """Ask the terminal whether Sixel works; nobody waits for the answer, and it is asked once only.

    The framework takes an answer that it does not know for keys: one presses `?`, `6` and `c`. So it is told before
    what such a sequence stands for. Where it reads keys in another way than the one known here nothing is asked.

    Parameters
    ----------
    write
        Writes to the terminal.
    heard
        Told whether it works, in the thread that reads keys, or at once.
    """
    from textual import _xterm_parser as parser

    known = getattr(parser, "ANSI_SEQUENCES_KEYS", None)
    if isinstance(known, _Answers):
        known.heard = heard
        if known.sixel is not None:
            heard(known.sixel)
    elif isinstance(known, dict) and hasattr(parser, "_MAX_SEQUENCE_SEARCH_THRESHOLD"):
        answers = _Answers(known)
        answers.heard = heard
        parser.ANSI_SEQUENCES_KEYS = answers  # type: ignore[assignment, attr-defined]
        # A terminal that can do much has a long answer.
        parser._MAX_SEQUENCE_SEARCH_THRESHOLD = max(parser._MAX_SEQUENCE_SEARCH_THRESHOLD, _LONGEST_ANSWER)
        write(QUESTION)


def sixel_of(picture: NDArray[np.uint8]) -> str:
    """`picture`, (height, width, 3), in Sixel."""
    from PIL import Image

    # The public module of the library asks the terminal while it is imported, and waits for what Textual reads.
    from textual_image._sixel import image_to_sixels

    return image_to_sixels(Image.fromarray(picture))


class KittyPicture:
    """One picture that a terminal with Kitty's graphics keeps, and the characters that stand for it."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        # 24 bits of the number are given as the colour of the characters.
        self._number = next(_image_numbers) & 0xFFFFFF
        self._sent = False

    def send(self, picture: NDArray[np.uint8], columns: int, rows: int) -> None:
        """Replace what the terminal has by `picture`, (height, width, 3), to be shown on so many characters."""
        height, width = picture.shape[:2]
        data = base64.standard_b64encode(zlib.compress(picture.tobytes(), 6)).decode()
        head = f"a=T,U=1,q=2,f=24,o=z,i={self._number},s={width},v={height},c={columns},r={rows}"
        chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
        parts = (
            f"\x1b_G{head + ',' if not place else ''}m={int(place < len(chunks) - 1)};{chunk}\x1b\\"
            for place, chunk in enumerate(chunks)
        )
        self.free()
        self._write("".join(parts))
        self._sent = True

    def free(self) -> None:
        """Have the terminal forget it."""
        if self._sent:
            self._write(f"\x1b_Ga=d,d=I,q=2,i={self._number}\x1b\\")
            self._sent = False

    @property
    def colour(self) -> str:
        """Foreground of the characters: the picture's number."""
        return f"#{self._number:06x}"

    @staticmethod
    def characters(row: int, columns: int) -> str:
        """One row of characters that stand for the picture."""
        if row >= MOST_ROWS:
            return " " * columns
        # Each says where it is, as far as there are marks, since something may lie over its neighbours; further to the
        # right it is one more than the one before.
        marked = (f"{_PLACEHOLDER}{_PLACES[row]}{_PLACES[column : column + 1]}" for column in range(columns))
        return "".join(marked)
