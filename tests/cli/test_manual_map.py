"""`docs/manual-map.md`: whatever stands in its middle column is typed here, top to bottom, on small data, and works.

Of other programs than `harmonic`: TensorBoard looks at the logs without serving them, the console prints its dashboard
once, and a virtual environment is made without pip. Images are not built and nothing is installed: for `docker` and
`pip` only what they are told of is looked at.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tarfile
import threading
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from asking import Asked, profile_of
from programs import TINY
from quick_music import write_wav
from typer.testing import CliRunner

from harmonic_core.cli import app
from harmonic_core.errors import ProfileError

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/manual-map.md"
DEADLINE_S = 500.0

TYPING = """
import json, sys, traceback
from harmonic_core.cli import main
with open(sys.argv[1]) as commands, open(sys.argv[2], "w") as statuses:
    for line in commands:
        sys.argv = json.loads(line)
        print("$", *sys.argv, flush=True)
        try:
            main()
            status = 0
        except SystemExit as end:
            status = end.code or 0
        except Exception:
            traceback.print_exc()
            status = "a traceback"
        print(json.dumps(status), file=statuses, flush=True)
"""
"""Types many commands in one process: each of its own would import torch anew."""

CONFIG = {
    **{"dataset": "gtzan", "dataset_dir": "data/gtzan", "mode": "train", "epochs": 100, "batch_size": 32},
    **{"latent_dim": 128, "hidden_dims": [1024, 512, 256], "learning_rate": 0.0005, "beta_start": 0.0001},
    **{"beta_end": 0.01, "segment_length": 3.0, "output_dir": "output/gtzan_production", "checkpoint_every": 10},
}
"""The manual's `config.json`."""

OF_A_PROGRAM = "python -m src.harmonic_audio_integration"
SMALL = [word for key, value in {**TINY, "train.epochs": "1"}.items() for word in ("--set", f"{key}={value}")]
SMALL_FLAGS = ["--epochs", "1", "--hidden-dims", "16,16"]
"""For a training by `config.json`, which no profile makes small. The last of two flags counts."""


@dataclass(frozen=True)
class Row:
    """A row of the page."""

    manual: str
    commands: tuple[str, ...]


def rows() -> list[Row]:
    """Every row of every table, in order."""
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = re.split(r"(?<!\\)\|", line)
        if len(cells) == 5 and not cells[1].startswith("-") and cells[2].strip() != "Here":
            found.append(Row(cells[1].strip(), tuple(re.findall(r"`([^`]+)`", cells[2]))))
    return found


def commands_of(program: str) -> list[str]:
    """What is to be typed of one program, in order."""
    return [command for row in rows() for command in row.commands if shlex.split(command)[0] == program]


def as_typed(command: str, url: str) -> list[str]:
    """Words of a command of ours, with what makes it small: a mirror here, a single trial, a model of few numbers."""
    words = shlex.split(command)
    if words[1:3] == ["data", "download"]:
        return [*words, "--base-url", url]
    if words[1] == "tune" and "--trials" in words:
        return [*words, "--trials", "1", "--epochs", "1"]
    return [*words, *SMALL, *SMALL_FLAGS] if "--config" in words else words


