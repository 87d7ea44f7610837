"""The screen of samples: everything that was made, to see, to hear, to compare and to keep."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
import watching
from PIL import Image
from recorded_run import NOW, SAMPLE_RATE, STEPS_PER_EPOCH, Recording, record_run, record_samples
from recording_player import Recorder
from textual.pilot import Pilot
from watching import alive_now, until

from harmonic_core.run.control import pending_commands
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.samples import Item, Take, read_sample, sample_path, step_folder
from harmonic_core.run.stars import Spot, read_stars
from harmonic_tui.app import Console
from harmonic_tui.screens.samples import SamplesScreen
from harmonic_tui.themes import LIGHT
from harmonic_tui.widgets.error_strip import ErrorStrip
from harmonic_tui.widgets.picture import Picture
from harmonic_tui.widgets.sound_view import SoundView
from harmonic_tui.widgets.wave import Wave

FULL, SMALL, BROAD = (120, 36), (80, 24), (200, 50)
FIRST, SECOND, LAST = (epoch * STEPS_PER_EPOCH for epoch in (10, 20, 30))
JAZZ = Item("reconstruction", 0)
TO_JAZZ = ("j", "j")


def text_of(app: object) -> str:
    """What the screen shows, numbers with spaces as one types them."""
    return watching.text_of(app).replace("\N{THIN SPACE}", " ")


async def sees(pilot: Pilot[str], *texts: str) -> None:
    """Wait until all `texts` are on the screen."""
    await until(pilot, lambda: all(text in text_of(pilot.app) for text in texts))


def console(recording: Recording | None = None) -> tuple[Console, Recorder]:
    app = Console(record_run(Path("run"), recording or Recording()), clock=lambda: NOW, sound=False)
    recorder = Recorder(app._heard)
    app.player = recorder  # type: ignore[assignment]
    return app, recorder


def screen_of(pilot: Pilot[str]) -> SamplesScreen:
    screen = pilot.app.screen
    assert isinstance(screen, SamplesScreen)
    return screen


def seen_sound(pilot: Pilot[str]) -> object:
    return screen_of(pilot).query_one(SoundView).spectrum


async def go(pilot: Pilot[str], *keys: str) -> SamplesScreen:
    """Go to the samples, and choose one by keys."""
    await pilot.press("3")
    await until(pilot, lambda: isinstance(pilot.app.screen, SamplesScreen) and seen_sound(pilot) is not None)
    screen = screen_of(pilot)
    for key in keys:
        await pilot.press(key)
    await settled(pilot)
    return screen


async def settled(pilot: Pilot[str]) -> None:
    """Wait until everything that was asked for is shown."""
    groups = {"chosen", "picture", "steps", "keep", "in sight", "play"}
    await until(pilot, lambda: not any(each.group in groups for each in pilot.app.workers))
    await pilot.pause()


# What is there


async def test_the_newest_step_comes_first_and_shows_what_it_has() -> None:
    app, _ = console()
    async with app.run_test(size=FULL) as pilot:
        await go(pilot)
        await sees(pilot, "Step 1 200: 4", "prior 1", "jazz.00012, 0:06", "5.10 dB", "epoch 30", "drawn from the prior")
        text = text_of(app)
        assert text.index("1 200  epoch 30") < text.index("epoch 20") < text.index("epoch 10")


async def test_without_samples_one_sentence_says_how_they_come() -> None:
    app, _ = console(Recording(sample_epochs=()))
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await pilot.press("3")
        await sees(pilot, "they come with every", "or at once with s")
        for key in ("space", "a", "d", "left", "right", "asterisk", "x", "y", "w", "left_square_bracket", "f", "f"):
            await pilot.press(key)
        await sees(pilot, "There is nothing to play yet")


async def test_the_first_set_appears_as_soon_as_it_is_made() -> None:
    app, _ = console(Recording(sample_epochs=()))
    async with app.run_test(size=FULL) as pilot:
        await pilot.press("3")
        await sees(pilot, "they come with every")
        record_samples(app.watched.run, 30, ("song",))  # type: ignore[union-attr]
        await sees(pilot, "Step 1 200: 3", "song")


async def test_an_item_is_followed_through_training() -> None:
    app, _ = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        screen = await go(pilot, *TO_JAZZ)
        assert screen.spot == Spot(LAST, *JAZZ)
        await sees(pilot, "jazz.00012, 0:06 through training, error in dB")
        await pilot.press("left_square_bracket")
        await sees(pilot, "Step 800: 4")
        await pilot.press("left_square_bracket")
        await sees(pilot, "Step 400: 4")
        assert screen.spot == Spot(FIRST, *JAZZ)
        await pilot.press("left_square_bracket")
        await sees(pilot, "This is the first step with samples")
        await pilot.press("right_square_bracket")
        await sees(pilot, "Step 800: 4")
        await pilot.press("w")
        await sees(pilot, "Step 1 200: 4")
        assert screen.spot == Spot(LAST, *JAZZ)


async def test_a_step_is_chosen_from_its_list_and_in_the_strip_of_errors() -> None:
    app, _ = console()
    async with app.run_test(size=FULL) as pilot:
        screen = await go(pilot, *TO_JAZZ, "h", "end")
        assert screen.spot == Spot(FIRST, *JAZZ)
        await pilot.click(ErrorStrip, offset=(15, 2))
        await sees(pilot, "Step 1 200: 4" if screen.step == LAST else "Step 800: 4")
        await settled(pilot)
        assert screen.step == SECOND


# What is heard


async def test_space_plays_pauses_and_goes_on() -> None:
    app, player = console()
    async with app.run_test(size=FULL) as pilot:
        await go(pilot, "space")
        await sees(pilot, "▶ 0.0 / 0.4 s", "▶    prior 1")
        await pilot.press("space")
        await sees(pilot, "‖ 0.0 / 0.4 s")
        await pilot.press("space")
        await sees(pilot, "▶ 0.0 / 0.4 s")
        assert player.asked == [("play", "prior-0.wav", LAST, False), ("pause",), ("resume",)]
        player.come_to_the_end()
        await sees(pilot, "■ 0.0 / 0.4 s")
        assert "▶" not in text_of(app)


async def test_takes_of_one_item_are_compared_from_the_same_place() -> None:
    app, player = console()
    async with app.run_test(size=FULL) as pilot:
        await go(pilot, *TO_JAZZ, "space")
        player.position_s = 0.2
        for take in ("original", "decoded", "reconstruction"):
            await pilot.press("a")
            await sees(pilot, f"] {take}", "▶ 0.2 / 0.4 s")
            await settled(pilot)
        assert player.asked[1:] == [
            ("play", f"recon-0.{take}.wav", LAST, True) for take in ("original", "decoded", "reconstruction")
        ]


async def test_what_is_played_is_heard_as_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Path("heard.raw").resolve()
    card = 'pcm.!default { type plug slave.pcm "ear" }\npcm.void { type null }\n'
    card += f'pcm.ear {{ type file slave.pcm "void" file "{heard}" format "raw" }}\n'
    (Path(os.environ["HOME"]) / ".asoundrc").write_text(card)
    run = record_run(Path("run"))
    sample = read_sample(run, LAST, JAZZ)
    assert sample is not None
    written, _ = soundfile.read(sample_path(run, sample, "original"), dtype="float32")
    app = Console(run, clock=lambda: NOW)
    async with app.run_test(size=FULL) as pilot:
        await go(pilot, *TO_JAZZ, "a")
        await sees(pilot, "sound: default")
        # A sound may be over before anybody looks whether it sounds.
        said: list[str] = []
        report = app.player._report
        monkeypatch.setattr(app.player, "_report", lambda each: (said.append(each.event), report(each)))
        await pilot.press("space")
        await until(pilot, lambda: "finished" in said)
        await sees(pilot, "■ 0.0 / 0.4 s")
    samples = np.frombuffer(heard.read_bytes(), np.float32)
    start = int(np.flatnonzero(samples)[0]) - int(np.flatnonzero(written)[0])
    assert np.allclose(samples[start : start + len(written)], written, atol=1e-4)


async def test_what_sounds_goes_on_at_the_other_step() -> None:
    app, player = console()
    async with app.run_test(size=FULL) as pilot:
        await go(pilot, *TO_JAZZ, "a", "space")
        player.position_s = 0.1
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: player.asked[-1] == ("play", "recon-0.original.wav", SECOND, True))
        # Another item is another sound, and plays when it is wanted.
        await pilot.press("k")
        await settled(pilot)
        assert len(player.asked) == 2
        await sees(pilot, "▶ reconstruction 1 of step 800")


async def test_a_prior_has_nothing_to_be_compared_with_and_says_so() -> None:
    app, player = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go(pilot, "a")
        await sees(pilot, "This sample has one take only")
        await pilot.press("d")
        await sees(pilot, "no difference to show")
        await pilot.press("d", "space")
        assert player.asked == [("play", "prior-0.wav", LAST, False)]


async def test_seeking_keeps_within_the_sound() -> None:
    app, player = console()
    async with app.run_test(size=FULL) as pilot:
        await go(pilot, "right", "space", "right", "right", "comma", "left", "full_stop")
        assert player.asked[1:] == [("seek", place) for place in (0.25, 0.35, 0.1, 0.0, 0.25)]


async def test_a_click_in_wave_or_picture_goes_there() -> None:
    app, player = console()
    async with app.run_test(size=FULL) as pilot:
        screen = await go(pilot, "space")
        wave, picture = screen.query_one(Wave), screen.query_one(Picture)
        await pilot.click(Wave, offset=(wave.size.width // 2, 1))
        await pilot.click(Picture, offset=(picture.size.width - 1, 3))
        (_, middle), (_, end) = player.asked[1:]
        assert middle == pytest.approx(0.2, abs=0.02)  # type: ignore[comparison-overlap]
        assert 0.38 < end <= 0.4  # type: ignore[operator]
        player.stop()
        await pilot.click(Wave, offset=(wave.size.width // 2, 1))
        await until(pilot, lambda: [each[0] for each in player.asked[3:]] == ["play", "seek"])


async def test_the_line_of_the_player_has_loop_volume_and_route() -> None:
    app, player = console()
    async with app.run_test(size=FULL) as pilot:
        await go(pilot, "g", "minus", "minus", "plus")
        await sees(pilot, "✓ loop", "volume 90 %", "sound: a recorder", "−18.2 dBFS")
        assert player.loop
        await pilot.press("g")
        await sees(pilot, "– no loop")


async def test_the_newest_set_is_played_by_itself_where_that_is_wanted() -> None:
    app, player = console(Recording(sample_epochs=(10, 20)))
    async with app.run_test(size=FULL, notifications=True) as pilot:
        screen = await go(pilot, *TO_JAZZ, "u")
        await sees(pilot, "✓ autoplay newest")
        record_samples(screen.watched.run, 30, ("jazz.00012, 0:06",))
        await until(pilot, lambda: player.asked == [("play", "recon-0.reconstruction.wav", LAST, False)])
        await sees(pilot, "Step 1 200: 3")


async def test_a_new_set_changes_nothing_while_one_listens_to_another() -> None:
    app, player = console(Recording(sample_epochs=(10, 20)))
    async with app.run_test(size=FULL) as pilot:
        screen = await go(pilot, *TO_JAZZ)
        record_samples(screen.watched.run, 30, ("jazz.00012, 0:06",))
        await sees(pilot, "1 200  epoch 30")
        await settled(pilot)
        assert screen.spot == Spot(SECOND, *JAZZ)
        assert player.asked == []


async def test_samples_are_asked_for() -> None:
    app, _ = console(alive_now(Recording(state="training")))
    async with app.run_test(size=FULL, notifications=True) as pilot:
        screen = await go(pilot, "s")
        await sees(pilot, "was asked for samples")
        assert [command.name for command in pending_commands(screen.watched.run)] == ["sample"]


# What is seen


async def test_the_picture_has_axes_with_units() -> None:
    app, _ = console()
    async with app.run_test(size=FULL) as pilot:
        await go(pilot)
        await sees(pilot, "10 kHz┤", "500 Hz┤", " dB", "0.1", "0.4 s")


async def test_a_tone_lies_in_the_picture_where_its_frequency_does() -> None:
    from harmonic_tui.pictures.spectra import Scale, spectrum_of

    path = Path("tone.wav")
    times = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    soundfile.write(path, np.sin(2 * np.pi * 1000 * times), SAMPLE_RATE, subtype="FLOAT")
    spectrum = spectrum_of(path, Scale())
    middle = spectrum.mel_db[:, spectrum.mel_db.shape[1] // 2]
    assert spectrum.centres_hz[int(middle.argmax())] == pytest.approx(1000, rel=0.03)
    # A sine of full scale is the 0 dB that the profile's levels are relative to.
    assert middle.max() == pytest.approx(0, abs=0.5)
    assert spectrum.level_db == pytest.approx(-3.01, abs=0.01)


async def test_the_difference_says_which_is_louder() -> None:
    app, _ = console()
    async with app.run_test(size=FULL) as pilot:
        await go(pilot, *TO_JAZZ, "d")
        await sees(pilot, "+ original louder", "− reconstruction louder", "+20 dB", "−10")
        await pilot.press("d")
        await sees(pilot, "C reconstruction")


async def test_on_a_high_screen_the_difference_is_seen_at_the_same_time() -> None:
    app, _ = console()
    async with app.run_test(size=BROAD) as pilot:
        await go(pilot, *TO_JAZZ)
        await sees(pilot, "C reconstruction", "+ original louder", "+20 dB")


async def test_pictures_can_be_drawn_in_characters() -> None:
    app, _ = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go(pilot, "i", "i")
        await sees(pilot, "Pictures: characters")
        assert "▀▀▀" not in text_of(app)
        assert any(sign in text_of(app) for sign in ("-=", "=+", "::"))


async def test_the_setting_decides_how_pictures_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMONICVAE_PICTURES", "ascii")
    app, _ = console()
    async with app.run_test(size=FULL) as pilot:
        screen = await go(pilot)
        assert screen.query_one(Picture).way == "characters"


# What is kept


async def test_a_star_is_kept_in_the_run_and_shown() -> None:
    app, _ = console()
    async with app.run_test(size=FULL) as pilot:
        screen = await go(pilot, *TO_JAZZ, "asterisk")
        await sees(pilot, "★ 1", "★  jazz.00012")
        kept = read_stars(screen.watched.run)
        assert kept[Spot(LAST, *JAZZ)].starred
        assert kept[Spot(LAST, *JAZZ)].title == "jazz.00012, 0:06"
        await pilot.press("asterisk")
        await until(pilot, lambda: "★" not in text_of(app))
        assert read_stars(screen.watched.run) == {}


async def test_a_note_is_kept_and_can_be_found() -> None:
    app, _ = console()
    async with app.run_test(size=FULL) as pilot:
        screen = await go(pilot, *TO_JAZZ, "n")
        await sees(pilot, "Note on jazz.00012")
        await pilot.press(*"warm bass", "enter")
        await sees(pilot, "✎ warm bass")
        assert read_stars(screen.watched.run)[Spot(LAST, *JAZZ)].note == "warm bass"
        await pilot.press("slash", *"bass")
        await sees(pilot, "Step 1 200: 1 of 4", "“bass”")
        await pilot.press("enter", "escape")
        await sees(pilot, "Step 1 200: 4")


async def test_escape_in_the_question_for_a_note_changes_nothing() -> None:
    app, _ = console()
    async with app.run_test(size=FULL) as pilot:
        screen = await go(pilot, "n")
        await sees(pilot, "Note on prior 1")
        await pilot.press("h", "escape")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert not screen.watched.run.stars.exists()


async def test_only_what_has_a_star_is_shown_where_that_is_wanted() -> None:
    app, _ = console()
    async with app.run_test(size=FULL) as pilot:
        screen = await go(pilot, *TO_JAZZ, "left_square_bracket")
        await settled(pilot)
        await pilot.press("asterisk")
        await sees(pilot, "★ 1")
        await pilot.press("w", "f")
        await sees(pilot, "Steps with stars: 1", "Step 800: 1 of 4", "★ only")
        assert screen.spot == Spot(SECOND, *JAZZ)
        await pilot.press("escape")
        await sees(pilot, "Step 800: 4")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not screen)


async def test_what_is_looked_for_and_not_there_is_said() -> None:
    app, _ = console()
    async with app.run_test(size=FULL) as pilot:
        await go(pilot, "slash", *"zither")
        await sees(pilot, "Step 1 200: 0 of 4", "none here is like that")
        await pilot.press("escape")
        await sees(pilot, "Step 1 200: 4")


async def test_stars_of_a_run_that_cannot_be_written_are_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr("harmonic_core.run.stars.write_atomically", refuse)
    app, _ = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go(pilot, "asterisk")
        await sees(pilot, "Not kept", "cannot be written", "Permission denied")


async def test_a_file_of_stars_that_makes_no_sense_is_said_and_left() -> None:
    app, _ = console()
    assert app.watched is not None
    app.watched.run.stars.write_text("{")
    async with app.run_test(size=FULL, notifications=True) as pilot:
        screen = await go(pilot, "asterisk")
        await sees(pilot, "cannot be", "move the file away")
        assert screen.watched.run.stars.read_text() == "{"


async def test_an_export_has_sounds_pictures_and_a_description_and_overwrites_nothing() -> None:
    app, _ = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        screen = await go(pilot, *TO_JAZZ, "asterisk", "x")
        await sees(pilot, "exports/run")
        await pilot.press("enter")
        await sees(pilot, "Exported")
        await pilot.press("x", "enter")
        again = Path("exports/run/step-00001200-recon-0-2")
        await until(pilot, (again / "about.json").exists)
        run = screen.watched.run
    first = Path("exports/run/step-00001200-recon-0")
    assert sorted(path.name for path in first.iterdir()) == sorted(path.name for path in again.iterdir())
    about = json.loads((first / "about.json").read_text())
    assert (about["run"], about["step"], about["title"], about["starred"]) == ("run", LAST, "jazz.00012, 0:06", True)
    sample = read_sample(run, LAST, JAZZ)
    assert sample is not None
    take: Take
    for take in ("original", "decoded", "reconstruction"):
        copied = first / about["takes"][take]["sound"]
        assert copied.read_bytes() == sample_path(run, sample, take).read_bytes()
        with Image.open(first / about["takes"][take]["picture"]) as picture:
            assert len(np.unique(np.asarray(picture), axis=1)) > 50


async def test_an_export_to_a_place_that_is_no_folder_is_refused_in_words() -> None:
    app, _ = console()
    Path("exports").write_text("a file")
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go(pilot, "x")
        await sees(pilot, "exports/run")
        await pilot.press("enter")
        await sees(pilot, "Not exported")


async def test_the_path_is_copied_and_said() -> None:
    app, _ = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await go(pilot, "y")
        await sees(pilot, "Path copied", "prior-0.wav")
        assert app.clipboard == str(Path(f"run/samples/step-{LAST:08d}/prior-0.wav").resolve())


# What is broken


async def test_a_sound_that_is_none_is_said_to_be_none_and_the_next_is_shown() -> None:
    app, _ = console()
    (step_folder(RunDirectory(Path("run")), LAST) / "prior-1.wav").write_bytes(b"not a sound")
    (step_folder(RunDirectory(Path("run")), LAST) / "recon-1.reconstruction.wav").unlink()
    async with app.run_test(size=FULL) as pilot:
        await go(pilot, "j")
        await sees(pilot, "prior-1.wav: cannot be read as sound")
        await pilot.press("end")
        await sees(pilot, "recon-1.reconstruction.wav: no such file")
        await pilot.press("a")
        await sees(pilot, "A original", "kHz┤")


async def test_a_torn_record_is_named_and_passed_over() -> None:
    app, _ = console()
    record = step_folder(RunDirectory(Path("run")), LAST) / "prior-0.json"
    whole = record.read_text()
    record.write_text(whole[:40])
    async with app.run_test(size=FULL) as pilot:
        await pilot.press("3")
        await sees(pilot, "prior-0  no whole record", "prior-0.json of step 1 200 is no whole record")
        record.write_text(whole)
        await pilot.press("j", "k")
        await sees(pilot, "drawn from the prior")


async def test_an_empty_folder_has_nothing_and_says_so() -> None:
    app, _ = console()
    step_folder(RunDirectory(Path("run")), 1600).mkdir()
    async with app.run_test(size=FULL) as pilot:
        await pilot.press("3")
        await sees(pilot, "1 600", "Step 1 600: 0", "nothing in this step")
        await pilot.press("left_square_bracket")
        await sees(pilot, "Step 1 200: 4", "prior 1")


async def test_names_from_outside_are_shown_and_not_obeyed() -> None:
    app, _ = console(Recording(titles=("\x1b]0;owned\x07[red]x[/red] \x1b[31mred", "b")))
    async with app.run_test(size=FULL) as pilot:
        await go(pilot, *TO_JAZZ)
        await sees(pilot, "[red]x[/red] red")
        assert "\x1b" not in text_of(app)


async def test_samples_that_vanish_while_one_looks_are_said_to_be_gone() -> None:
    app, _ = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        screen = await go(pilot)
        import shutil

        shutil.rmtree(screen.watched.run.samples)
        await pilot.press("j")
        await sees(pilot, "no such file")
        await pilot.press("2", "3", "space")
        await settled(pilot)


@pytest.mark.slow
async def test_a_hundred_thousand_samples_are_listed_and_no_more_is_read_than_is_seen() -> None:
    app, _ = console(Recording(titles=("one",)))
    run = RunDirectory(Path("run"))
    folder = step_folder(run, LAST)
    for index in range(2, 60_000):
        os.link(folder / "prior-0.json", folder / f"prior-{index}.json")
    for step in range(10_001, 50_001):
        step_folder(run, step).mkdir()
    for step in (50_001, 50_002):
        step_folder(run, step).symlink_to(folder.resolve())
    async with app.run_test(size=FULL) as pilot:
        screen = await go(pilot)
        await sees(pilot, "40 005, newest first", "Step 50 002: 60 001")
        await pilot.press("end")
        await settled(pilot)
        await sees(pilot, "one  ")
        await pilot.press("k", "k", "k")
        await settled(pilot)
        assert screen.spot == Spot(50_002, "prior", 59_997)
        assert len(screen.library._records) < 1000


async def test_sizes_from_tiny_to_huge_are_survived() -> None:
    app, _ = console()
    async with app.run_test(size=FULL) as pilot:
        await go(pilot, *TO_JAZZ)
        for size in ((20, 5), (40, 12), (300, 100), (60, 20), FULL):
            await pilot.resize_terminal(*size)
            await settled(pilot)
        await sees(pilot, "jazz.00012", "kHz┤", "0.4 s")


# How it looks


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
def test_samples_of_a_run(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    app, player = console(Recording(state="finished", seconds=3.0))

    async def look(pilot: Pilot[str]) -> None:
        await go(pilot, *TO_JAZZ, "asterisk", "a", "space")
        player.position_s, player.duration_s = 1.2, 3.0
        screen_of(pilot).show_sounding()
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=look)


def test_samples_in_the_light_theme_with_the_difference(snap_compare) -> None:  # type: ignore[no-untyped-def]
    app, _ = console(Recording(state="finished", seconds=3.0))
    app.theme = LIGHT.name

    async def look(pilot: Pilot[str]) -> None:
        await go(pilot, *TO_JAZZ, "d")

    assert snap_compare(app, terminal_size=FULL, run_before=look)


def test_samples_without_colours(snap_compare, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("NO_COLOR", "1")
    app, _ = console(Recording(state="finished", seconds=3.0))

    async def look(pilot: Pilot[str]) -> None:
        await go(pilot, *TO_JAZZ)

    assert snap_compare(app, terminal_size=FULL, run_before=look)


@pytest.mark.parametrize("size", [FULL, SMALL], ids=["full", "small"])
def test_a_run_without_samples(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    app, _ = console(Recording(sample_epochs=()))

    async def look(pilot: Pilot[str]) -> None:
        await pilot.press("3")
        await sees(pilot, "they come with every")
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=look)
