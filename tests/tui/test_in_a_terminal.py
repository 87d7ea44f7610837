"""The real program in a real terminal."""

from pathlib import Path

from recorded_run import Recording, record_run
from terminal import Terminal
from watching import alive_now


def test_a_run_is_shown_in_a_terminal_and_left_with_q() -> None:
    record_run(Path("gtzan_ld128"), Recording(state="finished"))
    terminal = Terminal(["gtzan_ld128"])
    try:
        terminal.wait_for("gtzan_ld128", "✓ finished", "val 0.0944", "best 0.0935 at epoch 36", "jazz.00012")
        terminal.press("q")
        terminal.wait_for_the_end()
        assert terminal.exit_status == 0
    finally:
        terminal.close()


def test_leaving_a_live_run_says_how_to_come_back() -> None:
    record_run(Path("live"), alive_now(Recording(state="training")))
    terminal = Terminal(["live"])
    try:
        terminal.wait_for("● training")
        terminal.press("q")
        terminal.wait_for("Leave it running")
        terminal.press("\r")
        assert "live goes on. Come back with: harmonic-tui live" in terminal.wait_for_the_end()
        assert terminal.exit_status == 0
    finally:
        terminal.close()


def test_drivers_that_write_to_the_terminal_do_not_reach_the_screen(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    # As C libraries do: straight to the descriptors, past Python.
    noise = "import os\nos.write(1, b'GARBAGE ON THE SCREEN')\nos.write(2, b'GARBAGE ON THE SCREEN')\n"
    (tmp_path / "sounddevice.py").write_text(noise + "raise OSError('PortAudio library not found')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    record_run(Path("run"), Recording(state="finished"))
    terminal = Terminal(["run"])
    try:
        terminal.wait_for("libportaudio2 is missing", "✓ finished")
        assert "GARBAGE" not in terminal.text
    finally:
        terminal.close()
