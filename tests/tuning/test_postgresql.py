"""A study that several processes share through a PostgreSQL server."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from pathlib import Path

import psutil
import psycopg
import pytest
from database_server import PASSWORD, DatabaseServer
from programs import DEADLINE_S, Programs, wait_until

from harmonic_core.run.studies import Study, Trial, read_study, seen_study
from harmonic_core.tuning.storage import OPENING

pytestmark = pytest.mark.slow

WORKERS = 3
TRIALS = 8


def study_in(directory: Path) -> Study:
    """What the study wrote down; an empty one before."""
    return read_study(directory) or Study(name="", state="searching")


def starts_of(directory: Path, trial: Trial) -> int:
    """Trainers that a trial's run has had."""
    return len((directory / trial.run / "starts").read_text().split())


def test_three_workers_share_a_study_and_one_that_is_killed_loses_nothing(
    stubbed: Programs, studies: Path, server: DatabaseServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    directory, gate = studies / "demo", tmp_path / "gate"
    gate.touch()
    stubbed.environment["STUB_GATE"] = str(gate)
    storage = server.url("three_workers")
    command = ["tune", "demo", "--trials", str(TRIALS), "--workers", str(WORKERS), "--pruner", "none"]
    command += ["--storage", storage]
    leader = stubbed.start(*command)
    # Every worker is in the midst of a trial of its own.

    def trials_train() -> bool:
        assert leader.poll() is None, (stubbed.place / "stderr.txt").read_text()
        return len(list(directory.glob("trial-*/checkpoints/step-*"))) == WORKERS

    wait_until(trials_train, "three trials train")
    wait_until(lambda: len(study_in(directory).workers) == WORKERS, "all workers are written down")
    before = study_in(directory)
    assert {trial.number for trial in before.trials if trial.state == "running"} == {0, 1, 2}
    victim = before.workers[1]
    (lost,) = [trial.number for trial in before.trials if _supervisor_of(trial, stubbed, directory) == victim.pid]
    assert all(PASSWORD not in " ".join(each.cmdline()) for each in psutil.Process(leader.pid).children(recursive=True))
    psutil.Process(victim.pid).kill()
    gate.unlink()
    out, _ = leader.communicate(timeout=DEADLINE_S)
    said = (stubbed.place / "stderr.txt").read_text()
    assert leader.returncode == 0, said
    study = study_in(directory)
    assert (seen_study(study), study.workers, study.supervisor) == ("finished", (), None)
    assert Counter(trial.state for trial in study.trials) == {"complete": TRIALS}
    # None is there twice, and none but the lost one was begun twice.
    assert len({trial.run for trial in study.trials}) == TRIALS
    assert {trial.retry_of for trial in study.trials} == {None, lost}
    assert {starts_of(directory, trial) for trial in study.trials if trial.retry_of is None} == {1}
    (again,) = [trial for trial in study.trials if trial.retry_of == lost]
    assert starts_of(directory, again) == 2
    assert out.count(": complete  ") >= TRIALS
    assert "was killed by SIGKILL; the other 2 go on" in said
    assert "was left by whoever supervised it; it is begun again" in said
    assert "127.0.0.1" in study.storage
    assert PASSWORD not in out + said + (directory / "study.json").read_text()
    with capsys.disabled():
        seconds = time.monotonic() - began
        print(f"\nPostgreSQL: {TRIALS} trials by {WORKERS} workers, 1 killed, 1 retry, {seconds:.0f} s")


def _supervisor_of(trial: Trial, programs: Programs, directory: Path) -> int:
    """Process that started a trial's trainer."""
    trainer = json.loads((directory / trial.run / "status.json").read_text())["pid"]
    return psutil.Process(trainer).ppid()


def test_a_second_command_finds_the_study_done_on_a_machine_that_has_no_runs_of_it(
    stubbed: Programs, server: DatabaseServer
) -> None:
    command = ["tune", "demo", "--trials", "2", "--storage", server.url("two_machines"), "--study", "shared"]
    first = stubbed.run(*command, "--output-dir", "here")
    second = stubbed.run(*command, "--output-dir", "there")
    assert "2 of 2 trials done" in second.stderr
    assert second.stdout.splitlines()[-2] == first.stdout.splitlines()[-2]
    assert [trial.state for trial in study_in(stubbed.place / "there" / "shared").trials] == ["complete", "complete"]
    more = [*command[:3], "3", *command[4:], "--output-dir", "there"]
    assert stubbed.run(*more).stdout.startswith("trial-0002: complete")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "wrong"}, 'password authentication failed for user "harmonic"'),
        ({"port": "1"}, "Connection refused"),
        ({"database": "nowhere"}, 'database "nowhere" does not exist'),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)