def write_profiles(folder: Path) -> None:
    """Profiles of the names that come with the program, with settings that train in moments."""
    folder.mkdir()
    for path in (ROOT / "profiles").glob("*.toml"):
        lines = [f'extends = "{path}"']
        small = {**TINY, "train.epochs": "2", "output.checkpoint_every": "30"}
        for section in sorted({key.partition(".")[0] for key in small}):
            lines.append(f"[{section}]")
            lines += [f"{key.partition('.')[2]} = {value}" for key, value in small.items() if key.startswith(section)]
        (folder / path.name).write_text("\n".join(lines))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server that has a little of GTZAN and of MAESTRO, in their layouts."""
    folder = tmp_path_factory.mktemp("mirror")
    with tarfile.open(folder / "genres.tar.gz", "w:gz") as archive:
        for genre, number in [(genre, number) for genre in ("hiphop", "jazz", "metal") for number in range(3)]:
            write_wav(folder / "clip.wav", 2.0, seed=100 * len(genre) + number)
            archive.add(folder / "clip.wav", f"genres/{genre}/{genre}.{number:05d}.wav")
    lines = ["canonical_composer,canonical_title,split,year,midi_filename,audio_filename,duration"]
    with zipfile.ZipFile(folder / "maestro-v3.0.0.zip", "w") as archive:
        for number, part in enumerate(("train", "train", "train", "validation", "test")):
            write_wav(folder / "piece.wav", 2.0, seed=900 + number)
            archive.write(folder / "piece.wav", f"maestro-v3.0.0/2004/piece_{number}.wav")
            lines.append(f"Bach,Piece {number},{part},2004,2004/piece_{number}.midi,2004/piece_{number}.wav,2.0")
        (folder / "maestro-v3.0.0.csv").write_text("\n".join(lines) + "\n")
        archive.write(folder / "maestro-v3.0.0.csv", "maestro-v3.0.0/maestro-v3.0.0.csv")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@dataclass(frozen=True)
class Session:
    """What came of typing the middle column."""

    place: Path
    environment: dict[str, str]
    statuses: list[tuple[str, int | str]]
    """Every command, and how it ended."""
    said: str

    def run(self, *words: str) -> str:
        """Type something else afterwards; it must work."""
        done = subprocess.run(
            words, cwd=self.place, env=self.environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory, mirror: str, audio_cache: Path) -> Session:
    """All commands of `harmonic`, typed one after the other in one folder."""
    place = tmp_path_factory.mktemp("manual")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HARMONIC_", "XDG_", "PYTHONPATH"))}
    environment = {
        **kept,
        "HOME": str(place / "home"),
        "XDG_CACHE_HOME": str(audio_cache),
        "OMP_NUM_THREADS": "1",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    write_profiles(place / "profiles")
    (place / "config.json").write_text(json.dumps(CONFIG))
    for number, folder in enumerate((place / "path/to/audio", place / "data/custom")):
        for other, artist in enumerate(("jazz/Monk", "jazz/Evans", "folk/Anna", "folk/Bo")):
            (folder / artist).mkdir(parents=True)
            write_wav(folder / artist / "song.wav", 3.0, seed=10 * number + other)
    commands = commands_of("harmonic")
    typed = [json.dumps(as_typed(command, mirror)) for command in commands]
    (place / "commands").write_text("\n".join(typed) + "\n")
    with (place / "said").open("w") as said:
        subprocess.run(
            [sys.executable, "-c", TYPING, "commands", "statuses"],
            cwd=place,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            timeout=DEADLINE_S,
            check=True,
        )
    statuses = [json.loads(line) for line in (place / "statuses").read_text().splitlines()]
    return Session(place, environment, list(zip(commands, statuses, strict=True)), (place / "said").read_text())


@pytest.mark.slow
def test_every_command_of_ours_works(session: Session) -> None:
    wrong = [(command, status) for command, status in session.statuses if status != 0]
    assert not wrong, f"{wrong}\n{session.said}"


@pytest.mark.slow
def test_what_trains_in_the_manual_is_understood_as_it_stands(
    session: Session, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = [command for row in rows() for command in re.findall(r"`([^`]+)`", row.manual)]
    monkeypatch.chdir(session.place)
    understood = 0
    for number, command in enumerate(each for each in typed if each.startswith(OF_A_PROGRAM)):
        words = shlex.split(command.removeprefix(OF_A_PROGRAM))
        said = dict(zip(words[::2], words[1::2], strict=True))
        if said.get("--mode", "train") != "train":
            continue
        goes_on = said.get("--resume_from", "").startswith(said.get("--output_dir", "-"))
        profile = profile_of(asked, *words, *([] if goes_on else ["--output_dir", f"new/{number}"]))
        understood += 1
        assert profile.train.epochs == int(said.get("--epochs", 100))
        assert profile.data.dataset == said.get("--dataset", "gtzan")
        assert (asked.point is not None) == ("--resume_from" in said)
    assert understood > 10


@pytest.mark.parametrize("mode", ["generate", "interpolate", "blend", "reconstruct", "visualize", "evaluate", "tune"])
def test_a_mode_that_is_no_training_is_answered_with_its_verb(mode: str) -> None:
    refusal = CliRunner().invoke(app, ["train", "--mode", mode]).exception
    assert isinstance(refusal, ProfileError)
    assert f"`harmonic {mode}`" in str(refusal)
    assert CliRunner().invoke(app, [mode, "--help"]).exit_code == 0


def test_every_row_has_a_command_and_only_programs_that_are_looked_at_are_named() -> None:
    assert all(row.commands for row in rows())
    programs = {shlex.split(command)[0] for row in rows() for command in row.commands}
    assert programs == {"harmonic", "harmonic-tui", "tensorboard", "docker", "pip", "python3", "."}


@pytest.mark.slow
def test_the_console_and_tensorboard_open_what_was_trained(session: Session) -> None:
    for command in commands_of("harmonic-tui"):
        words = shlex.split(command)
        assert "epoch 50" in session.run(*dict.fromkeys([*words, "--once"])).lower()
    for command in commands_of("tensorboard"):
        assert "epoch/val_loss" in session.run(*shlex.split(command), "--inspect")


def test_an_environment_is_made_and_entered_as_it_is_said(tmp_path: Path) -> None:
    made, entered = commands_of("python3"), commands_of(".")
    script = " && ".join([*(f"{each} --without-pip" for each in made), *entered, "command -v python"])
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == str(tmp_path / ".venv/bin/python")


def test_docker_and_pip_are_told_of_what_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    image = (ROOT / "Dockerfile").read_text()
    for command in commands_of("pip"):
        extras = re.findall(r"[\w-]+", command.partition("[")[2].partition("]")[0])
        assert set(extras) <= project["optional-dependencies"].keys()
    for words in map(shlex.split, commands_of("docker")):
        if words[1] == "run":
            after = words[words.index("harmonic-vae") + 1 :]
            assert after[0] in project["scripts"]
            mounted = [words[place + 1].partition(":")[2] for place, word in enumerate(words) if word == "-v"]
            assert mounted == json.loads(re.findall(r"^VOLUME (.+)$", image, re.MULTILINE)[0])
