"""A real trainer that meets broken files, seen in a real terminal."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from real_runs import DEADLINE_S, PROFILE, the_run, wait_for_state
from recorded_run import SAMPLE_RATE, tone
from terminal import Terminal

from harmonic_core.run.records import read_rows

CUSTOM = '[data]\ndataset = "custom"\ncustom_dir = "music"\n'
NOT_SOUND = {"notes.wav": b"not a sound", "empty.mp3": b"", "noise.ogg": bytes(range(256)) * 40}


@pytest.fixture
def music(workplace: Path) -> Path:
    """A folder of files that are no sound, and of one that is too short."""
    folder = workplace / "music"
    folder.mkdir()
    for name, content in NOT_SOUND.items():
        (folder / name).write_bytes(content)
    soundfile.write(folder / "short.wav", np.full(SAMPLE_RATE // 10, 0.1, np.float32), SAMPLE_RATE)
    return folder


@pytest.mark.slow
def test_good_files_are_trained_on_and_broken_ones_named_in_the_console(profile: Path, music: Path) -> None:
    for number in range(4):
        soundfile.write(music / f"good {number}.wav", tone(220.0 * (number + 1), 3.0), SAMPLE_RATE)
    profile.write_text(PROFILE.replace("[data]\n", CUSTOM).replace("epochs = 3", "epochs = 100000"))
    terminal = Terminal(["--profile", str(profile)])
    try:
        terminal.wait_for("● training", "r Refused", deadline_s=DEADLINE_S)
        terminal.press("r")
        terminal.wait_for("Refused: 4 files", "notes.wav", "empty.mp3", "noise.ogg", "short.wav", "0.10 s long")
        terminal.press("\x1b")
        terminal.wait_for("q Leave", "─ Loss")
        preparation = wait_for_state("training").preparation
        assert preparation is not None
        assert (preparation.done, preparation.total, preparation.refused) == (8, 8, 4)
        assert preparation.audio_s == pytest.approx(12.0, abs=0.5)
    finally:
        terminal.close()


@pytest.mark.slow
def test_where_no_file_is_good_the_console_shows_every_one_of_them_and_the_reason(profile: Path, music: Path) -> None:
    profile.write_text(PROFILE.replace("[data]\n", CUSTOM))
    terminal = Terminal(["--profile", str(profile)])
    try:
        terminal.wait_for("✗ failed", "No valid audio files in music", "Refused: 4 files", deadline_s=DEADLINE_S)
        terminal.wait_for("notes.wav", "empty.mp3", "noise.ogg", "short.wav")
        refused = {row["title"] for row in read_rows(the_run().events) if row["kind"] == "refused"}
        assert refused == {*NOT_SOUND, "short.wav"}
    finally:
        terminal.close()
