"""What `harmonic status` and `harmonic runs` say of runs that wait, were set back, are judged, or have ranks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_up_runs import make_run
from typer.testing import CliRunner

from harmonic_core.cli import app
from harmonic_core.run.status import Device, Rank, Verdict

GIB = 2**30
CARD = Device(kind="cuda", name="NVIDIA H100", allocated_bytes=int(11.2 * GIB), total_bytes=int(79.6 * GIB))
COLLAPSED = Verdict(
    kind="collapsed",
    sentence="The latent has collapsed: 3 of 128 units are active.",
    evidence="KL 0.41 nats a segment.",
    action="Make the KL weigh less: --beta-end 0.001 instead of 0.01.",
)
DISK_FULL = {
    "state": "paused",
    "why": "disk full",
    "message": "a checkpoint needs 1.24 GiB, 310 MiB are free on /data",
    "eta_s": None,
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(*arguments: str) -> str:
    """What the command line prints to stdout when all is well."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


def lines_of_status(name: str) -> list[str]:
    return [line.strip() for line in printed("status", name).splitlines()]


def strings_in(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, item in value.items():
                yield from (key, *strings_in(item))
        case list():
            for item in value:
                yield from strings_in(item)


def test_a_run_that_waits_for_room_says_so_and_how_much_it_needs(place: Path) -> None:
    make_run(place / "runs" / "mine", alive=True, **DISK_FULL)
    lines = lines_of_status("mine")
    assert lines[0] == "runs/mine: paused: disk full"
    assert lines[-1] == "a checkpoint needs 1.24 GiB, 310 MiB are free on /data"
    assert "paused: disk full" in printed("runs")
    told = json.loads(printed("status", "mine", "--json"))
    assert (told["state"], told["why"]) == ("paused", "disk full")


def test_a_pause_by_command_is_told_apart_from_one_for_want_of_room(place: Path) -> None:
    make_run(place / "runs" / "mine", alive=True, state="paused", why="by command")
    assert lines_of_status("mine")[0] == "runs/mine: paused: by command"


def test_a_run_of_an_older_trainer_is_paused_without_a_reason(place: Path) -> None:
    make_run(place / "runs" / "mine", alive=True, state="paused")
    assert lines_of_status("mine")[0] == "runs/mine: paused"


def test_a_run_that_goes_on_no_longer_says_what_it_waited_for(place: Path) -> None:
    make_run(place / "runs" / "mine", alive=True, state="training", why="disk full")
    assert lines_of_status("mine")[0] == "runs/mine: training"


def test_a_run_that_was_lost_while_it_waited_is_lost(place: Path) -> None:
    make_run(place / "runs" / "mine", **DISK_FULL)
    lines = lines_of_status("mine")
    assert lines[0] == "runs/mine: lost"
    assert "1.24 GiB" in lines[-1]


def test_the_verdict_is_told_with_its_evidence_and_what_to_do(place: Path) -> None:
    make_run(place / "runs" / "mine", alive=True, verdict=COLLAPSED)
    lines = lines_of_status("mine")
    at = lines.index(COLLAPSED.sentence)
    assert lines[at + 1 : at + 3] == [COLLAPSED.evidence, COLLAPSED.action]
    assert COLLAPSED.sentence in printed("runs")
    assert json.loads(printed("status", "mine", "--json"))["verdict"]["kind"] == "collapsed"


def test_a_verdict_that_asks_for_nothing_has_no_line_for_it(place: Path) -> None:
    make_run(place / "runs" / "mine", alive=True, verdict=COLLAPSED.model_copy(update={"action": ""}))
    assert lines_of_status("mine")[-1] == COLLAPSED.evidence


@pytest.mark.parametrize(
    ("skipped", "back", "lines"),
    [
        (0, 0, []),
        (1, 1, ["1 update was skipped: loss or gradient was not finite", "went back to an earlier checkpoint once"]),
        (
            1200,
            2,
            [
                "1\N{THIN SPACE}200 updates were skipped: loss or gradient was not finite",
                "went back to an earlier checkpoint 2 times",
            ],
        ),
    ],
)
def test_bad_updates_have_a_line_each_only_where_there_were_any(
    place: Path, skipped: int, back: int, lines: list[str]
) -> None:
    make_run(place / "runs" / "mine", alive=True, skipped_steps=skipped, rollbacks=back)
    said = [line for line in lines_of_status("mine") if "skipped" in line or "went back" in line]
    assert said == lines


@pytest.mark.parametrize(
    ("profile", "told"), [("", True), ("grad_accum_steps = 4", False), ("grad_accum_steps =", False)]
)
def test_a_batch_in_more_parts_than_planned_is_told(place: Path, profile: str, told: bool) -> None:
    run = make_run(place / "runs" / "mine", alive=True, grad_accum_steps=4)
    run.profile.write_text(f"[train]\n{profile}\n")
    line = "memory ran out: every batch is now computed in 4 parts"
    assert (line in lines_of_status("mine")) == told


def test_of_several_ranks_each_has_a_line_with_its_memory_and_its_speed(place: Path) -> None:
    ranks = (
        Rank(rank=0, host="node-a", device=CARD, segments_per_s=655.4),
        Rank(rank=1, host="node-b", device=CARD.model_copy(update={"allocated_bytes": None})),
    )
    make_run(place / "runs" / "mine", alive=True, ranks=ranks)
    lines = [line for line in lines_of_status("mine") if line.startswith("rank")]
    assert lines == [
        "rank 0  node-a  NVIDIA H100  11.2 of 79.6 GiB  655 segments/s",
        "rank 1  node-b  NVIDIA H100   n/a of 79.6 GiB             n/a",
    ]


def test_a_single_rank_has_no_line_of_its_own(place: Path) -> None:
    make_run(place / "runs" / "mine", alive=True, ranks=(Rank(rank=0, host="node-a", device=CARD),))
    assert "rank" not in printed("status", "mine")


def test_whatever_stands_deep_in_a_status_never_reaches_the_terminal_raw(place: Path) -> None:
    evil = "\x1b]0;owned\x07[red]\u202eboom\nnext"
    make_run(
        place / "runs" / "mine",
        alive=True,
        state="paused",
        why=evil,
        device=Device(name=evil, reason=evil),
        ranks=(Rank(rank=0, host=evil, device=Device(kind=evil)), Rank(rank=1, host="b", device=Device(name=evil))),
        verdict=Verdict(kind="noisy", sentence=evil, evidence=evil, action=evil),
    )
    for arguments in (["runs"], ["status", "mine"]):
        assert all(line.isprintable() for line in printed(*arguments).splitlines())
    for arguments in (["runs", "--json"], ["status", "mine", "--json"]):
        assert all(text.isprintable() for text in strings_in(json.loads(printed(*arguments))))
