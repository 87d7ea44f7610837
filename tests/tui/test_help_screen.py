"""Help: keys of this screen and of all others from the table of bindings, what signs mean, and finding in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded_run import NOW, Recording, record_run
from textual.events import MouseScrollDown
from textual.pilot import Pilot
from watching import alive, sees, text_of, until

from harmonic_tui.app import Console
from harmonic_tui.curves.smoothing import FORMULA
from harmonic_tui.guide import sections
from harmonic_tui.keys import TABLE
from harmonic_tui.screens.dashboard import DashboardScreen
from harmonic_tui.screens.help import HelpScreen

FULL, SMALL, BROAD = (120, 36), (80, 24), (200, 50)


def console() -> Console:
    return Console(record_run(Path("run"), alive(Recording(state="training"))), clock=lambda: NOW, sound=False)


async def open_help(pilot: Pilot[str]) -> None:
    await sees(pilot, "● training")
    await pilot.press("question_mark")
    await sees(pilot, "Keys on this screen", "Pause the training after this step")


async def scroll_to(pilot: Pilot[str], *words: str) -> None:
    keys = pilot.app.screen.query_one("#keys")
    for _ in range(100):
        if all(word in text_of(pilot.app) for word in words):
            return
        await pilot.press("pagedown")
        await pilot.pause()
        if keys.scroll_y >= keys.max_scroll_y:
            break
    await sees(pilot, *words)


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
async def test_keys_of_all_places_marks_units_and_smoothing_are_there(size: tuple[int, int]) -> None:
    async with console().run_test(size=size) as pilot:
        await open_help(pilot)
        for words in ("8 Log", "Lists", "Marks", "not known; it never stands for zero", FORMULA):
            await pilot.press("home")
            await scroll_to(pilot, words)


async def test_every_row_of_the_table_has_a_line() -> None:
    app = console()
    async with app.run_test(size=FULL) as pilot:
        await open_help(pilot)
        found = sections(app.screen_stack[-2].active_bindings, app.get_key_display)
        said = {entry.said for section in found for entry in section.entries}
        missing = {row.tooltip for rows in TABLE.values() for row in rows} - said
        assert not missing


@pytest.mark.parametrize(("size", "columns"), [(SMALL, 1), (FULL, 2), (BROAD, 3)])
async def test_columns_are_as_many_as_have_room(size: tuple[int, int], columns: int) -> None:
    async with console().run_test(size=size) as pilot:
        await open_help(pilot)
        await until(pilot, lambda: len(_shown(pilot)) == columns)


def _shown(pilot: Pilot[str]) -> list[object]:
    return [each for each in pilot.app.screen.query("#columns > Static") if each.display]


async def test_what_is_typed_after_a_slash_is_all_that_is_left() -> None:
    async with console().run_test(size=FULL) as pilot:
        await open_help(pilot)
        await pilot.press("slash", *"learning rate")
        await until(pilot, lambda: "Pause the training" not in text_of(pilot.app))
        await pilot.press("escape")
        await sees(pilot, "Pause the training")
        await pilot.press("slash", *"nats")
        await sees(pilot, "Units", "KL divergence a segment")
        await pilot.press("enter")
        await pilot.press("escape")
        await sees(pilot, "Pause the training")
        assert isinstance(pilot.app.screen, HelpScreen)


async def test_what_is_found_nowhere_is_said_and_a_bad_pattern_too() -> None:
    async with console().run_test(size=FULL) as pilot:
        await open_help(pilot)
        await pilot.press("slash", *"xyzzy")
        await sees(pilot, "found nowhere")
        await pilot.press("backspace", "backspace", "backspace", "backspace", "backspace", "left_parenthesis")
        await sees(pilot, "no pattern: missing )")


async def test_it_scrolls_with_j_k_and_the_wheel() -> None:
    async with console().run_test(size=SMALL) as pilot:
        await open_help(pilot)
        keys = pilot.app.screen.query_one("#keys")
        await pilot.press("j", "j")
        await until(pilot, lambda: keys.scroll_y == 2)
        await pilot.press("k")
        await until(pilot, lambda: keys.scroll_y == 1)
        await pilot._post_mouse_events([MouseScrollDown], "#keys", button=0)
        await until(pilot, lambda: keys.scroll_y > 1)


@pytest.mark.parametrize("key", ["escape", "question_mark", "q", "enter"])
async def test_it_is_left_by_several_keys(key: str) -> None:
    app = console()
    async with app.run_test(size=FULL) as pilot:
        await open_help(pilot)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
def test_picture_of_what_is_found_in_help(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def look(pilot: Pilot[str]) -> None:
        await open_help(pilot)
        # Not all of it: a new key of another screen is to change no picture.
        await pilot.press("slash", *"^(Units|Marks|Verdicts|Lists|Smoothing)")
        await until(pilot, lambda: "Pause the training" not in text_of(pilot.app).partition("Sample")[0])
        await sees(pilot, "Units")
        await pilot.pause()

    assert snap_compare(console(), terminal_size=size, run_before=look)
