"""Commands arrive whole, in order, and only where somebody is there to obey."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harmonic_core.errors import DiskError, RunError
from harmonic_core.run.control import COMMANDS, pending_commands, send_command
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import Status, write_status


def test_commands_wait_in_the_order_in_which_they_were_sent_and_go_when_done(live: RunDirectory) -> None:
    for name in COMMANDS:
        send_command(live, name)
    waiting = pending_commands(live)
    assert [command.name for command in waiting] == list(COMMANDS)
    for command in waiting:
        command.done()
        command.done()
    assert pending_commands(live) == []


def test_a_command_says_what_who_and_when_and_the_sender_learns_by_what_to_know_the_answer(live: RunDirectory) -> None:
    before = time.time()
    sent_at = send_command(live, "learning-rate", 5e-4, "command line")
    (command,) = pending_commands(live)
    assert (command.name, command.value, command.sender, command.sent_at) == (
        "learning-rate",
        5e-4,
        "command line",
        sent_at,
    )
    assert before <= sent_at <= time.time()


def test_what_a_file_claims_of_its_sender_is_not_taken_for_granted(live: RunDirectory) -> None:
    told = {"command": "beta", "value": [1], "by": "root\x1b[2J", "sent_at": "now"}
    (live.control / "1.json").write_text(json.dumps(told))
    (command,) = pending_commands(live)
    assert (command.name, command.value, command.sender, command.sent_at) == ("beta", [1], "", None)


NO_COMMANDS = (
    *(b"", b"{", b"[]", b"7", b'{"other": 1}', b"\xff", b'{"command": 7}', b'{"command": null}'),
    b"[" * 4000,
    b'{"command": "stop", "more": "' + b"x" * 5000 + b'"}',
    b'{"command": ' + b"1" * 4000 + b"}",
)


@pytest.mark.parametrize("content", NO_COMMANDS, ids=range(len(NO_COMMANDS)))
def test_a_file_that_is_no_command_is_reported_without_a_name(live: RunDirectory, content: bytes) -> None:
    (live.control / "1.json").write_bytes(content)
    assert [command.name for command in pending_commands(live)] == [""]


def test_neither_a_pipe_nor_a_folder_nor_a_link_is_read(live: RunDirectory, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.json").write_text('{"command": "stop"}')
    os.mkfifo(live.control / "1.json")
    (live.control / "2.json").mkdir()
    (live.control / "3.json").symlink_to(tmp_path / "elsewhere.json")
    waiting = pending_commands(live)
    assert [command.name for command in waiting] == ["", "", ""]
    for command in waiting:
        command.done()
    assert [path.name for path in live.control.iterdir()] == ["2.json"]
    assert (tmp_path / "elsewhere.json").exists()


def test_a_command_that_is_still_being_written_is_not_seen(live: RunDirectory) -> None:
    (live.control / ".1.json.tmp").write_bytes(b'{"command": "st')
    assert pending_commands(live) == []


def test_files_that_are_known_and_stay_do_not_take_the_places_of_others(live: RunDirectory) -> None:
    for number in range(1000):
        (live.control / f"00{number:04d}").mkdir()
    send_command(live, "stop")
    known = {command.path for command in pending_commands(live)}
    assert [command.name for command in pending_commands(live, known)] == ["stop"]


def test_a_command_knows_whether_it_was_sent_before_a_moment(live: RunDirectory) -> None:
    sent_at = send_command(live, "stop")
    (command,) = pending_commands(live)
    assert command.is_from_before(sent_at + 60)
    assert not command.is_from_before(sent_at - 60)
    # Of one whose sender's clock is slow the file is newer, and who does not say when is heard.
    assert not replace(command, sent_at=sent_at - 3600).is_from_before(sent_at - 60)
    assert not replace(command, sent_at=None).is_from_before(sent_at + 60)


def test_a_run_without_a_control_folder_has_no_commands_and_can_still_get_one(live: RunDirectory) -> None:
    shutil.rmtree(live.control)
    assert pending_commands(live) == []
    send_command(live, "stop")
    assert [command.name for command in pending_commands(live)] == ["stop"]


@pytest.mark.parametrize(("state", "hint"), [("stopped", "--resume-from"), ("finished", "the run is finished")])
def test_a_run_that_does_not_train_refuses_and_says_what_it_is(
    run: RunDirectory, status: Callable[..., Status], state: str, hint: str
) -> None:
    write_status(run.status, status(state=state))
    with pytest.raises(RunError, match=hint):
        send_command(run, "stop")
    assert pending_commands(run) == []


def test_a_lost_run_says_how_to_continue_it(run: RunDirectory, status: Callable[..., Status]) -> None:
    write_status(run.status, status(pid=0))
    with pytest.raises(RunError, match=r"the run is lost; .*--resume-from"):
        send_command(run, "pause")


def test_a_control_folder_that_cannot_be_written_is_a_disk_error(live: RunDirectory) -> None:
    shutil.rmtree(live.control)
    live.control.write_text("in the way")
    with pytest.raises(DiskError, match="stop"):
        send_command(live, "stop")
