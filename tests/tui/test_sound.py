"""Playback through the real helper, into an ALSA device that writes what it hears to a file."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from ears import CARD_INTO_A_FILE, RATE, Ear, PatientEar, heard_exactly, place_of
from numpy.typing import NDArray
from recorded_run import NOW, Recording, record_run
from watching import DEADLINE_S, sees, text_of, until

from harmonic_core.run.samples import read_samples, sample_path
from harmonic_tui.app import Console
from harmonic_tui.sound.helper import log_path
from harmonic_tui.sound.player import Heard, Player

SIZE = (140, 40)


@pytest.fixture
def ear(tmp_path: Path) -> Ear:
    """A sound card whose every sample is kept."""
    path = tmp_path / "heard.raw"
    settings = Path(os.environ["HOME"]) / ".asoundrc"
    settings.write_text(CARD_INTO_A_FILE.format(path=path))
    return lambda: np.frombuffer(path.read_bytes(), np.float32) if path.exists() else np.zeros(0, np.float32)


@pytest.fixture
def patient_ear(tmp_path: Path) -> Iterator[PatientEar]:
    """A sound card that hears two seconds, and the rest when it is told to go on."""
    pipe = tmp_path / "pipe"
    (Path(os.environ["HOME"]) / ".asoundrc").write_text(CARD_INTO_A_FILE.format(path=pipe))
    ear = PatientEar(pipe, allowed=2 * 22_050)
    yield ear
    ear.go_on.set()
    ear.close()


async def test_space_plays_the_chosen_sample_and_it_is_heard_as_it_was_written(patient_ear: PatientEar) -> None:
    run = record_run(Path("run"), Recording(seconds=4.0))
    sample = read_samples(run, 1200)[0]
    written, _ = soundfile.read(sample_path(run, sample, "prior"), dtype="float32")
    console = Console(run, clock=lambda: NOW)
    async with console.run_test(size=SIZE) as pilot:
        await sees(pilot, "sound: default", "prior 1")
        await pilot.press("space")
        await sees(pilot, "▶ prior 1")
        patient_ear.go_on.set()
        await until(pilot, lambda: console.player.playing is None)
        await until(pilot, lambda: "▶" not in text_of(console))
        await until(pilot, lambda: heard_exactly(patient_ear.samples(), written))
    assert heard_exactly(patient_ear.samples(), written)


async def test_takes_are_compared_from_the_same_place(patient_ear: PatientEar, monkeypatch: pytest.MonkeyPatch) -> None:
    run = record_run(Path("run"), Recording(titles=("one",), seconds=20.0))
    sample = read_samples(run, 1200)[2]
    takes = {take: soundfile.read(sample_path(run, sample, take), dtype="float32")[0] for take in sample.files}
    console = Console(run, clock=lambda: NOW)
    said: list[str] = []
    report = console.player._report
    monkeypatch.setattr(console.player, "_report", lambda each: (said.append(each.event), report(each)))
    async with console.run_test(size=SIZE) as pilot:
        await sees(pilot, "sound: default", "[C] reconstruction")
        await pilot.press("end", "space")
        await until(pilot, lambda: len(patient_ear) >= 2 * 22_050)
        await pilot.press("a")
        await sees(pilot, "▶ one", "[A] B C original")
        # At full speed the first take could be over before the helper hears of the second.
        patient_ear.pace_s = patient_ear.REAL_CARD_S
        patient_ear.go_on.set()
        await until(pilot, lambda: said.count("started") == 2)
        patient_ear.pace_s = 0.0
        await until(pilot, lambda: console.player.playing is None)
        await until(pilot, lambda: "▶" not in text_of(console))
    heard = patient_ear.samples()
    assert place_of(heard[20_000:24_000], takes["reconstruction"]) >= 0
    parts = ((start, heard[start:][:400]) for start in range(2 * 22_050, len(heard), 500))
    place, changed = next(
        (place, start)
        for start, part in parts
        if np.abs(part).max() > 0.05 and (place := place_of(part, takes["original"])) >= 0
    )
    # The same place in the music, but for what the card had in store when the take was changed.
    assert abs(place - changed) < 22_050


async def test_space_falls_silent_when_pressed_again(patient_ear: PatientEar) -> None:
    console = Console(record_run(Path("run"), Recording(seconds=20.0)), clock=lambda: NOW)
    async with console.run_test(size=SIZE) as pilot:
        await sees(pilot, "sound: default", "prior 1")
        await pilot.press("space")
        await until(pilot, lambda: len(patient_ear) >= 2 * 22_050)
        await pilot.press("space")
        await until(pilot, lambda: "▶" not in text_of(console))
        assert console.player.playing is None
        # At full speed the sound could be over before the helper hears that it is to stop.
        patient_ear.pace_s = patient_ear.REAL_CARD_S
        patient_ear.go_on.set()
        heard = -1
        while heard != len(patient_ear):
            heard = len(patient_ear)
            await pilot.pause(0.5)
    assert len(patient_ear) < 10 * 22_050


def put_in_place_of_sounddevice(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "sounddevice.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")


async def test_without_a_card_one_line_says_how_to_copy_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What sounddevice does on a machine without a card, also on one that has one.
    code = "class PortAudioError(Exception): ...\ndef query_devices(kind): raise PortAudioError('device -1')\n"
    put_in_place_of_sounddevice(code, tmp_path, monkeypatch)
    console = Console(record_run(Path("run"), Recording()), clock=lambda: NOW)
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await sees(pilot, "sound: none, no sound card here", "prior 1")
        await pilot.press("space")
        await sees(pilot, "No sound card here. Copy the file", "scp")
        assert "Traceback" not in text_of(console)
        assert "▶" not in text_of(console)


async def test_a_driver_that_crashes_leaves_the_console_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    # PortAudio aborts its process when ALSA has no configuration at all.
    monkeypatch.setenv("ALSA_CONFIG_PATH", os.devnull)
    console = Console(record_run(Path("run"), Recording()), clock=lambda: NOW)
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await sees(pilot, "sound: none, the driver crashed", "prior 1")
        await pilot.press("space")
        await sees(pilot, "The sound driver crashed. Copy the file")


async def test_without_portaudio_one_line_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What sounddevice does on import where the library is missing.
    put_in_place_of_sounddevice("raise OSError('PortAudio library not found')", tmp_path, monkeypatch)
    console = Console(record_run(Path("run"), Recording()), clock=lambda: NOW)
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await sees(pilot, "sound: none, libportaudio2 is missing", "prior 1")
        await pilot.press("space")
        await sees(pilot, "sudo apt install libportaudio2")


async def test_a_sample_that_is_no_sound_is_said_to_be_none(ear: Ear) -> None:
    run = record_run(Path("run"), Recording())
    sample_path(run, read_samples(run, 1200)[0], "prior").write_bytes(b"not a sound")
    console = Console(run, clock=lambda: NOW)
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await sees(pilot, "sound: default", "prior 1")
        await pilot.press("space")
        await sees(pilot, "Not played")
        assert "▶" not in text_of(console)
        assert not ear().any()


async def test_a_sample_that_was_deleted_is_said_to_be_gone(ear: Ear) -> None:
    run = record_run(Path("run"), Recording())
    console = Console(run, clock=lambda: NOW)
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await sees(pilot, "sound: default", "prior 1")
        sample_path(run, read_samples(run, 1200)[0], "prior").unlink()
        await pilot.press("space")
        await sees(pilot, "is not there any more")
        assert not ear().any()


async def test_when_the_helper_dies_the_next_try_starts_a_new_one(ear: Ear) -> None:
    said: list[Heard] = []
    player = Player(said.append)
    run = record_run(Path("run"), Recording())
    path = sample_path(run, read_samples(run, 1200)[0], "prior")
    await player.open()
    first = player._helper
    assert first is not None
    assert first.process is not None
    first.process.kill()
    await first.process.wait()
    await player.play(path)
    assert player._helper is not first
    await player.close()
    assert ear is not None


async def test_a_search_for_an_output_that_was_broken_off_is_done_anew(ear: Ear) -> None:
    said: list[Heard] = []
    player = Player(said.append)
    run = record_run(Path("run"), Recording())
    path = sample_path(run, read_samples(run, 1200)[0], "prior")
    written, _ = soundfile.read(path, dtype="float32")
    search = asyncio.create_task(player.open())
    deadline = asyncio.get_running_loop().time() + DEADLINE_S
    while player._helper is None or player._helper.process is None:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.001)
    search.cancel()
    await asyncio.wait([search])
    await player.play(path)
    assert player.route == "default"
    while not any(heard.event == "finished" for heard in said):
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)
    await player.close()
    assert heard_exactly(ear(), written)


class Listened:
    """A player whose every reply is kept, and the sound that it plays: a glide, no two places of which are alike."""

    def __init__(self, folder: Path, seconds: float = 6.0) -> None:
        time = np.arange(round(seconds * RATE)) / RATE
        self.sound = (0.5 * np.sin(2 * np.pi * (200 * time + 60 * time**2))).astype(np.float32)
        self.path = folder / "glide.wav"
        soundfile.write(self.path, self.sound, RATE, subtype="FLOAT")
        self.said: list[str] = []
        self.replies: list[str] = []
        self.player = Player(lambda heard: self.said.append(heard.event))
        hear = self.player._hear
        self.player._hear = lambda reply: (self.replies.append(reply["event"]), hear(reply))  # type: ignore[method-assign,assign,func-returns-value]

    def heard(self, ear: PatientEar) -> NDArray[np.float32]:
        """What was heard since the sound began, but for its very first sample, which is 0."""
        samples = ear.samples()
        return samples[np.flatnonzero(samples)[0] - 1 :]

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until it holds."""
        deadline = asyncio.get_running_loop().time() + DEADLINE_S
        while not condition():
            assert asyncio.get_running_loop().time() < deadline, "it never happened"
            await asyncio.sleep(0.01)

    async def plays_two_seconds(self, ear: PatientEar) -> None:
        """The card has heard two seconds, and takes no more until it is told to."""
        await self.player.play(self.path, title="a glide")
        await self.until(lambda: len(ear) >= 2 * RATE and self.player.duration_s)

    async def goes_silent(self, ear: PatientEar) -> None:
        """Wait until no more is heard."""
        ear.pace_s = ear.REAL_CARD_S
        ear.go_on.set()
        heard = -1
        while heard != len(ear):
            heard = len(ear)
            await asyncio.sleep(0.5)

    def no_click_in(self, heard: NDArray[np.float32]) -> bool:
        """Whether it moves no more abruptly than the sound itself, or than a fade of it."""
        return float(np.abs(np.diff(heard)).max()) < 1.2 * float(np.abs(np.diff(self.sound)).max())


