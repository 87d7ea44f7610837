"""One rank of several has too little memory: all halve their parts, or the job ends in words that help."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from launched import figures, programs_in, tiny_run
from programs import Programs, known_status
from same_runs import said

from harmonic_core.errors import ExitCode
from harmonic_core.run.directory import RunDirectory

pytestmark = pytest.mark.slow

SETTINGS = tiny_run(train_epochs=2, train_batch_size=8, data_validation_split=0)
Start = Callable[..., RunDirectory]


@pytest.fixture
def two_ranks(tmp_path: Path, audio_cache: Path) -> Iterator[Start]:
    """Trains on two ranks of which the second takes so many segments at once, from a call of the model on."""
    programs = programs_in(tmp_path / "ranks", audio_cache)
    script = Path(__file__).with_name("short_of_memory.py")

    def start(name: str, fits: int, first_call: int, *arguments: str, expect: int | None = 0) -> RunDirectory:
        torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
        command = (sys.executable, *torchrun, str(script), str(fits), str(first_call))
        done = Programs(programs.place, programs.environment, command)
        if expect is None:
            # The launcher of torch shows where each rank ended.
            with pytest.raises(AssertionError, match="out of memory"):
                done.run("train", *arguments, "--output-dir", name)
        else:
            done.run("train", *arguments, "--output-dir", name, expect=expect)
        return RunDirectory(programs.place / name)

    yield start
    programs.end()


def test_what_fits_on_every_rank_is_found_out_before_the_first_update(two_ranks: Start) -> None:
    tight = two_ranks("tight", 2, 1, *SETTINGS)
    divided = two_ranks("divided", 99, 1, *SETTINGS, "--grad-accum-steps", "2")
    assert known_status(tight).state == "finished"
    assert known_status(tight).grad_accum_steps == 2
    (message,) = said(tight, "oom")
    assert "out of memory with 4 segments at once (on another rank); going on with 2 at once" in message
    assert figures(tight, "step") == figures(divided, "step")


def test_memory_that_runs_out_in_the_middle_of_an_exchange_ends_the_job_and_says_how_it_goes_on(
    two_ranks: Start,
) -> None:
    run = two_ranks("run", 2, 6, *SETTINGS, expect=None)
    assert known_status(run).state == "failed"
    assert known_status(run).exit_code in {ExitCode.FAILURE, ExitCode.OUT_OF_MEMORY}
    again = two_ranks("run", 2, 1, "--resume-from", str(run.path), "--grad-accum-steps", "2")
    assert known_status(again).state == "finished"
