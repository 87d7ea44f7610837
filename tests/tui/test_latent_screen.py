"""The latent screen: map, walks, sliders and draws, over a made-up explorer, and over a real one of a real run."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import made_up_explorer
import pytest
from recorded_run import NOW, STEPS_PER_EPOCH, Recording, record_run
from textual.geometry import Offset
from textual.pilot import Pilot
from watching import alive, sees, text_of, until

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.events import event_row
from harmonic_core.run.records import encode_row
from harmonic_core.run.status import read_status
from harmonic_tui.app import Console
from harmonic_tui.runs import explorer as explorer_module
from harmonic_tui.runs.explorer import Explorer, ExplorerError
from harmonic_tui.screens.latent import LatentScreen
from harmonic_tui.sound.player import Heard
from harmonic_tui.themes import LIGHT
from harmonic_tui.widgets.latent_kl import KlBars
from harmonic_tui.widgets.latent_letters import letters
from harmonic_tui.widgets.latent_map import LatentMap
from harmonic_tui.widgets.latent_sliders import LatentSliders
from harmonic_tui.widgets.latent_ways import DrawPanel, WalkPanel

FULL, SMALL, BROAD = (120, 36), (80, 24), (200, 50)
READY = "jazz 8"
MADE_UP = (sys.executable, made_up_explorer.__file__)


@dataclass
class Ears:
    """In the place of the player: notes what is played, and never comes to an end."""

    report: Callable[[Heard], None]
    route: str = "ears"
    playing: Path | None = None
    paused: bool = False
    position_s: float = 0.0
    duration_s: float | None = None
    volume: float = 1.0
    loop: bool = False
    heard: list[tuple[str, bool]] = field(default_factory=list)
    """Title of every sound, and whether it went on from the place of the one before."""

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def play(self, path: Path, *, keep_position: bool = False, title: str = "") -> None:
        """Note it."""
        assert await asyncio.to_thread(path.is_file)
        self.playing, self.paused = path, False
        self.heard.append((title, keep_position))
        self.report(Heard("started", path))

    def pause(self) -> None:
        """Hold on."""
        self.paused = True
        self.report(Heard("changed"))

    def resume(self) -> None:
        """Go on."""
        self.paused = False
        self.report(Heard("changed"))

    def stop(self) -> None:
        """Fall silent."""
        self.playing = None


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model is loaded."""
    monkeypatch.setattr(explorer_module, "COMMAND", MADE_UP)


def console(recording: Recording | None = None, **files: str) -> Console:
    run = record_run(Path("gtzan_ld128_e100"), recording or Recording())
    for name, text in files.items():
        (run.path / f"{name}.txt").write_text(text)
    app = Console(run, clock=lambda: NOW, sound=False)
    app.player = Ears(app._heard)  # type: ignore[assignment]
    return app


def ears(pilot: Pilot[str]) -> Ears:
    player: Any = pilot.app.player  # type: ignore[attr-defined]
    assert isinstance(player, Ears)
    return player


def asked(do: str) -> list[dict[str, Any]]:
    """What the explorer was asked to do."""
    lines = Path("gtzan_ld128_e100/asked.jsonl").read_text().splitlines()
    return [request for line in lines if (request := json.loads(line))["do"] == do]


def the_map(pilot: Pilot[str]) -> LatentMap:
    return pilot.app.screen.query_one(LatentMap)


async def go_there(pilot: Pilot[str]) -> None:
    await pilot.press("4")
    await sees(pilot, READY, "jazz-00 at 0 s", "tallest")
    await until(pilot, lambda: "◌" not in text_of(pilot.app))


async def hear(pilot: Pilot[str], *titles: str) -> None:
    """Wait until exactly these were played."""
    await until(pilot, lambda: [title for title, _ in ears(pilot).heard] == list(titles))
    await pilot.pause()


async def test_the_explorer_is_started_by_the_first_visit_and_ends_with_the_console() -> None:
    app = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await sees(pilot, "gtzan_ld128_e100")
        assert not Path("gtzan_ld128_e100/asked.jsonl").exists()
        await go_there(pilot)
        screen = app.screen
        assert isinstance(screen, LatentScreen)
        assert screen.explorer.is_running
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not screen)
        assert screen.explorer.is_running
    assert not screen.explorer.is_running
    assert len(asked("open")) == len(asked("map")) == 1