@pytest.fixture
async def listened(tmp_path: Path) -> AsyncIterator[Listened]:
    listened = Listened(tmp_path)
    yield listened
    await listened.player.close()


async def test_after_a_pause_it_goes_on_where_it_was_without_a_click(
    patient_ear: PatientEar, listened: Listened
) -> None:
    player = listened.player
    await listened.plays_two_seconds(patient_ear)
    player.pause()
    await listened.until(lambda: "paused" in listened.replies)
    held = player.position_s
    await listened.goes_silent(patient_ear)
    before = listened.heard(patient_ear)
    assert player.paused
    assert player.position_s == held
    assert listened.no_click_in(np.append(before, 0.0))
    player.resume()
    await listened.until(lambda: player.playing is None)
    await listened.goes_silent(patient_ear)
    after = np.trim_zeros(listened.heard(patient_ear)[len(before) :])
    sounded = np.flatnonzero(before)[-1] - 200
    assert np.allclose(before[:sounded], listened.sound[:sounded], atol=1e-4)
    assert abs(place_of(after[2000:2400], listened.sound) - 2000 - round(held * RATE)) <= 2
    assert listened.no_click_in(np.append(0.0, after[:-1]))
    assert listened.said.count("finished") == 1


async def test_seeking_goes_on_from_another_place_without_a_click(patient_ear: PatientEar, listened: Listened) -> None:
    player = listened.player
    await listened.plays_two_seconds(patient_ear)
    player.seek(5.0)
    assert player.position_s >= 5.0
    await listened.until(lambda: listened.replies[-1:] == ["position"])
    patient_ear.pace_s = patient_ear.REAL_CARD_S
    patient_ear.go_on.set()
    await listened.until(lambda: player.playing is None)
    await listened.goes_silent(patient_ear)
    heard = listened.heard(patient_ear)
    end = np.flatnonzero(heard)[-1] + 1
    assert place_of(heard[end - 5000 : end - 4600], listened.sound) > 5.5 * RATE
    assert end < 5 * RATE
    assert listened.no_click_in(heard[:end])


