"""All settings of a profile by section. However many there are, only the lines in sight are made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from harmonic_core.profile.draft import Draft
from harmonic_core.profile.explain import FieldExplanation, Key, fields, sections
from harmonic_tui.keys import bindings
from harmonic_tui.widgets.setting import VALUE_AT, choices_of, line, spans

Row = FieldExplanation | str | None
"""A setting, the name of a section above its settings, or an empty line."""


class SettingsList(ScrollView, can_focus=True):
    """A line a setting. Switches and choices are changed here; who wants to type is told of to the screen."""

    ALLOW_SELECT = False
    BINDINGS = bindings("settings-list")
    COMPONENT_CLASSES: ClassVar[set[str]] = {"settings--chosen"}

    cursor: reactive[int] = reactive(0, repaint=False)
    """Index of the chosen line."""

    class Moved(Message):
        """Another setting is the chosen one."""

    class Scrolled(Message):
        """Lines are elsewhere."""

    class Altered(Message):
        """A setting has another value."""

    class Typing(Message):
        """Somebody wants to type a value of the chosen setting."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(id="settings")
        self.draft = draft
        self._choices = {(each.section, each.leaf): choices_of(each) for each in fields()}
        self._words: list[str] = []
        self._changed_only = False
        self._rows: list[Row] = []
        self._labelled: tuple[str, int] | None = None

    def on_mount(self) -> None:
        """Show all settings."""
        self.show()

    @property
    def chosen(self) -> FieldExplanation | None:
        """The setting on the chosen line."""
        row = self._rows[self.cursor] if self.cursor < len(self._rows) else None
        return row if isinstance(row, FieldExplanation) else None

    @property
    def chosen_key(self) -> Key | None:
        """Its section and name."""
        return None if self.chosen is None else (self.chosen.section, self.chosen.leaf)

    @property
    def chosen_line(self) -> int:
        """Line of the chosen setting in what is in sight."""
        return self.cursor - int(self.scroll_offset.y)

    def choices(self, key: Key) -> tuple[str, ...]:
        """Values of a setting that has only a few."""
        return self._choices[key]

    def show(
        self, draft: Draft | None = None, *, words: Sequence[str] | None = None, changed_only: bool | None = None
    ) -> None:
        """Show another draft, or other settings of it. The chosen one stays chosen where it is still there."""
        before = self.chosen_key
        self.draft = draft or self.draft
        self._words = self._words if words is None else list(words)
        self._changed_only = self._changed_only if changed_only is None else changed_only
        self._rows = []
        for section in sections():
            found = [each for each in fields() if each.section == section and self._is_wanted(each)]
            if found:
                self._rows += [*([None] if self._rows else []), section, *found]
        self._label()
        self.virtual_size = Size(self.scrollable_content_region.width, max(1, len(self._rows)))
        if not (before and self.go_to(before)):
            self.cursor = next((place for place, row in enumerate(self._rows) if not _is_heading(row)), 0)
        self.post_message(self.Moved())
        self.refresh()

    @property
    def is_filtered(self) -> bool:
        """Whether some settings are not shown."""
        return bool(self._words) or self._changed_only

    @property
    def shows_changed_only(self) -> bool:
        """Whether only what was changed is shown."""
        return self._changed_only

    def go_to(self, key: Key) -> bool:
        """Choose a setting; False where it is not shown."""
        for place, row in enumerate(self._rows):
            if isinstance(row, FieldExplanation) and (row.section, row.leaf) == key:
                self.cursor = place
                self._keep_in_sight()
                return True
        return False

    def _is_wanted(self, field: FieldExplanation) -> bool:
        if self._changed_only and not self.draft.is_changed((field.section, field.leaf)):
            return False
        told = f"{field.key} {field.leaf.replace('_', ' ')} {field.doc}".lower()
        return all(word in told for word in self._words)

    def _label(self) -> None:
        shown = sum(isinstance(row, FieldExplanation) for row in self._rows)
        which = f": {shown} of {len(fields())}" if self._words else ": changed ones" if self._changed_only else ""
        number = len(self.draft.texts)
        if (which, number) == self._labelled:
            return
        self._labelled = which, number
        self.border_title = Content(f"Settings{which}")
        told = f"● {number} changed" if number else "as the profile has them"
        self.border_subtitle = Content.styled(told, "$look" if number else "$muted")

    def action_move(self, lines: int) -> None:
        """Choose another setting; headings are passed over."""
        target, step = self.cursor + lines, 1 if lines > 0 else -1
        target = max(0, min(len(self._rows) - 1, target))
        for way in (step, -step):
            place = target
            while 0 <= place < len(self._rows):
                if isinstance(self._rows[place], FieldExplanation):
                    self.cursor = place
                    return
                place += way

    def action_page(self, pages: int) -> None:
        """Choose the setting a page away."""
        self.action_move(pages * max(1, self.scrollable_content_region.height - 1))

    def action_section(self, by: int) -> None:
        """Choose the first setting of another section."""
        headings = [place for place, row in enumerate(self._rows) if isinstance(row, str)]
        if headings:
            here = max((number for number, place in enumerate(headings) if place < self.cursor), default=0)
            self.cursor = headings[(here + by) % len(headings)] + 1

    def action_step(self, by: int) -> None:
        """Take another of the few values of the chosen setting."""
        key = self.chosen_key
        if key is None or not self._choices[key]:
            return
        choices, text = self._choices[key], self.draft.text(key)
        place = choices.index(text) if text in choices else 0
        self._take(key, choices[max(0, min(len(choices) - 1, place + by))])

    def action_edit(self) -> None:
        """Take the next of a few values; else say that somebody wants to type."""
        key = self.chosen_key
        if key is None:
            return
        choices, text = self._choices[key], self.draft.text(key)
        if choices:
            self._take(key, choices[(choices.index(text) + 1) % len(choices)] if text in choices else choices[0])
        else:
            self.post_message(self.Typing())

    def _take(self, key: Key, text: str) -> None:
        if text != self.draft.text(key):
            self.draft.set_text(key, text)
            self.altered()

    def relabel(self) -> None:
        """Show what is being typed in the chosen line."""
        self._label()
        self.refresh_lines(self.cursor, 1)

    def altered(self) -> None:
        """Show that settings have other values, and say so."""
        if self._changed_only:
            self.show()
        self._label()
        self.refresh()
        self.post_message(self.Altered())

    def undo(self, key: Key | None) -> None:
        """Give one setting, or all, the profile's values back."""
        if key is None:
            self.draft.undo_all()
        else:
            self.draft.undo(key)
        self.altered()

    def on_click(self, event: events.Click) -> None:
        """A click chooses a setting; on one of its values it takes that, on the sign of undoing it undoes."""
        offset = event.get_content_offset(self)
        place = -1 if offset is None else offset.y + int(self.scroll_offset.y)
        if offset is None or not 0 <= place < len(self._rows) or not isinstance(self._rows[place], FieldExplanation):
            return
        again = place == self.cursor
        self.cursor = place
        key = self.chosen_key
        assert key is not None
        width = self.scrollable_content_region.width
        if self.draft.is_changed(key) and offset.x >= width - 2:
            self.undo(key)
            return
        hit = next((each for each in spans(self._choices[key], width) if each.start <= offset.x < each.end), None)
        if hit is not None:
            self._take(key, hit.text)
        elif again and offset.x >= VALUE_AT:
            self.action_edit()

    def on_resize(self) -> None:
        """Lines are made for the width."""
        self.virtual_size = Size(self.scrollable_content_region.width, max(1, len(self._rows)))
        self.call_after_refresh(self._keep_in_sight)

    def watch_cursor(self, old: int, new: int) -> None:
        """Keep the chosen setting in sight."""
        self._keep_in_sight()
        self.post_message(self.Moved())
        self.refresh_lines(old, 1)
        self.refresh_lines(new, 1)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Whoever types in a line has to go along with it."""
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Scrolled())

    def render_line(self, y: int) -> Strip:
        """One line in sight."""
        width, place = self.scrollable_content_region.width, y + int(self.scroll_offset.y)
        row = self._rows[place] if place < len(self._rows) else None
        style = self.visual_style
        if isinstance(row, FieldExplanation):
            content = line(self.draft, row, self._choices[row.section, row.leaf], width)
            if place == self.cursor:
                style = self.get_visual_style("settings--chosen")
        elif row is not None:
            doc = (sections()[row].__doc__ or "").strip().split("\n")[0]
            content = Content.assemble(Content.styled(row, "bold $primary"), Content.styled(f"   {doc}", "$faint"))
        elif not self._rows and y == 0:
            content = Content.styled(self._nothing(), "$muted")
        else:
            content = Content("")
        strips = Visual.to_strips(
            self, content.truncate(max(1, width), ellipsis=True), max(1, width), 1, style, pad=True
        )
        return strips[0] if strips else Strip.blank(width, style.rich_style)

    def _nothing(self) -> str:
        if self._words:
            return "No setting says so; Escape shows them all."
        return "Nothing is changed; d shows all settings."

    def _keep_in_sight(self) -> None:
        top: Literal[0, 1] = 1 if self.cursor and _is_heading(self._rows[self.cursor - 1]) else 0
        self.scroll_to_region(Region(0, self.cursor - top, 1, 1 + top), animate=False, force=True)


def _is_heading(row: Row) -> bool:
    return not isinstance(row, FieldExplanation)
