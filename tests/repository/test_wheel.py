"""The wheel, installed far from the checkout, has everything that the programs need."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
from programs import DEADLINE_S

Run = Callable[..., str]

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the programs in an environment that has the wheel, and sees the dependencies of this one."""
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(place)]
    subprocess.run(build, cwd=CHECKOUT, check=True, capture_output=True, timeout=DEADLINE_S)
    (wheel,) = place.glob("*.whl")
    venv.create(place / "venv", symlinks=True)
    scheme = sysconfig.get_paths("venv", {"base": str(place / "venv"), "platbase": str(place / "venv")})
    pip = [sys.executable, "-m", "pip", f"--python={scheme['scripts']}/python", "install"]
    subprocess.run(
        [*pip, "--no-deps", "--no-index", "--quiet", str(wheel)], check=True, capture_output=True, timeout=DEADLINE_S
    )
    # A plain path: .pth files beside the dependencies, the one of this editable install among them, are not followed.
    (Path(scheme["purelib"]) / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return Path(scheme["scripts"])


@pytest.fixture
def run(installed: Path, environment: dict[str, str], tmp_path: Path) -> Run:
    """Run an installed program in an empty folder and give what it says on stdout."""
    place = tmp_path / "elsewhere"
    place.mkdir()
    environment["PATH"] = f"{installed}{os.pathsep}{environment['PATH']}"
    environment.pop("VIRTUAL_ENV", None)

    def run_program(program: str, *arguments: str) -> str:
        done = subprocess.run(
            [installed / program, *arguments],
            cwd=place,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run_program


def test_the_programs_run_from_the_wheel_and_not_from_the_checkout(run: Run, installed: Path) -> None:
    where = run(
        "python", "-c", "import harmonic_core, harmonic_tui; print(harmonic_core.__file__, harmonic_tui.__file__)"
    )
    assert all(Path(path).is_relative_to(installed.parent) for path in where.split())
    assert run("harmonic", "--version").startswith("harmonic-vae ")
    assert run("harmonic-tui", "--version").startswith("harmonic-tui ")


def test_the_profiles_are_found_in_the_wheel(run: Run, installed: Path) -> None:
    listed = {line.split()[0] for line in run("harmonic", "profiles", "list").splitlines()}
    assert listed == {path.stem for path in (CHECKOUT / "profiles").glob("*.toml")}
    assert Path(run("harmonic", "profiles", "path", "demo").strip()).is_relative_to(installed.parent)


def test_every_style_sheet_of_the_console_is_in_the_wheel(run: Run) -> None:
    package = Path(run("python", "-c", "import harmonic_tui; print(harmonic_tui.__path__[0])").strip())
    in_checkout = {path.relative_to(CHECKOUT / "harmonic_tui") for path in (CHECKOUT / "harmonic_tui").rglob("*.tcss")}
    assert in_checkout
    assert all((package / path).is_file() for path in in_checkout)


def test_the_page_of_a_report_is_in_the_wheel(run: Run) -> None:
    package = Path(run("python", "-c", "import harmonic_core; print(harmonic_core.__path__[0])").strip())
    page = CHECKOUT / "harmonic_core" / "sharing" / "report" / "page"
    files = [path.relative_to(CHECKOUT / "harmonic_core") for path in page.iterdir()]
    assert files
    assert all((package / path).is_file() for path in files)


@pytest.mark.slow
def test_the_demo_trains_from_the_wheel(run: Run, tiny: list[str]) -> None:
    lines = run("harmonic", "train", "demo", "--epochs", "1", *tiny).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Epoch 1/1, Train Loss: ")
    assert "finished" in run("harmonic", "runs")
