"""What the programs import: the quick ones nothing heavy, the console no torch, the trainer no screen."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from programs import DEADLINE_S

HEAVY = {"torch", "torchaudio", "librosa", "optuna", "av", "soundfile", "scipy", "textual", "sounddevice"}


def imported_by(code: str, place: Path) -> set[str]:
    """Top-level modules that a fresh interpreter holds after `code`."""
    report = (
        "import sys, json; sys.stderr.write('\\n' + json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    program = f"try:\n    {code}\nexcept SystemExit as end:\n    assert not end.code, end.code\nfinally:\n    {report}"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=place, capture_output=True, text=True, check=True, timeout=DEADLINE_S
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["train", "--help"], ["profiles", "list"], ["profiles", "show", "demo"], ["runs"]],
)
def test_verbs_that_answer_at_once_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    code = f"import sys, harmonic_core.cli; sys.argv[1:] = {arguments!r}; harmonic_core.cli.main()"
    assert not imported_by(code, tmp_path) & HEAVY


def test_the_help_does_not_even_need_the_profiles(tmp_path: Path) -> None:
    code = "import sys, harmonic_core.cli; sys.argv[1:] = ['--help']; harmonic_core.cli.main()"
    assert not imported_by(code, tmp_path) & {"pydantic", "numpy", "psutil", "tomli"}


def test_the_whole_console_is_imported_without_torch(tmp_path: Path) -> None:
    code = (
        "import pkgutil, importlib, harmonic_tui; "
        "[importlib.import_module(each.name) for each in pkgutil.walk_packages(harmonic_tui.__path__, 'harmonic_tui.') "
        "if not each.name.endswith('__main__')]"
    )
    found = imported_by(code, tmp_path)
    assert "textual" in found
    assert not found & {"torch", "torchaudio", "librosa", "optuna", "av", "scipy"}


def test_the_trainer_is_imported_without_a_screen(tmp_path: Path) -> None:
    found = imported_by("import harmonic_core.training.start", tmp_path)
    assert "torch" in found
    assert not found & {"textual", "textual_plotext", "plotext", "sounddevice", "harmonic_tui"}
