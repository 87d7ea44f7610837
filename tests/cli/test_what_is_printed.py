"""Results on stdout, everything else on stderr; colours only where they are wanted."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pexpect
import pytest
from programs import DEADLINE_S, Programs, known_status

from harmonic_core.errors import ExitCode
from harmonic_core.run.directory import RunDirectory

EPOCH_LINE = re.compile(
    r"Epoch \d+/2, Train Loss: \d\.\d{4}, Val Loss: \d\.\d{4}, Recon: \d\.\d{4}, KL: \d\.\d{4}, LR: \d\.\d+"
)
COLOUR = re.compile(r"\x1b\[[0-9;]*\b(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])\b[0-9;]*m")


@pytest.mark.slow
def test_only_the_epochs_are_on_stdout_and_the_log_has_everything(harmonic: Programs, tiny: list[str]) -> None:
    # Matplotlib looks at all fonts when it is first used, and says so in the log where that takes long.
    subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], env=harmonic.environment, check=True)
    done = harmonic.run("train", "demo", *tiny, "--epochs", "2", "--name", "mine")
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all(EPOCH_LINE.fullmatch(line) for line in lines)
    assert "\x1b" not in done.stdout + done.stderr
    for words in ("run runs/mine", "device cpu", "mean spectrum", "finished: all 2 epochs done"):
        assert words in done.stderr
    log = (harmonic.place / "runs/mine/console.log").read_text().splitlines()
    assert sorted(log) == sorted(lines + done.stderr.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("no_colour", [False, True], ids=["colours", "NO_COLOR"])
def test_a_terminal_shows_a_bar_without_colours_if_so_asked(
    harmonic: Programs, tiny: list[str], no_colour: bool
) -> None:
    environment = {**harmonic.environment, "TERM": "xterm-256color", **({"NO_COLOR": "1"} if no_colour else {})}
    arguments = ["-m", "harmonic_core", "train", "demo", *tiny, "--epochs", "40", "--name", "mine"]
    child = pexpect.spawn(
        sys.executable,
        arguments,
        cwd=harmonic.place,
        env=environment,
        timeout=DEADLINE_S,
        encoding="utf-8",
        dimensions=(24, 80),
    )
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    screen = str(child.before)
    assert "━" in screen
    assert "Epoch 40/40" in screen
    assert bool(COLOUR.search(screen)) is not no_colour
    log = (harmonic.place / "runs/mine/console.log").read_text()
    assert log.count("Epoch ") == 40
    assert "\x1b" not in log


@pytest.mark.slow
def test_a_diverged_run_ends_with_its_own_exit_status_and_the_way_out(harmonic: Programs, tiny: list[str]) -> None:
    wild = ["--learning-rate", "100", "--set", "grad_clip=1e30", "--set", "warmup_steps=0", "--set", "log_every=1"]
    ended = harmonic.run("train", "demo", *tiny, *wild, "--epochs", "200", "--name", "wild", expect=None)
    assert ended.returncode == ExitCode.DIVERGED
    assert "--learning-rate" in ended.stderr.splitlines()[-1]
    status = known_status(RunDirectory(harmonic.place / "runs/wild"))
    assert (status.state, status.exit_code) == ("diverged", 3)


@pytest.mark.slow
def test_doctor_finds_this_machine_fit_and_says_what_to_do_about_the_rest(harmonic: Programs) -> None:
    findings = {each["subject"]: each for each in json.loads(harmonic.run("doctor", "--json").stdout)}
    assert findings.keys() >= {"python", "torch", "gpu", "codecs", "sound", "terminal", "disk"}
    assert {each["verdict"] for each in findings.values()} <= {"ok", "absent"}
    assert sys.executable in findings["python"]["detail"]
    assert "M4A" in findings["codecs"]["detail"]
    words = harmonic.run("doctor").stdout
    assert all(f"  {subject} " in words for subject in findings)


def test_without_a_verb_the_verbs_are_shown(harmonic: Programs) -> None:
    shown = harmonic.run(expect=None)
    for verb in ("train", "runs", "status", "control", "profiles", "doctor"):
        assert verb in shown.stdout + shown.stderr


def test_a_reader_that_goes_away_early_causes_no_traceback(harmonic: Programs) -> None:
    process = harmonic.start("profiles", "list", "--json")
    assert process.stdout is not None
    process.stdout.close()
    process.wait(DEADLINE_S)
    assert "Traceback" not in (harmonic.place / "stderr.txt").read_text()


@pytest.mark.parametrize("verb", ["status", "evaluate", "verify"])
def test_a_name_too_long_for_a_file_is_refused_in_a_line(harmonic: Programs, verb: str) -> None:
    done = harmonic.run(verb, "x" * 300, expect=ExitCode.FAILURE)
    assert len(done.stderr.splitlines()) == 1
    assert "xxx" in done.stderr
