"""The real `harmonic`, run and started by tests, and what waits for what it does."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import Status, read_status

DEADLINE_S = 240.0

TINY = {
    "data.demo_minutes": "0.5",
    "data.segment_length": "1",
    "audio.n_mels": "32",
    "audio.n_fft": "512",
    "audio.hop_length": "256",
    "model.hidden_dims": "[16,16]",
    "model.latent_dim": "8",
    "evaluation.prior_samples": "1",
    "evaluation.reconstructions": "1",
    "evaluation.griffin_lim_steps": "2",
    "evaluation.evaluation_share": "0",
    "train.refine_vocoder": "false",
    "output.visualize_every": "0",
}
"""Settings with which the demo profile trains in moments; what is left out would take longer."""


def wait_until(condition: Callable[[], object], hope: str, deadline_s: float = DEADLINE_S) -> None:
    """Look again and again until `condition` holds; fail with `hope` if it never does."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"it never happened: {hope}"
        time.sleep(0.02)


@dataclass
class Programs:
    """The real `harmonic`, started in one folder."""

    place: Path
    environment: dict[str, str]
    command: Sequence[str] = (sys.executable, "-m", "harmonic_core")
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(self, *arguments: str, expect: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `harmonic ARGUMENTS` to its end; any exit status but `expect` fails the test (None: any will do)."""
        done = subprocess.run(
            [*self.command, *arguments],
            cwd=self.place,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        said = f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert expect is None or done.returncode == expect, said
        assert "Traceback" not in done.stderr, said
        return done

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `harmonic ARGUMENTS` and leave it running; it does not outlive the test."""
        log = (self.place / "stderr.txt").open("a")
        process = subprocess.Popen(
            [*self.command, *arguments],
            cwd=self.place,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        log.close()
        self.started.append(process)
        return process

    def start_training(self, run: str, *arguments: str) -> tuple[subprocess.Popen[str], RunDirectory]:
        """Start `harmonic train ARGUMENTS` in the directory `run`, and wait until it updates weights."""
        process = self.start("train", *arguments, "--output-dir", run)
        directory = RunDirectory(self.place / run)

        def trains() -> bool:
            assert process.poll() is None, (self.place / "stderr.txt").read_text()
            return (status := read_status(directory.status)) is not None and status.state == "training"

        wait_until(trains, f"{run} trains")
        return process, directory

    def end(self) -> None:
        """End what still runs."""
        for process in self.started:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()


def known_status(run: RunDirectory) -> Status:
    """Status of a run that has one."""
    status = read_status(run.status)
    assert status is not None
    return status
