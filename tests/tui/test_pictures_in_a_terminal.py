"""Pictures on real pixels: what is sent to terminals that can show them, and to those that do not answer."""

from __future__ import annotations

import base64
import fcntl
import re
import struct
import termios
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from recorded_run import Recording, record_run
from terminal import Terminal

COLUMNS, ROWS = 120, 36
CELL = 9, 18
QUESTION = b"\x1b[c"


@contextmanager
def samples_in(environment: Mapping[str, str]) -> Iterator[Terminal]:
    """The screen of samples in a terminal whose characters are 9 by 18 pixels."""
    record_run(Path("run"), Recording(state="finished", seconds=1.0))
    # What the tests themselves run in is not meant.
    outside = dict.fromkeys(("TMUX", "TERM_PROGRAM", "LC_TERMINAL"), "")
    terminal = Terminal(["run"], COLUMNS, ROWS, {**outside, "COLORTERM": "truecolor", **environment})
    size = struct.pack("HHHH", ROWS, COLUMNS, COLUMNS * CELL[0], ROWS * CELL[1])
    fcntl.ioctl(terminal._child.child_fd, termios.TIOCSWINSZ, size)
    try:
        terminal.wait_for("prior 1", "✓ finished")
        terminal.press("3")
        yield terminal
    finally:
        terminal.close()


def until_sent(terminal: Terminal, pattern: bytes) -> re.Match[bytes]:
    """Wait until something was sent."""
    for _ in range(1200):
        if match := re.search(pattern, bytes(terminal._all), re.DOTALL):
            return match
        terminal.read_for(0.1)
    raise AssertionError(f"{pattern!r} was never sent; the screen shows:\n{terminal.text}")


def leave(terminal: Terminal) -> None:
    terminal.press("q")
    terminal.wait_for_the_end()
    assert terminal.exit_status == 0


def test_a_terminal_that_says_it_can_is_sent_sixels_however_late_it_answers() -> None:
    with samples_in({"TERM": "xterm-256color"}) as terminal:
        terminal.wait_for("Step 1\N{THIN SPACE}200", "▀▀▀")
        until_sent(terminal, re.escape(QUESTION))
        terminal.press("\x1b[?64;1;2;4;6;9;15;16;17;18;21;22;28;29c")
        picture = until_sent(terminal, rb"\x1bP[\d;]*q(.*?)\x1b\\")
        width, height = map(int, re.search(rb'"1;1;(\d+);(\d+)', picture[1]).groups())  # type: ignore[union-attr]
        assert width % CELL[0] == 0
        assert height % 6 == 0
        assert width > 40 * CELL[0]
        # Nothing of the answer was taken for keys: `?` would have opened the help, `2` another screen.
        assert not terminal.used(b"What every key", b"Escape goes back")
        leave(terminal)


def test_a_terminal_that_says_it_cannot_keeps_its_half_blocks() -> None:
    with samples_in({"TERM": "xterm-256color"}) as terminal:
        until_sent(terminal, re.escape(QUESTION))
        terminal.press("\x1b[?6c")
        terminal.wait_for("▀▀▀")
        terminal.press("y")
        terminal.wait_for("Path copied", "▀▀▀")
        assert not terminal.used(b"\x1bP", b"\x1b_G")
        leave(terminal)


def test_a_terminal_that_never_answers_is_not_waited_for() -> None:
    with samples_in({"TERM": "xterm-256color"}) as terminal:
        terminal.wait_for("Step 1\N{THIN SPACE}200", "▀▀▀", "kHz┤")
        assert not terminal.used(b"\x1bP", b"\x1b_G")
        leave(terminal)


def test_kitty_is_sent_a_picture_and_characters_that_stand_for_it() -> None:
    with samples_in({"TERM": "xterm-kitty"}) as terminal:
        placed = until_sent(terminal, rb"\x1b_Ga=T,U=1,q=2,f=24,o=z,i=(\d+),s=(\d+),v=(\d+),c=(\d+),r=(\d+),m=")
        number, width, height, columns, rows = map(int, placed.groups())
        assert (width, height) == (columns * CELL[0], rows * CELL[1])
        until_sent(terminal, rb"\x1b_G(?:[^;]*,)?m=0;[^\x1b]*\x1b\\")
        sent = re.findall(rb"\x1b_G([^;]*);([^\x1b]*)\x1b\\", bytes(terminal._all))
        first = next(place for place, (head, _) in enumerate(sent) if head.startswith(b"a=T"))
        chunks = []
        for head, data in sent[first:]:
            chunks.append(data)
            if head.endswith(b"m=0"):
                break
        assert len(zlib.decompress(base64.b64decode(b"".join(chunks)))) == 3 * width * height
        until_sent(terminal, "\U0010eeee\u0305\u0305".encode())
        colour = f"38;2;{number >> 16};{number >> 8 & 255};{number & 255}".encode()
        assert terminal.used(colour)
        assert not terminal.used(QUESTION)
        leave(terminal)


def test_inside_tmux_nobody_is_asked() -> None:
    with samples_in({"TERM": "tmux-256color", "TMUX": "/tmp/tmux"}) as terminal:
        terminal.wait_for("Step 1\N{THIN SPACE}200", "▀▀▀")
        assert not terminal.used(QUESTION, b"\x1bP", b"\x1b_G")


def test_where_there_are_sixteen_colours_levels_are_characters() -> None:
    with samples_in({"TERM": "xterm", "COLORTERM": "", "TEXTUAL_COLOR_SYSTEM": "standard"}) as terminal:
        terminal.wait_for("Step 1\N{THIN SPACE}200", "kHz┤", "@@")
        assert "▀▀▀" not in terminal.text