async def test_how_much_every_dimension_carries_is_shown_before_anything_is_loaded() -> None:
    app = console(reason="no weights yet: the first checkpoint comes after epoch 50")
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await pilot.press("4")
        await sees(pilot, "119 of 128 active", "largest first", "tallest", "no weights yet: the first checkpoint comes")
        bars = app.screen.query_one(KlBars)
        sorted_by_size = text_of(app)
        await pilot.press("n")
        await sees(pilot, "KL per dimension, 0 to 127")
        assert not bars.by_size
        assert text_of(app) != sorted_by_size


async def test_the_first_checkpoint_that_comes_is_loaded_by_itself() -> None:
    app = console(replace_state("training"), reason="no weights yet")
    run = RunDirectory(Path("gtzan_ld128_e100"))
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await pilot.press("4")
        await sees(pilot, "nothing loaded yet", "no weights yet")
        (run.path / "reason.txt").unlink()
        with run.events.open("ab") as events:
            events.write(encode_row(event_row("checkpoint", "step 2000, written", step=2000)))
        await sees(pilot, READY)


def replace_state(state: str) -> Recording:
    return alive(Recording(state=state))  # type: ignore[arg-type]


async def test_newer_weights_are_offered_and_loaded_with_u() -> None:
    app = console(replace_state("training"), step=str(10 * STEPS_PER_EPOCH))
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go_there(pilot)
        with (app.watched.run.events if app.watched else Path()).open("ab") as events:
            events.write(encode_row(event_row("checkpoint", "step 1480, written", step=37 * STEPS_PER_EPOCH)))
        await sees(pilot, "weights of epoch 10", "newer weights: epoch 37; u loads them")
        Path("gtzan_ld128_e100/step.txt").write_text(str(37 * STEPS_PER_EPOCH))
        await pilot.press("u")
        await sees(pilot, "weights of epoch 37")
        await until(pilot, lambda: "newer" not in text_of(app))


async def test_a_refused_run_says_why_and_u_tries_again() -> None:
    app = console(reason="step-00000010: the weights are of another model: [bold]a.weight[/] is missing")
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await pilot.press("4")
        await sees(pilot, "of another model: [bold]a.weight[/]", "u tries again")
        Path("gtzan_ld128_e100/reason.txt").unlink()
        await pilot.press("u")
        await sees(pilot, READY)


async def test_arrows_go_to_the_nearest_segment_and_brackets_through_the_music() -> None:
    app = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go_there(pilot)
        await pilot.press("left")
        assert (await moved(pilot, 0)).chosen != 0
        for key, back in (("l", "h"), ("k", "j"), ("up", "down")):
            before = the_map(pilot).chosen
            await pilot.press(key, back)
            await pilot.pause()
            assert before == the_map(pilot).chosen or key in "lk"
        the_map(pilot).choose(0)
        await pilot.press("right_square_bracket", "right_square_bracket")
        await sees(pilot, "jazz-00 at 6 s   jazz", "held out")
        await pilot.press("left_square_bracket", "left_square_bracket", "left_square_bracket")
        await sees(pilot, "metal-05 at 9 s   metal", "trained on")


async def moved(pilot: Pilot[str], from_point: int) -> LatentMap:
    shown = the_map(pilot)
    await until(pilot, lambda: shown.chosen != from_point)
    return shown


async def test_a_click_chooses_the_nearest_segment_and_a_second_one_plays_it() -> None:
    app = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go_there(pilot)
        x, y = the_map(pilot)._cells()[20]
        place = the_map(pilot).content_region.offset + Offset(x, y)
        await pilot.click(offset=place)
        assert (await moved(pilot, 0)).chosen == 20
        await pilot.click(offset=place)
        await hear(pilot, "metal-05 at 0 s, reconstruction")


