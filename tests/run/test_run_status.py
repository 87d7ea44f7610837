"""What a run says of itself, and how far a reader believes it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import (
    Best,
    Device,
    Preparation,
    Status,
    is_alive,
    process_identity,
    read_status,
    seen_state,
    write_status,
)
from harmonic_core.run.words import preparation

MakeStatus = Callable[..., Status]


def test_a_status_is_read_as_it_was_written(run: RunDirectory, status: MakeStatus) -> None:
    written = status(
        step=5, best=Best(epoch=1, step=4, val_loss=0.1, val_recon_db=6.0), device=Device(kind="cuda", uuid="GPU-1")
    )
    write_status(run.status, written)
    assert read_status(run.status) == written


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff", b'{"state": "singing"}'])
def test_what_is_no_status_is_none(run: RunDirectory, content: bytes) -> None:
    run.status.write_bytes(content)
    assert read_status(run.status) is None
    assert read_status(run.path / "nothing.json") is None


def test_a_newer_version_with_unknown_fields_is_understood(run: RunDirectory, status: MakeStatus) -> None:
    content = json.loads(status(step=7).model_dump_json())
    content |= {"version": 9, "mood": "good", "device": {**content["device"], "fans": 3}}
    run.status.write_text(json.dumps(content))
    newer = read_status(run.status)
    assert newer is not None
    assert (newer.version, newer.step) == (9, 7)


def test_the_trainers_own_word_counts_while_it_lives(status: MakeStatus) -> None:
    for state in ("preparing", "training", "paused", "finished", "failed", "stopped", "diverged"):
        assert seen_state(status(state=state)) == state


def test_a_training_whose_process_is_gone_is_lost_and_a_finished_one_is_not(status: MakeStatus) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        identity = process_identity(child.pid)
        assert seen_state(status(**identity)) == "training"
        child.kill()
    assert seen_state(status(**identity)) == "lost"
    assert seen_state(status(**identity, state="finished")) == "finished"


def test_a_trainer_that_died_but_was_not_buried_is_lost(status: MakeStatus) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    dying = status(**process_identity(child.pid))
    child.kill()
    try:
        while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
            pass
        assert is_alive(dying) is False
        assert seen_state(dying) == "lost"
    finally:
        child.communicate()


def test_another_process_with_the_same_number_is_not_the_trainer(status: MakeStatus) -> None:
    mine = status()
    assert is_alive(mine) is True
    assert is_alive(mine.model_copy(update={"process_start": mine.process_start - 3_600})) is False


@pytest.mark.parametrize("pid", [-1, 0, 2**31, 2**80])
def test_an_impossible_process_number_is_no_process(status: MakeStatus, pid: int) -> None:
    assert is_alive(status(pid=pid)) is False


def test_a_minute_without_a_heartbeat_is_lost(status: MakeStatus) -> None:
    silent = status()
    assert seen_state(silent, now=silent.heartbeat + 59) == "training"
    assert seen_state(silent, now=silent.heartbeat + 61) == "lost"


def test_of_a_run_on_another_host_only_the_heartbeat_is_known(status: MakeStatus) -> None:
    far = status(host="elsewhere.example", pid=1, process_start=0.0)
    assert is_alive(far) is None
    assert seen_state(far, now=far.heartbeat + 5) == "training"
    assert seen_state(far, now=far.heartbeat + 61) == "lost"


@pytest.mark.parametrize(
    ("epoch", "stage"), [(0, "initial"), (1, "initial"), (10, "initial"), (11, "middle"), (50, "middle"), (51, "late")]
)
def test_the_stage_follows_from_the_epoch(status: MakeStatus, epoch: int, stage: str) -> None:
    assert status(epoch=epoch).stage == stage


def test_progress_is_a_share_and_0_before_anything_is_known(status: MakeStatus) -> None:
    assert status().progress == 0.0
    assert status(step=5, total_steps=20).progress == 0.25
    assert status(step=50, total_steps=20).progress == 1.0


def test_writing_leaves_one_file(tmp_path: Path, status: MakeStatus) -> None:
    for step in range(3):
        write_status(tmp_path / "status.json", status(step=step))
    assert [path.name for path in tmp_path.iterdir()] == ["status.json"]


def test_how_far_the_music_is_is_read_as_it_was_written_and_absent_where_nothing_was_told(
    run: RunDirectory, status: MakeStatus
) -> None:
    told = Preparation(done=4, total=10, refused=1, from_cache=2, audio_s=90.5, label="a.wav", eta_s=3.0, rate=30.0)
    write_status(run.status, status(state="preparing", preparation=told))
    read = read_status(run.status)
    assert read is not None
    assert read.preparation == told
    assert told.progress == 0.4
    content = json.loads(run.status.read_bytes())
    del content["preparation"]
    run.status.write_text(json.dumps(content))
    older = read_status(run.status)
    assert older is not None
    assert older.preparation is None


def test_of_no_files_at_all_no_share_is_done() -> None:
    assert Preparation(done=0, total=0).progress == 0.0


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (
            Preparation(done=412, total=1000, refused=3, audio_s=3.4 * 3600, eta_s=120.0),
            "412 of 1\N{THIN SPACE}000 files, 3.4 h ready, 3 refused, 2 min left",
        ),
        (Preparation(done=0, total=1), "0 of 1 file, 0 s ready"),
        (Preparation(done=50, total=50, audio_s=25 * 60, eta_s=0.0), "50 of 50 files, 25 min ready"),
    ],
)
def test_how_far_the_music_is_fits_in_one_line(told: Preparation, words: str) -> None:
    assert preparation(told) == words


def test_of_a_run_that_ended_no_time_left_is_promised() -> None:
    told = Preparation(done=4, total=10, eta_s=30.0)
    assert "left" in preparation(told)
    assert "left" not in preparation(told, going_on=False)
