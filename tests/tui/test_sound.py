"""Playback through the real helper, into an ALSA device that writes what it hears to a file."""

import os
import select
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from recorded_run import NOW, Recording, record_run
from scipy.signal import fftconvolve
from watching import sees, text_of, until

from harmonic_core.run.samples import read_samples, sample_path
from harmonic_tui.app import Console
from harmonic_tui.sound.player import Heard, Player

SIZE = (140, 40)
CARD_INTO_A_FILE = """
pcm.!default {{ type plug slave.pcm "ear" }}
pcm.ear {{ type file slave.pcm "void" file "{path}" format "raw" }}
pcm.void {{ type null }}
"""


Ear = Callable[[], NDArray[np.float32]]


@pytest.fixture
def ear(tmp_path: Path) -> Ear:
    """A sound card whose every sample is kept."""
    path = tmp_path / "heard.raw"
    settings = Path(os.environ["HOME"]) / ".asoundrc"
    settings.write_text(CARD_INTO_A_FILE.format(path=path))
    return lambda: np.frombuffer(path.read_bytes(), np.float32) if path.exists() else np.zeros(0, np.float32)


def heard_exactly(heard: NDArray[np.float32], sound: NDArray[np.float32]) -> bool:
    """Whether `sound` came out of the loudspeaker sample by sample, with silence around it."""
    first = np.flatnonzero(heard)
    start = int(first[0]) - int(np.flatnonzero(sound)[0]) if len(first) else 0
    part = heard[start : start + len(sound)]
    return len(part) == len(sound) and np.allclose(part, sound, atol=1e-4) and not heard[start + len(sound) :].any()


def place_of(part: NDArray[np.float32], sound: NDArray[np.float32]) -> int:
    """Sample of `sound` at which `part` begins; -1 where it is not in there."""
    wide = sound.astype(np.float64)
    energy = fftconvolve(wide**2, np.ones(len(part)), "valid")
    place = int(np.argmin(energy - 2 * fftconvolve(wide, part[::-1].astype(np.float64), "valid")))
    return place if np.allclose(sound[place : place + len(part)], part, atol=1e-4) else -1


class PatientEar:
    """A card that takes no more than it is allowed to: time stands still until the test lets it go on."""

    REAL_CARD_S = 0.02
    """Pace at which it is no more than twice as quick as a real card."""

    def __init__(self, pipe: Path, allowed: int) -> None:
        self.heard = bytearray()
        self.go_on = threading.Event()
        self.pace_s = 0.0
        """Pause after every 1024 samples."""
        self._allowed = 4 * allowed
        self._closing = threading.Event()
        os.mkfifo(pipe)
        # Opened for both, so that it never ends between two players.
        self._pipe = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def __len__(self) -> int:
        return len(self.heard) // 4

    def samples(self) -> NDArray[np.float32]:
        """What was heard, as (samples,)."""
        return np.frombuffer(bytes(self.heard[: 4 * len(self)]), np.float32)

    def close(self) -> None:
        """Unplug the card."""
        self._closing.set()
        self._thread.join()
        os.close(self._pipe)

    def _listen(self) -> None:
        while not self._closing.is_set():
            if not self.go_on.is_set() and len(self.heard) >= self._allowed:
                self.go_on.wait(0.02)
            elif select.select([self._pipe], [], [], 0.02)[0]:
                self.heard += os.read(self._pipe, 4096)
                self._closing.wait(self.pace_s)


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
    first = player._process
    assert first is not None
    first.kill()
    await first.wait()
    await player.play(path)
    assert player._process is not first
    await player.close()
    assert ear is not None
