"""Playback on the server that PULSE_SERVER names: a real PulseAudio, whose loudspeaker is listened to."""

import asyncio
import os
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from ears import CARD_INTO_A_FILE, RATE
from numpy.typing import NDArray
from recorded_run import NOW, Recording, record_run
from scipy.signal import fftconvolve
from watching import DEADLINE_S, sees

from harmonic_tui.app import Console
from harmonic_tui.sound.player import Heard, Player
from harmonic_tui.sound.pulse import named_servers, silent_because

MODULES = (
    "module-native-protocol-unix socket={folder}/native auth-anonymous=1",
    f"module-null-sink sink_name=ear rate={RATE} channels=1 format=float32le",
)


async def happens(condition: Callable[[], object]) -> None:
    deadline = asyncio.get_running_loop().time() + DEADLINE_S
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it never happened"
        await asyncio.sleep(0.02)


class SoundServer:
    """A PulseAudio whose only loudspeaker is silent, and an ear at it."""

    def __init__(self, folder: Path) -> None:
        for program, package in {"pulseaudio": "pulseaudio", "parec": "pulseaudio-utils"}.items():
            assert shutil.which(program), f"the test needs a real sound server: sudo apt install {package}"
        folder.mkdir()
        self.address = f"unix:{folder}/native"
        self._environment = {**os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
        modules = [part for module in MODULES for part in ("-L", module.format(folder=folder))]
        settings = ["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
        self.process = subprocess.Popen(
            ["pulseaudio", *settings, *modules], env=self._environment, stderr=subprocess.DEVNULL
        )
        self._heard = bytearray()
        self._ear: subprocess.Popen[bytes] | None = None

    async def listen(self) -> None:
        """Begin to listen, once the server answers."""
        await happens(lambda: not silent_because(self.address))
        form = ["--raw", f"--rate={RATE}", "--channels=1", "--format=float32le", "--latency-msec=20"]
        command = ["parec", "--server", self.address, "--device=ear.monitor", *form]
        self._ear = subprocess.Popen(command, env=self._environment, stdout=subprocess.PIPE)
        threading.Thread(target=self._take_in, args=(self._ear,), daemon=True).start()
        await happens(lambda: self._heard)

    def _take_in(self, ear: subprocess.Popen[bytes]) -> None:
        assert ear.stdout is not None
        while block := os.read(ear.stdout.fileno(), 4096):
            self._heard += block

    def heard(self) -> NDArray[np.float32]:
        """What came out of the loudspeaker until now."""
        return np.frombuffer(bytes(self._heard[: len(self._heard) // 4 * 4]), np.float32)

    def close(self) -> None:
        """End both."""
        for process in filter(None, (self._ear, self.process)):
            process.terminate()
            process.wait()


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SoundServer]:
    server = SoundServer(tmp_path / "server")
    try:
        await server.listen()
        monkeypatch.setenv("PULSE_SERVER", server.address)
        yield server
    finally:
        server.close()


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A card on this machine, beside the server."""
    path = tmp_path / "card.raw"
    (Path(os.environ["HOME"]) / ".asoundrc").write_text(CARD_INTO_A_FILE.format(path=path))
    return path


def a_sound(folder: Path, seconds: float = 1.0) -> tuple[Path, NDArray[np.float32]]:
    time = np.arange(round(seconds * RATE)) / RATE
    sound = (0.5 * np.sin(2 * np.pi * (200 * time + 300 * time**2)) * np.hanning(len(time))).astype(np.float32)
    path = folder / "glide.wav"
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    return path, sound


def likeness(heard: NDArray[np.float32], sound: NDArray[np.float32]) -> float:
    """How much of what was heard at the most likely place is the sound, from 0 to 1."""
    if len(heard) < len(sound):
        return 0.0
    place = int(np.argmax(fftconvolve(heard, sound[::-1], "valid")))
    part = heard[place : place + len(sound)]
    return float(part @ sound / max(1e-9, float(np.linalg.norm(part) * np.linalg.norm(sound))))


async def test_what_is_played_is_heard_at_the_server(server: SoundServer, card: Path, tmp_path: Path) -> None:
    path, sound = a_sound(tmp_path)
    said: list[Heard] = []
    player = Player(said.append)
    await player.open()
    assert player.route.startswith("PulseAudio at unix:")
    assert player.route_in_use == "pulse"
    await player.play(path)
    await happens(lambda: any(heard.event == "finished" for heard in said))
    await happens(lambda: likeness(server.heard(), sound) > 0.999)
    await player.close()
    assert not card.exists() or not np.frombuffer(card.read_bytes(), np.float32).any()


async def test_a_server_that_does_not_answer_is_named_and_passed_over(
    card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_SERVER", "unix:/nowhere/native")
    console = Console(record_run(Path("run"), Recording()), clock=lambda: NOW)
    async with console.run_test(size=(160, 40)) as pilot:
        await sees(pilot, "sound: default, as unix:/nowhere/native does not answer: no such file or directory")
        await pilot.press("o")
        await sees(pilot, "✗ sound server", "✓ this machine")
    assert card is not None


async def test_when_the_server_goes_away_that_is_said_and_the_next_sound_goes_elsewhere(
    server: SoundServer, card: Path, tmp_path: Path
) -> None:
    path, _ = a_sound(tmp_path, seconds=30.0)
    said: list[Heard] = []
    player = Player(said.append)
    await player.play(path)
    await happens(lambda: np.abs(server.heard()).max() > 0.01)
    server.process.kill()
    await happens(lambda: any(heard.event == "failed" for heard in said))
    assert player.playing is None
    await player.play(path)
    assert player.route_in_use == "local"
    assert "does not answer" in player.route
    await happens(lambda: card.exists() and np.frombuffer(card.read_bytes()[:400_000], np.float32).any())
    await player.close()


async def test_a_route_is_chosen_by_hand_and_what_sounds_goes_on_there(
    server: SoundServer, card: Path, tmp_path: Path
) -> None:
    path, _ = a_sound(tmp_path, seconds=30.0)
    player = Player(lambda heard: None)
    await player.choose("local")
    assert player.route == "default (chosen)"
    await player.choose("pulse")
    await player.play(path)
    await happens(lambda: np.abs(server.heard()).max() > 0.01)
    await player.choose("copy")
    assert player.route.startswith("off")
    assert player.paused
    assert player.position_s > 0
    await player.choose(None)
    player.resume()
    heard_until = len(server.heard())
    await happens(lambda: np.abs(server.heard()[heard_until + 2 * RATE :]).max(initial=0.0) > 0.01)
    assert player.position_s > 2.0
    await player.close()
    assert card is not None


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("laptop", [("laptop", 4713)]),
        ("tcp:laptop:4000", [("laptop", 4000)]),
        ("tcp6:[fe80::1]:4000", [("fe80::1", 4000)]),
        ("tcp:[fe80::1]", [("fe80::1", 4713)]),
        ("unix:/run/native", ["/run/native"]),
        ("{0123}unix:/run/native  tcp4:10.0.0.7", ["/run/native", ("10.0.0.7", 4713)]),
    ],
)
def test_servers_are_named_as_pulseaudio_names_them(text: str, servers: list[object]) -> None:
    assert named_servers(text) == servers
