"""The table of keys: every screen uses it, and every row of it can be found, explained and remapped."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest
from recorded_run import NOW, Recording, record_run
from textual.binding import Binding
from textual.dom import DOMNode
from watching import alive, sees, until

import harmonic_tui
from harmonic_tui.app import Console
from harmonic_tui.keys import TABLE, bindings
from harmonic_tui.places import PLACES


def modules() -> list[str]:
    return [module.name for module in pkgutil.walk_packages(harmonic_tui.__path__, "harmonic_tui.")]


def declared() -> list[tuple[type[DOMNode], Binding]]:
    """Every binding that our own classes declare themselves."""
    found = []
    for name in modules():
        if name.endswith("__main__"):
            continue
        for _, each in inspect.getmembers(importlib.import_module(name), inspect.isclass):
            if each.__module__ == name and "BINDINGS" in vars(each):
                found += [(each, binding) for binding in Binding.make_bindings(vars(each)["BINDINGS"])]
    return found


def test_every_key_of_every_class_comes_from_the_table() -> None:
    ids = {f"{place}.{key.name}" for place, keys in TABLE.items() for key in keys}
    for owner, binding in declared():
        assert binding.id in ids, f"{owner.__name__}: {binding.key}"


def test_every_row_of_the_table_is_used() -> None:
    used = {binding.id for _, binding in declared()}
    for place, keys in TABLE.items():
        for key in keys:
            assert f"{place}.{key.name}" in used, f"{place}: {key.name}"


@pytest.mark.parametrize("place", TABLE)
def test_every_row_has_a_name_of_its_own_a_label_and_a_sentence(place: str) -> None:
    names = [key.name for key in TABLE[place]]
    assert len(names) == len(set(names))
    for key in TABLE[place]:
        assert re.fullmatch(r"[a-z][a-z0-9-]*", key.name)
        assert 0 < len(key.label) <= 16
        assert len(key.tooltip) > 4
    assert len(bindings(place)) == len(names)


def test_every_place_has_its_number_and_its_style() -> None:
    for number, name in enumerate(PLACES, start=1):
        row = next(key for key in TABLE["console"] if key.name == name)
        assert row.keys == str(number)
        module = PLACES[name].module.rpartition(".")[2]
        assert (Path(harmonic_tui.__file__).parent / "screens" / f"{module}.tcss").is_file()


async def test_the_list_of_screens_goes_where_one_clicks() -> None:
    run = record_run(Path("run"), alive(Recording(state="training")))
    console = Console(run, clock=lambda: NOW, sound=False)
    async with console.run_test(size=(120, 36)) as pilot:
        await sees(pilot, "● training")
        await pilot.press("0")
        await sees(pilot, "Screens", "Every sound that the run made")
        await pilot.press("down", "enter")
        await until(pilot, lambda: console.current_mode.startswith("samples"))
        await pilot.press("0", "escape")
        await until(pilot, lambda: len(console.screen_stack) == 1)
        assert console.current_mode.startswith("samples")


async def test_places_of_a_run_are_dim_where_no_run_is_open() -> None:
    console = Console(clock=lambda: NOW, sound=False)
    async with console.run_test(size=(120, 36)) as pilot:
        await sees(pilot, "HarmonicVAE")
        for key in ("3", "4", "6", "8"):
            await pilot.press(key)
        assert console.current_mode == "first"
        await pilot.press("5")
        await until(pilot, lambda: console.current_mode == "compare")


async def test_the_palette_has_the_keys_that_the_footer_has_no_room_for() -> None:
    run = record_run(Path("run"), alive(Recording(state="training")))
    console = Console(run, clock=lambda: NOW, sound=False)
    async with console.run_test(size=(120, 36)) as pilot:
        await sees(pilot, "● training")
        titles = [command.title for command in console.get_system_commands(console.screen)]
        assert {"Samples", "Latent", "Compare", "Data", "Tuning", "Log", "Sound", "Steer", "Leave"} <= set(titles)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: len(console.screen_stack) == 2)
        await pilot.press(*"compare")
        await sees(pilot, "Curves of any runs over each other")
        await pilot.press("enter")
        await until(pilot, lambda: console.current_mode == "compare")