async def test_enter_plays_the_segment_a_its_original_from_the_same_place_and_space_holds_on() -> None:
    app = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go_there(pilot)
        await pilot.press("enter")
        await hear(pilot, "jazz-00 at 0 s, reconstruction")
        await sees(pilot, "▶ jazz-00 at 0 s, reconstruction", "−18.4 dB")
        await pilot.press("a")
        await hear(pilot, "jazz-00 at 0 s, reconstruction", "jazz-00 at 0 s, original")
        assert ears(pilot).heard[-1][1]
        await sees(pilot, "a original")
        await pilot.press("space")
        await sees(pilot, "‖ jazz-00")
        await pilot.press("space")
        await sees(pilot, "▶ jazz-00")
        await pilot.press("a")
        await until(pilot, lambda: len(ears(pilot).heard) == 3)
        # What was made once is not made again.
        assert len(asked("decode")) == len(asked("original")) == 1


async def test_take_alone_plays_nothing() -> None:
    app = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go_there(pilot)
        await pilot.press("a")
        await sees(pilot, "a original")
        await pilot.press("space")
        await hear(pilot, "jazz-00 at 0 s, original")


async def test_m_shows_the_other_map_and_b_letters_it_by_another_label() -> None:
    app = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go_there(pilot)
        await sees(pilot, "Map: t-SNE by genre", "J jazz 8   M metal 8")
        before = the_map(pilot)._cells()
        await pilot.press("m")
        await sees(pilot, "Map: PCA by genre")
        await until(pilot, lambda: the_map(pilot)._cells() != before)
        await pilot.press("b", "b")
        await sees(pilot, "Map: PCA by key, as it is heard", "C C major 12", "A A minor 12")
        await pilot.press("b")
        await sees(pilot, "Map: PCA by track")
        await pilot.press("b", "m")
        await sees(pilot, "Map: t-SNE by genre")


async def test_a_walk_between_segments_is_heard_and_says_what_it_comes_by() -> None:
    app = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go_there(pilot)
        await pilot.press("w")
        await sees(pilot, "A walk needs two ends")
        await pilot.press("f", "right_square_bracket", "g", "v", "w")
        await hear(pilot, "jazz-00 at 0 s → jazz-00 at 3 s, linear")
        request = asked("walk")[0]
        assert request["start"] == {"at": "point", "point": 0}
        assert request["end"] == {"at": "point", "point": 1}
        assert (request["steps"], request["way"]) == (8, "linear")
        ears(pilot).position_s = 5.0
        await sees(pilot, "step 3 of 8", "▶  3 near jazz-00 at 6 s")


async def test_a_walk_between_genres_goes_between_their_means() -> None:
    app = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go_there(pilot)
        await pilot.press("F")
        the_map(pilot).choose(20)
        await pilot.press("G", "tab", "tab", "l", "plus", "h", "right", "enter")
        await hear(pilot, "mean of jazz → mean of metal, spherical")
        request = asked("walk")[0]
        assert request["start"] == {"at": "mean", "label": "genre", "point": 0}
        assert request["end"] == {"at": "mean", "label": "genre", "point": 20}
        assert request["steps"] == 10


async def test_the_lines_of_the_walk_can_be_clicked() -> None:
    app = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go_there(pilot)
        walk = app.screen.query_one(WalkPanel)
        for row in (0, 1, 2):
            await pilot.click(WalkPanel, offset=(4, 1 + row))
        await until(pilot, lambda: walk.way == "linear" and walk.start is not None and walk.end is not None)
        await pilot.click(WalkPanel, offset=(walk.size.width - 4, 4))
        await until(pilot, lambda: walk.steps > 24)


async def test_sliders_move_sound_and_go_on_sounding_as_they_move() -> None:
    app = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go_there(pilot)
        await pilot.press("tab", "l", "right", "j", "minus", "enter")
        await hear(pilot, "the mean, directions 1 +0.50 σ, 2 −1.00 σ")
        assert asked("decode")[0]["where"]["coordinates"][:3] == [0.5, -1.0, 0.0]
        await pilot.press("plus")
        await until(pilot, lambda: ears(pilot).heard[-1] == ("the mean, directions 1 +0.50 σ", True))
        await pilot.press("k", "home")
        await until(pilot, lambda: ears(pilot).heard[-1] == ("the mean", True))
        await pilot.press("i")
        await until(pilot, lambda: asked("decode")[-1]["where"]["base"] == 0)
        await sees(pilot, "rest: jazz-00 at 0 s", "−1.00 σ")
        await pilot.press("x")
        await sees(pilot, "rest: the mean")
        assert app.screen.query_one(LatentSliders).values == [0.0] * 8


