"""A new run: settings are looked at, changed, checked while one types, saved as a profile and started."""

from pathlib import Path

import pytest
from real_runs import the_run, wait_for_state
from recorded_run import NOW, Recording, record_run
from textual.pilot import Pilot
from textual.widgets import Button, Input
from watching import sees, text_of, until

from harmonic_core.profile.explain import fields
from harmonic_core.profile.resolve import load
from harmonic_tui.app import Console
from harmonic_tui.profiles.drafts import drafts_file, kept_draft
from harmonic_tui.screens.dashboard import DashboardScreen
from harmonic_tui.screens.launch import LaunchScreen
from harmonic_tui.screens.new_run import NewRunScreen
from harmonic_tui.screens.save_profile import SaveProfileScreen
from harmonic_tui.widgets.setting_value import SettingValue
from harmonic_tui.widgets.settings_list import SettingsList

SIZE = (120, 36)
DEMO = """\
# What this is for.
[run]
description = "A profile of our own"

[train]
# Not too many.
epochs = 7
learning_rate = 1e-3  # the usual one
"""


def console() -> Console:
    return Console(clock=lambda: NOW, sound=False)


@pytest.fixture(autouse=True)
def demo(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The profile that comes first: our own of the name `demo`."""
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    path = workplace / "profiles" / "demo.toml"
    path.parent.mkdir()
    path.write_text(DEMO)
    return path


async def open_form(pilot: Pilot[str]) -> NewRunScreen:
    await sees(pilot, "A profile of our own")
    await pilot.press("n")
    await sees(pilot, "New run", "Settings", "starts as runs/demo-")
    screen = pilot.app.screen
    assert isinstance(screen, NewRunScreen)
    return screen


async def type_into(pilot: Pilot[str], key: tuple[str, str], text: str) -> None:
    pilot.app.screen.query_one(SettingsList).go_to(key)
    await pilot.press("enter")
    value = pilot.app.screen.query_one(SettingValue)
    await until(pilot, lambda: value.has_focus)
    await pilot.press("ctrl+u", *map(_key, text))


def _key(character: str) -> str:
    return {"-": "minus", ".": "full_stop", "/": "slash", "_": "underscore"}.get(character, character)


async def test_every_setting_is_there_by_section_with_what_it_does() -> None:
    async with console().run_test(size=SIZE) as pilot:
        form = await open_form(pilot)
        settings = form.query_one(SettingsList)
        for each in fields():
            assert settings.go_to((each.section, each.leaf))
        await until(pilot, lambda: "use_tensorboard" in text_of(pilot.app))
        await sees(pilot, "Also write figures, sounds and", "True or false", "HARMONIC_USE_TENSORBOARD")


async def test_where_a_value_comes_from_is_said() -> None:
    async with console().run_test(size=SIZE) as pilot:
        form = await open_form(pilot)
        form.query_one(SettingsList).go_to(("train", "epochs"))
        await sees(
            pilot,
            "Passes over the training tracks.",
            "A whole number from 1 to 1000000",
            "default 100",
            "profile 7   profiles/demo.toml:7",
        )


async def test_a_bad_value_is_told_at_once_mended_and_shown_as_a_difference() -> None:
    async with console().run_test(size=SIZE) as pilot:
        form = await open_form(pilot)
        await type_into(pilot, ("train", "epochs"), "many")
        await sees(pilot, '✗ train.epochs = "many": allowed is a whole number from 1 to 1000000')
        await pilot.press("ctrl+u", "1", "2", "enter")
        await sees(pilot, "train.epochs", "− 7", "+ 12", "● 1 changed", "✓ starts as runs/demo-", "was 7")
        await sees(pilot, "$ harmonic train profiles/demo.toml --set train.epochs=12")
        assert form.draft.profile.train.epochs == 12


async def test_settings_that_contradict_each_other_are_told_with_the_way_out() -> None:
    async with console().run_test(size=SIZE) as pilot:
        await open_form(pilot)
        await type_into(pilot, ("audio", "hop_length"), "4096")
        await sees(pilot, "✗ audio.hop_length = 4096: windows of 2048 samples", "usually a quarter of it: 512")
        await pilot.press("enter", "g")
        await until(pilot, lambda: not Path("runs").exists())
        assert isinstance(pilot.app.screen, NewRunScreen)


async def test_escape_while_typing_leaves_the_value_as_it_was() -> None:
    async with console().run_test(size=SIZE) as pilot:
        form = await open_form(pilot)
        await type_into(pilot, ("train", "epochs"), "9")
        await pilot.press("enter")
        await type_into(pilot, ("train", "epochs"), "x")
        await pilot.press("escape")
        await until(pilot, lambda: form.draft.texts == {"train.epochs": "9"})
        await type_into(pilot, ("train", "log_every"), "5")
        await pilot.press("escape")
        await until(pilot, lambda: form.draft.texts == {"train.epochs": "9"})
        assert isinstance(pilot.app.screen, NewRunScreen)


async def test_the_arrows_and_tab_take_a_value_and_go_on() -> None:
    async with console().run_test(size=SIZE) as pilot:
        form = await open_form(pilot)
        settings = form.query_one(SettingsList)
        for key, following in (
            ("down", "batch_size"),
            ("tab", "batch_size"),
            ("up", "structured_by"),
            ("shift+tab", ""),
        ):
            await type_into(pilot, ("train", "epochs"), "9")
            await pilot.press(key)
            await until(pilot, lambda: settings.has_focus)
            chosen = settings.chosen
            assert chosen is not None
            assert form.draft.texts == {"train.epochs": "9"}
            assert chosen.leaf == following or key in {"up", "shift+tab"}


async def test_switches_and_choices_are_changed_by_keys() -> None:
    async with console().run_test(size=SIZE) as pilot:
        form = await open_form(pilot)
        settings, texts = form.query_one(SettingsList), lambda: form.draft.texts
        settings.go_to(("augment", "augment"))
        await pilot.press("enter")
        await until(pilot, lambda: texts() == {"augment.augment": "true"})
        await pilot.press("minus")
        await until(pilot, lambda: not texts())
        await pilot.press("l")
        await until(pilot, lambda: texts() == {"augment.augment": "true"})
        settings.go_to(("loss", "beta_schedule"))
        await pilot.press("right", "plus", "plus")
        await until(pilot, lambda: texts().get("loss.beta_schedule") == "cyclical")
        await pilot.press("left")
        await until(pilot, lambda: texts().get("loss.beta_schedule") == "cosine")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: "loss.beta_schedule" not in texts())


async def test_one_change_and_all_changes_are_undone() -> None:
    async with console().run_test(size=SIZE) as pilot:
        form = await open_form(pilot)
        for key in (("train", "epochs"), ("train", "batch_size"), ("model", "latent_dim")):
            await type_into(pilot, key, "16")
            await pilot.press("enter")
        await sees(pilot, "Changes: 3")
        await pilot.press("u")
        await until(pilot, lambda: set(form.draft.texts) == {"train.epochs", "train.batch_size"})
        await pilot.press("U")
        await sees(pilot, "What you change is shown here", "as the profile has them")
        assert not form.draft.texts
        assert form.query_one("#undo_all", Button).disabled


async def test_settings_are_found_by_words_of_their_name_and_of_what_they_do() -> None:
    async with console().run_test(size=SIZE) as pilot:
        form = await open_form(pilot)
        settings = form.query_one(SettingsList)
        await pilot.press("slash", *"adamw decay")
        await sees(pilot, "Settings: 1 of", "weight_decay")
        await pilot.press("enter")
        await until(pilot, lambda: settings.has_focus and settings.chosen_key == ("train", "weight_decay"))
        await pilot.press("escape")
        await sees(pilot, "How the weights are found", "epochs", "warmup_steps")
        await pilot.press("slash", *"zzz")
        await sees(pilot, "No setting says so")
        await pilot.press("escape")
        await until(pilot, lambda: settings.has_focus and not settings.is_filtered)


async def test_only_what_was_changed_can_be_shown() -> None:
    async with console().run_test(size=(80, 24)) as pilot:
        form = await open_form(pilot)
        await pilot.press("d")
        await sees(pilot, "Nothing is changed; d shows all settings.")
        await pilot.press("d")
        await type_into(pilot, ("output", "keep"), "5")
        await pilot.press("enter", "d")
        await sees(pilot, "Settings: changed ones", "● keep                     5   was 2")
        await pilot.press("escape")
        await sees(pilot, "visualize_every")
        assert isinstance(pilot.app.screen, NewRunScreen)
        assert form.draft.texts == {"output.keep": "5"}


async def test_the_list_is_walked_by_keys() -> None:
    async with console().run_test(size=SIZE) as pilot:
        form = await open_form(pilot)
        settings = form.query_one(SettingsList)
        steps = [
            ("j", ("run", "description")),
            ("down", ("run", "seed")),
            ("k", ("run", "description")),
            ("up", ("run", "name")),
            ("up", ("run", "name")),
            ("right_square_bracket", ("data", "dataset")),
            ("right_square_bracket", ("audio", "sample_rate")),
            ("left_square_bracket", ("data", "dataset")),
            ("end", ("output", "use_tensorboard")),
            ("home", ("run", "name")),
        ]
        for key, expected in steps:
            await pilot.press(key)
            await until(pilot, lambda expected=expected: settings.chosen_key == expected)
        await pilot.press("pagedown")
        await until(pilot, lambda: settings.cursor > 15)
        await pilot.press("pageup")
        await until(pilot, lambda: settings.chosen_key == ("run", "name"))


async def test_the_mouse_chooses_changes_and_undoes() -> None:
    async with console().run_test(size=SIZE) as pilot:
        form = await open_form(pilot)
        settings = form.query_one(SettingsList)
        width = settings.scrollable_content_region.width
        # Lines: a heading, then name, description, seed and device of the run.
        assert await pilot.click(SettingsList, offset=(2 + 37, 5))
        await until(pilot, lambda: form.draft.texts == {"run.device": "cuda"})
        assert await pilot.click(SettingsList, offset=(2 + width - 1, 5))
        await until(pilot, lambda: not form.draft.texts)
        assert await pilot.click(SettingsList, offset=(35, 4))
        await until(pilot, lambda: settings.chosen_key == ("run", "seed"))
        assert await pilot.click(SettingsList, offset=(35, 4))
        await until(pilot, lambda: form.query_one(SettingValue).has_focus)
        await pilot.press("ctrl+u", "5")
        assert await pilot.click(SettingsList, offset=(5, 3))
        await until(
            pilot, lambda: form.draft.texts == {"run.seed": "5"} and settings.chosen_key == ("run", "description")
        )
        assert await pilot.click("#undo_all")
        await until(pilot, lambda: not form.draft.texts)
        assert await pilot.click("#copy")
        await until(pilot, lambda: pilot.app.clipboard == "harmonic train profiles/demo.toml")


async def test_the_command_line_is_copied() -> None:
    async with console().run_test(size=SIZE, notifications=True) as pilot:
        await open_form(pilot)
        await type_into(pilot, ("data", "cache_dir"), "my cache")
        await pilot.press("enter", "y")
        await sees(pilot, "Copied")
        assert pilot.app.clipboard == "harmonic train profiles/demo.toml --set 'data.cache_dir=my cache'"
        pilot.app.copy_to_clipboard("")
        assert await pilot.click("#command")
        await until(pilot, lambda: "my cache" in pilot.app.clipboard)


async def test_escape_keeps_what_was_typed_for_when_one_returns_even_to_another_console(demo: Path) -> None:
    async with console().run_test(size=SIZE) as pilot:
        await open_form(pilot)
        await type_into(pilot, ("train", "epochs"), "9")
        await pilot.press("enter")
        await type_into(pilot, ("train", "batch_size"), "lots")
        await pilot.press("enter", "escape")
        await sees(pilot, "● 2 changes kept", "n or Enter goes on with them")
        assert kept_draft(demo) == {"train.epochs": "9", "train.batch_size": "lots"}
    async with console().run_test(size=SIZE) as pilot:
        await sees(pilot, "● 2 changes kept")
        # Enter starts nothing while it is open what it would start.
        await pilot.press("enter")
        await sees(pilot, "New run", '✗ train.batch_size = "lots"')
        await pilot.press("U", "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen) and "kept" not in text_of(pilot.app))
        assert kept_draft(demo) == {}


async def test_a_damaged_file_of_drafts_costs_nothing_but_itself(demo: Path) -> None:
    drafts_file().parent.mkdir(parents=True)
    drafts_file().write_text('{"a": [1], "b"')
    async with console().run_test(size=SIZE) as pilot:
        await open_form(pilot)
        await type_into(pilot, ("train", "epochs"), "9")
        await pilot.press("enter")
        await until(pilot, lambda: kept_draft(demo) == {"train.epochs": "9"})


async def test_a_profile_that_lacks_a_setting_opens_the_form_there() -> None:
    Path("profiles/aa.toml").write_text('[data]\ndataset = "custom"\n')
    async with console().run_test(size=SIZE) as pilot:
        await sees(pilot, "aa   custom   project   ! your folder is not named yet")
        await pilot.press("j", "enter")
        await sees(pilot, "New run", "✗ data.dataset", "needs your folder of audio")
        await type_into(pilot, ("data", "custom_dir"), "songs")
        await pilot.press("enter")
        await sees(pilot, "! songs: no such folder")
        Path("songs").mkdir()
        await type_into(pilot, ("data", "custom_dir"), "./songs")
        await pilot.press("enter")
        await sees(pilot, "✓ starts as runs/aa-")


async def test_what_keeps_it_from_starting_is_said_where_one_is_and_nothing_is_lost() -> None:
    record_run(Path("runs/taken"), Recording(state="finished"))
    async with console().run_test(size=SIZE) as pilot:
        form = await open_form(pilot)
        await type_into(pilot, ("run", "name"), "taken")
        await pilot.press("enter")
        await sees(pilot, "! runs/taken: a run is already here", "such as taken-2")
        await pilot.press("g")
        await sees(pilot, "✗ not started: runs/taken: a run is already here")
        assert form.draft.texts == {"run.name": "taken"}
        await type_into(pilot, ("run", "name"), "taken-2")
        await pilot.press("enter")
        await sees(pilot, "✓ starts as runs/taken-2")


async def test_a_run_is_made_again_from_its_own_settings() -> None:
    record_run(Path("runs/old"), Recording(state="finished", profile="[train]\nepochs = 3\n"))
    async with console().run_test(size=SIZE) as pilot:
        await sees(pilot, "✓ finished")
        await pilot.press("tab", "n")
        await sees(pilot, "New run", "runs/old/profile.toml", "✓ starts as runs/old-2")
        assert pilot.app.screen.draft.profile.train.epochs == 3


async def test_a_profile_is_saved_with_its_comments_and_the_form_goes_on_with_it(demo: Path) -> None:
    async with console().run_test(size=SIZE, notifications=True) as pilot:
        form = await open_form(pilot)
        await type_into(pilot, ("train", "epochs"), "12")
        await pilot.press("enter")
        await type_into(pilot, ("run", "name"), "tuesday")
        await pilot.press("enter", "w")
        await sees(pilot, "Save as profile", "! profiles/demo.toml is there already; demo-2 is free")
        await pilot.press("ctrl+u", *"a b")
        await sees(pilot, "cannot be a profile's name", "such as a-b")
        await pilot.press("enter")
        await pilot.press("ctrl+u", *"mine")
        await sees(pilot, "✓ writes profiles/mine.toml: 1 change, comments kept; the run's own", "left out")
        await pilot.press("enter")
        await sees(pilot, "New run   profiles/mine.toml", "go on from here")
        assert Path("profiles/mine.toml").read_text() == DEMO.replace("epochs = 7", "epochs = 12")
        assert form.draft.texts == {"run.name": "tuesday"}
        assert demo.read_text() == DEMO
        assert kept_draft(demo) == {}


async def test_nothing_is_written_over_without_a_question(demo: Path) -> None:
    async with console().run_test(size=SIZE) as pilot:
        form = await open_form(pilot)
        await type_into(pilot, ("train", "epochs"), "12")
        await pilot.press("enter", "w")
        await sees(pilot, "is there already")
        await pilot.press("enter")
        await sees(pilot, "Write over it?")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, SaveProfileScreen))
        assert demo.read_text() == DEMO
        await pilot.press("enter")
        await sees(pilot, "Write over it?")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: pilot.app.screen is form and not form.draft.texts)
        assert load(demo).train.epochs == 12


async def test_a_profile_can_be_saved_for_all_work_and_an_invalid_one_not_at_all(workplace: Path) -> None:
    async with console().run_test(size=SIZE) as pilot:
        await open_form(pilot)
        await type_into(pilot, ("train", "epochs"), "x")
        await pilot.press("enter", "home", "w")
        await until(pilot, lambda: pilot.app.screen.query_one(SettingsList).chosen_key == ("train", "epochs"))
        await pilot.press("u", "w")
        await sees(pilot, "Save as profile")
        await pilot.press("down")
        await sees(pilot, "✓ writes", "for all your work")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, NewRunScreen))
        found = list(workplace.parent.glob("home/config/harmonic-vae/profiles/demo.toml"))
        assert [path.read_text() for path in found] == [DEMO]


async def test_the_whole_way_from_a_bad_value_to_a_run(profile: Path) -> None:
    Path("profiles/demo.toml").write_text("# As small as can be.\n" + profile.read_text())
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await sees(pilot, "As small as a run can be")
        await pilot.press("n")
        await sees(pilot, "New run")
        await type_into(pilot, ("train", "epochs"), "none")
        await sees(pilot, "✗ train.epochs")
        await pilot.press("ctrl+u", "1", "enter")
        await sees(pilot, "− 3", "+ 1", "✓ starts as")
        await pilot.press("w")
        await sees(pilot, "Save as profile")
        await pilot.press("ctrl+u", *"tiny", "enter")
        await sees(pilot, "New run   profiles/tiny.toml")
        await type_into(pilot, ("run", "name"), "first")
        await pilot.press("enter", "g")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        await sees(pilot, "first")
        assert Path("profiles/tiny.toml").read_text().startswith("# As small as can be.\n")
        assert wait_for_state("finished", "failed").state == "finished"
        assert the_run().name == "first"
        assert load(the_run().profile).train.epochs == 1
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        assert not kept_draft(Path("profiles/tiny.toml"))


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (200, 50)], ids=["full", "small", "broad"])
def test_the_form(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def change(pilot: Pilot[str]) -> None:
        await open_form(pilot)
        for key, text in (
            (("run", "name"), "first"),
            (("train", "epochs"), "12"),
            (("train", "learning_rate"), "fast"),
        ):
            await type_into(pilot, key, text)
            await pilot.press("enter")
        await sees(pilot, '✗ train.learning_rate = "fast"')
        await pilot.pause()

    assert snap_compare(console(), terminal_size=size, run_before=change)


@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=["full", "small"])
def test_the_question_for_a_name(  # type: ignore[no-untyped-def]
    snap_compare, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nowhere")

    async def ask(pilot: Pilot[str]) -> None:
        await open_form(pilot)
        await type_into(pilot, ("run", "name"), "first")
        await pilot.press("enter")
        await sees(pilot, "starts as runs/first")
        await pilot.press("w")
        await sees(pilot, "is there already")
        pilot.app.screen.query_one("#name", Input).cursor_blink = False
        await pilot.pause()

    assert snap_compare(console(), terminal_size=size, run_before=ask)
