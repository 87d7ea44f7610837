"""The question what to call a profile, and where to put it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from harmonic_core.errors import HarmonicError, ProfileError
from harmonic_core.profile.save import OF_ONE_RUN, check_name, fit_name, free_name, save_as
from harmonic_core.profile.search import folders
from harmonic_core.profile.words import shown_path
from harmonic_tui.keys import bindings
from harmonic_tui.plain import end_of, plain
from harmonic_tui.screens.ask import AskScreen
from harmonic_tui.widgets.about import changes

if TYPE_CHECKING:
    from harmonic_core.profile.draft import Draft


_PATH_WIDTH = 46


class SaveProfileScreen(ModalScreen[Path | None]):
    """Writes a changed profile; gives back where it is, or None."""

    CSS_PATH = "save_profile.tcss"
    AUTO_FOCUS = "#name"
    BINDINGS = bindings("save-profile")

    def __init__(self, draft: Draft) -> None:
        super().__init__()
        self._draft = draft
        known = folders()
        self._folders = [known["project"], known["user"]]
        self._places = list(zip(self._folders, ("beside this work", "for all your work"), strict=True))
        self._wanted = [each for each in draft.changes if each.key not in OF_ONE_RUN]

    def compose(self) -> ComposeResult:
        """A name, a folder, and what would be written."""
        with Vertical(id="box") as box:
            box.border_title = Content("Save as profile")
            box.border_subtitle = Content.styled("Enter saves   ↑ ↓ the other folder   Escape goes back", "$muted")
            yield Input(self._suggestion(), placeholder="a name, such as mine", compact=True, id="name")
            yield OptionList(
                *(Option(_place(folder, words, number == 0)) for number, (folder, words) in enumerate(self._places)),
                id="folders",
            )
            yield Static(id="told")

    def on_mount(self) -> None:
        """Begin with the folder at hand."""
        self.query_one(OptionList).highlighted = 0
        self._look()

    def _suggestion(self) -> str:
        stem = fit_name(self._draft.path.stem)
        return stem if self._draft.path.parent in self._folders else f"my-{stem}"

    @property
    def _folder(self) -> Path:
        return self._folders[self.query_one(OptionList).highlighted or 0]

    def on_input_changed(self) -> None:
        """Say at once whether the name can be one."""
        self._look()

    def on_option_list_option_highlighted(self) -> None:
        """Mark the chosen folder, and say what is there."""
        options = self.query_one(OptionList)
        for number, (folder, words) in enumerate(self._places):
            options.replace_option_prompt_at_index(number, _place(folder, words, number == options.highlighted))
        self._look()

    def on_option_list_option_selected(self) -> None:
        """A click on a folder chooses it; one goes on with the name."""
        self.query_one(Input).focus()

    def action_folder(self) -> None:
        """Take the other folder."""
        options = self.query_one(OptionList)
        options.highlighted = 1 - (options.highlighted or 0)

    @work(exclusive=True, group="look")
    async def _look(self) -> None:
        name, folder = self.query_one(Input).value.strip(), self._folder
        try:
            check_name(name)
        except ProfileError as error:
            self._tell(f"✗ {error}", "$bad")
            return
        path = folder / f"{name}.toml"
        if await asyncio.to_thread(os.path.lexists, path):
            free = await asyncio.to_thread(free_name, name, folder)
            self._tell(f"! {shown_path(path)} is there already; {free} is free", "$look")
            return
        left_out = len(self._draft.changes) - len(self._wanted)
        apart = "; the run's own name and folder are left out" if left_out else ""
        what = f"{changes(len(self._wanted))}, comments kept" if self._wanted else "a copy without changes"
        self._tell(f"✓ writes {end_of(shown_path(path), _PATH_WIDTH)}: {what}{apart}", "$good")

    def _tell(self, text: str, hue: str) -> None:
        self.query_one("#told", Static).update(Content.styled(plain(text, 400), hue))

    def on_input_submitted(self) -> None:
        """Save."""
        self._save()

    @work(exclusive=True, group="save")
    async def _save(self) -> None:
        name, folder = self.query_one(Input).value.strip(), self._folder
        path, overwrite = folder / f"{name}.toml", False
        try:
            check_name(name)
            if await asyncio.to_thread(os.path.lexists, path):
                question = f"{shown_path(path)} is there already. Write over it?"
                overwrite = await self.app.push_screen_wait(AskScreen(plain(question), "Write over it"))
                if not overwrite:
                    return
            saved = await asyncio.to_thread(save_as, self._draft.path, self._wanted, name, folder, overwrite=overwrite)
        except HarmonicError as error:
            self._tell(f"✗ {error}", "$bad")
            return
        self.dismiss(saved)


def _place(folder: Path, words: str, chosen: bool) -> Content:
    sign = Content.styled("● " if chosen else "○ ", "$primary" if chosen else "$faint")
    return Content.assemble(sign, end_of(shown_path(folder), _PATH_WIDTH), Content.styled(f"   {words}", "$muted"))