async def test_sliders_are_moved_by_the_mouse_and_end_at_three_deviations() -> None:
    app = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go_there(pilot)
        sliders = app.screen.query_one(LatentSliders)
        await pilot.click(LatentSliders, offset=(sliders.size.width - 9, 4))
        await until(pilot, lambda: sliders.values[3] > 2)
        await pilot.press(*["plus"] * 4)
        assert sliders.values[3] == 3.0
        await pilot.press("up", "h", "left", "down", "backspace")
        assert sliders.values[2:4] == [-0.5, 0.0]


async def test_d_draws_anew_every_time_and_as_daringly_as_the_slider_says() -> None:
    app = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go_there(pilot)
        await pilot.press("d")
        await hear(pilot, "draw 1 from the prior, temperature 1.0")
        await pilot.press("shift+tab", "shift+tab", "h", "minus", "right", "left", "enter")
        await until(pilot, lambda: len(ears(pilot).heard) == 2)
        assert ears(pilot).heard[-1][0] == "draw 2 from the prior, temperature 0.8"
        assert [request["where"]["seed"] for request in asked("decode")] == [1, 2]
        draw = app.screen.query_one(DrawPanel)
        await pilot.click(DrawPanel, offset=(draw.size.width - 3, 1))
        await until(pilot, lambda: draw.temperature > 1.5)


async def test_without_music_draws_can_be_heard_all_the_same() -> None:
    app = console(no_music="data/gtzan: no such folder")
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await pilot.press("4")
        await sees(pilot, "No map and no directions: data/gtzan: no such folder")
        await pilot.press("enter", "f", "w", "i", "x", "m", "b", "right_square_bracket", "left")
        await pilot.press("d")
        await hear(pilot, "draw 1 from the prior, temperature 1.0")


async def test_keys_before_the_model_is_loaded_do_no_harm() -> None:
    app = console(reason="no weights yet")
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await pilot.press("4")
        await sees(pilot, "no weights yet")
        await pilot.press(*"fgFGwvdixnmba", "space", "enter", "left", "right_square_bracket", "tab", "l", "enter")
        await sees(pilot, "before the model is loaded")
        assert ears(pilot).heard == []


async def test_an_explorer_that_dies_is_named_and_started_again_by_the_next_wish() -> None:
    app = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go_there(pilot)
        Path("gtzan_ld128_e100/crash.txt").touch()
        await pilot.press("d")
        await sees(pilot, "ended with exit status 3", "explore.log")
        await pilot.press("d")
        await hear(pilot, "draw 2 from the prior, temperature 1.0")


async def test_labels_with_escape_codes_and_markup_are_shown_as_text() -> None:
    app = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go_there(pilot)
        await pilot.press("right_square_bracket", "b")
        await sees(pilot, "by artist", r"R [red]b\udc80\x07 8", "[/b]other 8", "· not known 8")
        await pilot.press("G")
        await sees(pilot, r"◇ to   mean of [red]b\udc80\x07")
        await pilot.press("left_square_bracket", "F")
        await sees(pilot, "The artist of this segment is not known")


async def test_in_a_narrow_terminal_tab_shows_one_column_after_the_other() -> None:
    app = console()
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4")
        await sees(pilot, READY)
        assert "Principal directions" not in text_of(app)
        await pilot.press("tab")
        await sees(pilot, "Principal directions", "Walk", "Draw from the prior")
        await pilot.press("shift+tab", "shift+tab")
        await sees(pilot, "KL per dimension")
        assert "Map:" not in text_of(app)
        await pilot.press("tab")
        await sees(pilot, "Map: t-SNE by genre")


async def test_every_size_is_borne() -> None:
    app = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go_there(pilot)
        for width, height in ((20, 5), (300, 100), (40, 12), (99, 29), (120, 36)):
            await pilot.resize_terminal(width, height)
            await pilot.press("tab")
            await pilot.pause()
        await sees(pilot, "gtzan_ld128_e100")


