"""`harmonic train --nproc 2`: what is refused before anything starts, and what comes back when ranks end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from launched import TWO_RANKS, figures, free_port, programs_in, start_team, tiny_run
from programs import DEADLINE_S, Programs, known_status, wait_until

from harmonic_core.cli.ranks import launch, started_by_launcher
from harmonic_core.errors import ProfileError
from harmonic_core.run.directory import RunDirectory

ONE_MACHINE: dict[str, Any] = {
    "nproc": "2",
    "nnodes": None,
    "rdzv_endpoint": None,
    "rdzv_id": None,
    "node_rank": None,
    "max_restarts": 0,
}


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"nproc": "0"}, "--nproc 0"),
        ({"nproc": "-2"}, "--nproc -2"),
        ({"nproc": "2.5"}, "gpu, cpu or auto"),
        ({"nproc": "100000"}, "1 to 1024"),
        ({"nproc": "\x1b[31m"}, r"--nproc \x1b[31m"),
        ({"nproc": "²"}, "--nproc ²"),
        ({"nnodes": "2"}, "--rdzv-endpoint HOST:29400"),
        ({"nnodes": "0", "rdzv_endpoint": "head"}, "such as 1:4"),
        ({"nnodes": "4:2", "rdzv_endpoint": "head"}, "such as 1:4"),
        ({"nnodes": "two", "rdzv_endpoint": "head"}, "such as 1:4"),
        ({"nnodes": "2", "rdzv_endpoint": "head:0"}, "HOST or HOST:PORT"),
        ({"nnodes": "2", "rdzv_endpoint": "head:99999"}, "HOST or HOST:PORT"),
        ({"nnodes": "2", "rdzv_endpoint": "a b:29400"}, "HOST or HOST:PORT"),
        ({"nnodes": "2", "rdzv_endpoint": "head", "node_rank": 2}, "from 0 to 1"),
        ({"nnodes": "1:2", "rdzv_endpoint": "head", "node_rank": 0}, "fixed `--nnodes`"),
        ({"node_rank": 1}, "--nnodes"),
        ({"max_restarts": -1}, "--max-restarts -1"),
    ],
    ids=repr,
)
def test_options_of_the_launcher_that_cannot_be_are_refused_at_once(options: dict[str, Any], hint: str) -> None:
    with pytest.raises(ProfileError) as refusal:
        launch(["demo"], **{**ONE_MACHINE, **options})
    assert hint in str(refusal.value)
    assert "\x1b" not in str(refusal.value)


def test_a_process_knows_whether_a_launcher_has_started_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "TORCHELASTIC_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    assert not started_by_launcher()
    monkeypatch.setenv("RANK", "0")
    assert not started_by_launcher()
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert started_by_launcher()
    monkeypatch.delenv("RANK")
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    assert started_by_launcher()


def test_the_command_line_that_may_launch_stays_free_of_torch() -> None:
    code = "import sys, harmonic_core.cli.ranks; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def ended(rank: int, exit_code: int, at: int) -> Any:
    from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

    failure = ProcessFailure(rank, 4711, exit_code, os.devnull)
    failure.timestamp = at
    return failure


@pytest.mark.parametrize(
    ("ends", "first"),
    [
        ({0: (1, 5), 1: (-9, 5)}, 1),
        ({0: (143, 5), 1: (4, 6)}, 1),
        ({0: (1, 5), 1: (3, 9), 2: (-15, 9)}, 1),
        ({0: (1, 5), 1: (-9, 40)}, 0),
        ({0: (-11, 5), 1: (-9, 35)}, 0),
    ],
    ids=["killed", "out of memory", "diverged", "killed for not ending", "crashed"],
)
def test_the_rank_that_failed_by_itself_is_told_from_those_that_lost_it(
    ends: dict[int, tuple[int, int]], first: int
) -> None:
    from harmonic_core.cli.rank_agent import first_failure

    assert first_failure({rank: ended(rank, *end) for rank, end in ends.items()})[0] == first


@pytest.mark.parametrize(("exit_code", "words"), [(-9, "SIGKILL, as"), (-11, "SIGSEGV"), (-63, "63"), (7, "status 7")])
def test_what_a_rank_died_of_is_said_in_words(exit_code: int, words: str) -> None:
    from harmonic_core.cli.rank_agent import how_it_ended

    said = how_it_ended(3, ended(3, exit_code, 5))
    assert said.startswith("rank 3 (process 4711 on ")
    assert words in said


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory, audio_cache: Path) -> Iterator[Programs]:
    """The command line, in a folder for all tests of this module."""
    programs = programs_in(tmp_path_factory.mktemp("ranks"), audio_cache)
    yield programs
    programs.end()


@pytest.mark.slow
def test_what_every_rank_refuses_comes_back_with_its_exit_code(programs: Programs) -> None:
    done = programs.run("train", *tiny_run(train_batch_size=1), "--output-dir", "runs/small", *TWO_RANKS, expect=2)
    assert "cannot be divided over 2 ranks" in done.stderr
    assert known_status(RunDirectory(programs.place / "runs/small")).exit_code == 2


@pytest.mark.slow
def test_what_one_rank_alone_cannot_do_ends_all_of_them_with_its_exit_code(programs: Programs) -> None:
    (programs.place / "taken").write_text("a file, where a folder is wanted")
    done = programs.run("train", *tiny_run(), "--output-dir", "taken/run", *TWO_RANKS, expect=5)
    lines = [line for line in done.stderr.splitlines() if line.startswith("harmonic: ")]
    assert len(lines) == 1
    assert lines[0].startswith("harmonic: taken/run: the run directory cannot be made")


@pytest.mark.slow
def test_a_second_ctrl_c_ends_ranks_that_do_not_answer(programs: Programs) -> None:
    # Ranks that hang have ten minutes to end by themselves, and half a minute is the rule.
    programs.environment["TORCH_ELASTIC_SHUTDOWN_TIMEOUT"] = "600"
    team = start_team(programs, "runs/hung", *tiny_run(train_epochs=10000), "--output-dir", "runs/hung")
    del programs.environment["TORCH_ELASTIC_SHUTDOWN_TIMEOUT"]
    for rank in team.ranks:
        rank.suspend()

    def gone_by_now() -> bool:
        if team.still_there():
            team.launcher.send_signal(signal.SIGINT)
        return not team.still_there()

    wait_until(gone_by_now, "the ranks end")
    assert team.wait() == 130
    assert "Traceback" not in team.said()


@pytest.mark.slow
@pytest.mark.parametrize("numbered", [False, True], ids=["numbered by themselves", "numbered"])
def test_two_launchers_that_meet_train_one_run(programs: Programs, numbered: bool) -> None:
    port = free_port()
    run = RunDirectory(programs.place / f"runs/two-machines-{numbered}")
    words = [*tiny_run(train_epochs=2), "--output-dir", str(run.path), "--nproc", "1"]
    meeting = ["--nnodes", "2", "--rdzv-endpoint", f"localhost:{port}"]
    machines = [
        programs.start("train", *words, *meeting, *(["--node-rank", str(number)] if numbered else []))
        for number in range(2)
    ]
    assert [machine.wait(DEADLINE_S) for machine in machines] == [0, 0]
    status = known_status(run)
    assert (status.state, len(status.ranks)) == ("finished", 2)
    assert [row["step"] for row in figures(run, "step")] == list(range(1, status.step + 1))


@pytest.mark.slow
def test_a_launcher_that_waits_for_the_other_machines_obeys_a_signal(programs: Programs) -> None:
    port = free_port()
    log = programs.place / "stderr.txt"
    log.unlink(missing_ok=True)
    meeting = ("--nnodes", "2", "--rdzv-endpoint", f"localhost:{port}")
    alone = programs.start("train", *tiny_run(), "--output-dir", "runs/alone", "--nproc", "1", *meeting)
    wait_until(lambda: "meeting the other machines" in log.read_text(), "it waits")
    alone.terminate()
    assert alone.wait(DEADLINE_S) == 143
    assert not (programs.place / "runs/alone").exists()
    assert "Traceback" not in log.read_text()