async def test_a_loop_begins_again_without_a_click_until_it_is_told_not_to(
    patient_ear: PatientEar, tmp_path: Path
) -> None:
    listened = Listened(tmp_path, seconds=1.0)
    player = listened.player
    player.set_loop(True)
    await player.play(listened.path)
    await listened.until(lambda: len(patient_ear) >= 2 * RATE)
    player.set_loop(False)
    patient_ear.pace_s = patient_ear.REAL_CARD_S
    patient_ear.go_on.set()
    await listened.until(lambda: player.playing is None)
    await player.close()
    heard = listened.heard(patient_ear)
    places = [place_of(heard[start : start + 400], listened.sound) for start in (5000, 5000 + RATE)]
    assert places == [5000, 5000]
    assert listened.no_click_in(heard[: 2 * RATE])


async def test_volume_changes_how_loud_it_is_and_nothing_else(patient_ear: PatientEar, listened: Listened) -> None:
    player = listened.player
    await listened.plays_two_seconds(patient_ear)
    player.set_volume(0.5)
    player.set_loop(True)
    player.set_loop(False)
    patient_ear.pace_s = patient_ear.REAL_CARD_S
    patient_ear.go_on.set()
    await listened.until(lambda: player.playing is None)
    await listened.goes_silent(patient_ear)
    heard = listened.heard(patient_ear)[: len(listened.sound)]
    end = slice(len(heard) - 10_000, len(heard) - 1000)
    # Half the volume is a quarter of the amplitude, −12 dB: about half as loud.
    assert np.allclose(heard[end], 0.25 * listened.sound[end], atol=1e-4)
    assert np.allclose(heard[: 2 * RATE], listened.sound[: 2 * RATE], atol=1e-4)
    assert listened.no_click_in(heard[:-1])


async def test_the_position_goes_on_by_itself_while_it_sounds(patient_ear: PatientEar, listened: Listened) -> None:
    player = listened.player
    await listened.plays_two_seconds(patient_ear)
    assert player.duration_s == pytest.approx(6.0)
    first = player.position_s
    await listened.until(lambda: player.position_s > first)
    assert player.title == "a glide"
    player.stop()
    assert (player.playing, player.position_s, player.duration_s) == (None, 0.0, None)


async def test_what_drivers_say_lies_in_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    noise = "import os\nos.write(1, b'ALSA complains')\nraise OSError('PortAudio library not found')\n"
    put_in_place_of_sounddevice(noise, tmp_path, monkeypatch)
    player = Player(lambda heard: None)
    await player.open()
    await player.close()
    assert player.route.startswith("none, libportaudio2 is missing")
    assert log_path().is_relative_to(tmp_path)
    assert log_path().read_text() == "ALSA complains"