def test_a_server_that_cannot_be_used_is_one_clear_line_without_the_password(
    stubbed: Programs, server: DatabaseServer, change: dict[str, str], words: str
) -> None:
    parts = {"password": "s3cret%2Fwith%40signs", "port": str(server.port), "database": "postgres", **change}
    url = "postgresql://harmonic:{password}@127.0.0.1:{port}/{database}".format_map(parts)
    done = stubbed.run("tune", "demo", "--storage", url, expect=1)
    (line,) = done.stderr.splitlines()
    assert words in line
    assert "PGPASSWORD" in line
    assert not any(secret in line for secret in (PASSWORD, "s3cret%2F", "wrong"))
    assert not (stubbed.place / "output").exists()


@pytest.mark.parametrize("more", [[], ["--workers", "2"]], ids=["alone", "together"])
def test_a_server_that_goes_away_in_the_midst_is_one_line_and_the_same_command_goes_on_once_it_is_back(
    stubbed: Programs, studies: Path, server: DatabaseServer, tmp_path: Path, more: list[str]
) -> None:
    gate, name = tmp_path / "gate", f"lost_{len(more)}"
    stubbed.environment["STUB_GATE"] = str(gate)
    command = ["tune", "demo", "--trials", "3", "--pruner", "none", "--study", name, "--storage", server.url(name)]
    command += more
    gate.touch()
    at_once = 2 if more else 1
    leader = stubbed.start(*command)
    wait_until(lambda: len(list(studies.glob(f"{name}/trial-*/checkpoints/step-*"))) == at_once, "trials train")
    server.pause()
    try:
        assert leader.wait(DEADLINE_S) == 1
        said = (stubbed.place / "stderr.txt").read_text()
    finally:
        server.serve()
    (line,) = [line for line in said.splitlines() if line.startswith("harmonic: ")]
    assert f"PostgreSQL database {name} on 127.0.0.1:{server.port} was lost: " in line
    assert line.endswith("once it is there again, the same command continues the study")
    assert "Traceback" not in said
    assert PASSWORD not in said
    gate.unlink()
    done = stubbed.run(*command)
    assert f"0 of 3 trials done, {at_once} interrupted before and to be continued" in done.stderr
    study = study_in(studies / name)
    assert [trial.state for trial in study.trials] == ["complete"] * 3
    assert sorted(starts_of(studies / name, trial) for trial in study.trials) == [1] * (3 - at_once) + [2] * at_once


def test_a_server_that_comes_back_before_it_is_asked_again_is_not_missed(
    stubbed: Programs, studies: Path, server: DatabaseServer, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    stubbed.environment["STUB_GATE"] = str(gate)
    process = stubbed.start("tune", "demo", "--trials", "2", "--pruner", "none", "--storage", server.url("brief"))
    wait_until(lambda: any(studies.glob("demo/trial-*/checkpoints/step-*")), "the first trial trains")
    # It is asked once in ten seconds, for as long as a trial trains.
    process.send_signal(signal.SIGSTOP)
    server.pause()
    server.serve()
    gate.unlink()
    process.send_signal(signal.SIGCONT)
    assert process.wait(DEADLINE_S) == 0
    assert [trial.state for trial in study_in(studies / "demo").trials] == ["complete"] * 2


def test_who_opens_a_study_while_another_one_does_can_be_stopped(stubbed: Programs, server: DatabaseServer) -> None:
    url = server.url("opened")
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (OPENING,))
        done = stubbed.run("tune", "demo", "--trials", "1", "--storage", url, "--timeout", "0.1")
    assert "stopped (0.1 s are over) before it began" in done.stderr


def test_the_command_that_continues_has_no_password_and_takes_it_from_the_environment(
    stubbed: Programs, studies: Path, server: DatabaseServer
) -> None:
    stubbed.run("tune", "demo", "--trials", "1", "--storage", server.url("continued"))
    again = study_in(studies / "demo").again_command.split()
    assert f"postgresql://harmonic@127.0.0.1:{server.port}/continued" in again
    assert "1 of 1 trials done" in stubbed.run(*again[1:], PGPASSWORD=PASSWORD).stderr
