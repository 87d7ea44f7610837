"""What every key does on the screen below and on all others, read from the bindings themselves, and what signs mean."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import ActiveBinding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from harmonic_tui.guide import HERE, Section, matching, sections
from harmonic_tui.keys import bindings
from harmonic_tui.widgets.find import FindLine

_COLUMNS = 3
_WIDTH_OF_COLUMN = 52
_MOST_SIGN = 14


class HelpScreen(ModalScreen[None]):
    """Keys in as many columns as have room. Escape goes back."""

    CSS_PATH = "help.tcss"
    BINDINGS = bindings("help")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - the name of the framework

    def __init__(self, bindings: dict[str, ActiveBinding]) -> None:
        super().__init__()
        self._keys = bindings
        self._sections: list[Section] = []
        self._shown: list[Section] = []

    def compose(self) -> ComposeResult:
        """The columns, and the line that finds."""
        with Vertical(id="box") as box:
            box.border_title = Content("Keys on this screen, and on all others")
            box.border_subtitle = Content.styled("/ finds   Escape goes back", "$muted")
            with VerticalScroll(id="keys"), Horizontal(id="columns"):
                for number in range(_COLUMNS):
                    yield Static(id=f"column-{number}")
            yield FindLine("show only the keys and words that match", live=True)

    def on_mount(self) -> None:
        """Show everything, once there is a place for it."""
        self._sections = self._shown = sections(self._keys, self.app.get_key_display)
        self.query_one("#keys").focus()
        self.call_after_refresh(self._fill)

    def on_resize(self) -> None:
        """Lines are made for the width."""
        self.call_after_refresh(self._fill)

    def action_find(self) -> None:
        """Type what to look for."""
        self.query_one(FindLine).begin()

    def action_back(self) -> None:
        """End the search, else go back."""
        if self.query_one(FindLine).is_open:
            self._end_search()
        else:
            self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """Move as the arrows do."""
        self.query_one("#keys").scroll_relative(y=lines, animate=False)

    def on_find_line_wanted(self, message: FindLine.Wanted) -> None:
        """Show what matches."""
        pattern = message.pattern
        self._shown = matching(self._sections, pattern.search) if pattern else self._sections
        if not self._shown:
            self.query_one(FindLine).tell(Content.styled("found nowhere", "$look"))
        self.query_one("#keys").scroll_home(animate=False)
        self._fill()

    def on_find_line_left(self) -> None:
        """The keys move what was found."""
        self.query_one("#keys").focus()

    def on_find_line_given_up(self) -> None:
        """Show everything again."""
        self._end_search()

    def _end_search(self) -> None:
        self.query_one(FindLine).end()
        self._shown = self._sections
        self.query_one("#keys").focus()
        self._fill()

    def _fill(self) -> None:
        width = max(1, self.query_one("#keys").scrollable_content_region.width)
        number = max(1, min(_COLUMNS, width // _WIDTH_OF_COLUMN))
        each = (width - 3 * (number - 1)) // number
        blocks = [_block(section, each) for section in self._shown]
        for place, lines in enumerate(_columns(blocks, number)):
            column = self.query_one(f"#column-{place}", Static)
            column.update(Content("\n").join(lines))
            column.styles.width = each
            column.display = True
        for place in range(number, _COLUMNS):
            self.query_one(f"#column-{place}").display = False


def _block(section: Section, width: int) -> list[Content]:
    """A section as lines: its title, then a sign and what it stands for, which goes on below itself."""
    signs = min(_MOST_SIGN, max((len(entry.sign) for entry in section.entries), default=0))
    title = "Keys on this screen" if section.title == HERE else section.title
    lines = [Content.styled(title, "bold")]
    for entry in section.entries:
        sign = entry.sign.rjust(signs)
        said = Content(entry.said).wrap(max(8, width - signs - 2)) or [Content("")]
        if len(sign) > signs:
            lines.append(Content.styled(sign, f"bold ${entry.hue}"))
            sign = " " * signs
        lines.append(Content.assemble(Content.styled(sign, f"bold ${entry.hue}"), "  ", said[0]))
        lines += [Content.assemble(" " * (signs + 2), line) for line in said[1:]]
    return [*lines, Content("")]


def _columns(blocks: list[list[Content]], number: int) -> list[list[Content]]:
    """Blocks in columns of about the same height, in their order, none cut."""
    columns: list[list[Content]] = [[] for _ in range(number)]
    height = sum(map(len, blocks)) / number
    place, before = 0, 0
    for block in blocks:
        # A block belongs where the greater part of it lies.
        if place < number - 1 and before + len(block) / 2 > height * (place + 1):
            place += 1
        columns[place] += block
        before += len(block)
    return columns
