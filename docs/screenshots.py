"""The pictures of README and docs/console.md, from the real program on real runs: `make screenshots`.

Trains the demo twice and tries a few settings of it, in a folder that goes away afterwards, or looks at the runs that
are already in `--folder`. Chromium makes the pictures from the console's own drawings of itself.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harmonic_core.run.directory import RunDirectory
from harmonic_tui.app import Console

_HERE = Path(__file__).parent
_SETTLE_S = 1.5
_MAIN, _OTHER = "demo-main", "demo-strong-beta"
_TRAIN = {
    _MAIN: ("train", "demo", "--set", "train.epochs=60"),
    _OTHER: ("train", "demo", "--set", "train.epochs=40", "--set", "loss.beta_end=0.02"),
}
_TUNE = ("tune", "demo", "--trials", "8", "--epochs", "2", "--study", "demo")


@dataclass(frozen=True)
class Picture:
    """One picture: how large the terminal is, which keys lead there, and what has to be on the screen."""

    name: str
    keys: tuple[str, ...] = ()
    size: tuple[int, int] = (120, 36)
    theme: str = "harmonic-dark"
    settle_s: float = _SETTLE_S


PICTURES = (
    Picture("dashboard"),
    Picture("dashboard-wide", size=(200, 50), theme="harmonic-light"),
    Picture("dashboard-small", size=(80, 24)),
    Picture("runs", ("1",), settle_s=4.0),
    Picture("new-run", ("1", "n"), settle_s=4.0),
    Picture("samples", ("3", "down", "down", "down", "down", "down"), settle_s=4.0),
    Picture("latent", ("4",), settle_s=40.0),
    Picture("compare", ("5", "down", "space"), settle_s=5.0),
    Picture("data", ("6",)),
    Picture("tuning", ("7",), settle_s=3.0),
    Picture("log", ("8",)),
    Picture("steer", ("t",)),
    Picture("sound", ("o",)),
    Picture("evaluation", ("e",)),
    Picture("help", ("question_mark",)),
)


def train(folder: Path) -> None:
    """Make the runs that are not there yet."""
    command = [sys.executable, "-m", "harmonic_core"]
    for name, arguments in _TRAIN.items():
        if not RunDirectory(folder / "runs" / name).exists():
            subprocess.run([*command, *arguments, "--output-dir", f"runs/{name}"], cwd=folder, check=True)
    if not (folder / "output" / "tuning").exists():
        subprocess.run([*command, *_TUNE], cwd=folder, check=True)


async def draw(picture: Picture, into: Path) -> None:
    """Open the console, press the keys, and write what it shows."""
    console = Console(RunDirectory(Path("runs") / _MAIN), sound=False)
    async with console.run_test(size=picture.size) as pilot:
        console.theme = picture.theme
        await pilot.pause(_SETTLE_S)
        for key in picture.keys:
            await pilot.press(key)
            await pilot.pause(0.3)
        await pilot.pause(picture.settle_s)
        drawing = into / f"{picture.name}.svg"
        # A little larger than the framework draws letters, so that lines and blocks of neighbouring rows meet.
        drawing.write_text(
            console.export_screenshot(title="harmonic-tui").replace("font-size: 20px", "font-size: 21px")
        )
    _photograph(drawing, into / f"{picture.name}.png")
    drawing.unlink()


def _photograph(drawing: Path, picture: Path) -> None:
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawing.read_text())
    assert box is not None
    width, height = (round(float(side)) for side in box.groups())
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Chromium makes the pictures and is not installed: make test-deps")
    flags = ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--default-background-color=00000000")
    subprocess.run(
        [chromium, *flags, f"--screenshot={picture}", f"--window-size={width},{height}", drawing.as_uri()],
        check=True,
        stderr=subprocess.DEVNULL,
    )


def main() -> None:
    """Train what is missing, then draw the pictures that are asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="pictures to draw; all of them without")
    parser.add_argument("--folder", type=Path, help="where runs are, or are to stay")
    parser.add_argument("--into", type=Path, default=_HERE / "pictures", help="where the pictures go")
    options = parser.parse_args()
    into: Path = options.into.resolve()
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = (options.folder or Path(temporary)).resolve()
        train(folder)
        os.chdir(folder)
        for picture in PICTURES:
            if not options.names or picture.name in options.names:
                asyncio.run(draw(picture, into))
                print(into / f"{picture.name}.png")


if __name__ == "__main__":
    main()