def test_every_value_has_a_letter_of_its_own_while_there_are_any() -> None:
    found = letters(["jazz"] * 3 + ["job"] * 2 + ["", "öj"] + [f"k{number}" for number in range(60)])
    signs = [each.sign for each in found.values()]
    assert found["jazz"].sign == "J"
    assert found["job"].sign == "O"
    own = [sign for sign in signs if sign != "•"]
    assert len(own) == len(set(own)) == 36
    assert "" not in found


# The real explorer.


@pytest.fixture
def trained(profile: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    """A run of three epochs, and the real explorer."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    harmonic = (sys.executable, "-m", "harmonic_core")
    subprocess.run([*harmonic, "train", str(profile), "--output-dir", "run"], check=True, capture_output=True)
    monkeypatch.setattr(explorer_module, "COMMAND", (*harmonic, "explore"))
    return RunDirectory(Path("run"))


async def test_a_real_model_is_laid_out_walked_through_and_heard(trained: RunDirectory) -> None:
    status = read_status(trained.status)
    assert status is not None
    app = Console(trained, sound=False)
    app.player = Ears(app._heard)  # type: ignore[assignment]
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await pilot.press("4")
        await sees(
            pilot, f"weights of epoch 3, step {status.step}", "by genre", "Principal directions   8 of 8 have 100 %"
        )
        await until(pilot, lambda: the_map(pilot)._places)
        await pilot.press("enter")
        await until(pilot, lambda: len(ears(pilot).heard) == 1)
        await pilot.press("F", "right_square_bracket", "g", "w")
        await until(pilot, lambda: len(ears(pilot).heard) == 2)
        await sees(pilot, "near")
        await pilot.press("tab", "plus", "enter")
        await until(pilot, lambda: len(ears(pilot).heard) == 3)
        await pilot.press("d")
        await until(pilot, lambda: len(ears(pilot).heard) == 4)
        folder = ears(pilot).playing
        assert folder is not None
    await until_gone(folder.parent)


async def until_gone(folder: Path) -> None:
    """Wait until what the explorer wrote is gone with it."""
    for _ in range(1000):
        if not folder.exists():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{folder} is still there: {os.listdir(folder)}")


async def test_an_answer_of_another_version_is_an_error_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.py"
    other.write_text(
        'print(\'nonsense\\n[]\\n{"id": 1, "event": "done", "epoch": "x"}\', flush=True); input(); input()'
    )
    monkeypatch.setattr(explorer_module, "COMMAND", (sys.executable, str(other)))
    explorer = Explorer(RunDirectory(tmp_path), lambda _: None)
    asking = asyncio.create_task(explorer.open())
    with pytest.raises(ExplorerError, match=r"another version|ended"):
        await asking
    await explorer.close()


# Pictures.


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
def test_the_latent_space(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def walk_about(pilot: Pilot[str]) -> None:
        await pilot.press("4")
        await sees(pilot, READY)
        await until(pilot, lambda: "◌" not in text_of(pilot.app))
        await pilot.press("f", "right_square_bracket", "G", "w")
        await hear(pilot, "jazz-00 at 0 s → mean of jazz, spherical")
        await until(pilot, lambda: "◌" not in text_of(pilot.app))

    assert snap_compare(console(), terminal_size=size, run_before=walk_about)


def test_sliders_in_a_small_terminal_in_the_light_theme(snap_compare) -> None:  # type: ignore[no-untyped-def]
    async def slide(pilot: Pilot[str]) -> None:
        await pilot.press("4")
        await sees(pilot, READY)
        await pilot.press("i", "tab", "j", "plus")
        await sees(pilot, "rest: jazz-00")
        await until(pilot, lambda: "◌" not in text_of(pilot.app))

    app = console()
    app.theme = LIGHT.name
    assert snap_compare(app, terminal_size=SMALL, run_before=slide)


@pytest.mark.parametrize("size", [FULL, SMALL], ids=["full", "small"])
def test_the_latent_space_before_there_are_weights(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def see_why(pilot: Pilot[str]) -> None:
        await pilot.press("4")
        await sees(pilot, "! nothing loaded yet", "no weights yet")

    reason = "no weights yet: the first checkpoint comes after epoch 50, or when it is asked for"
    assert snap_compare(console(reason=reason), terminal_size=size, run_before=see_why)
