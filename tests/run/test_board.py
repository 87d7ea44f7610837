"""What the driver says of a run's graphics cards: the real binding, and a driver that does what a test wants."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from stub_driver import CARD, GIB, OTHER_CARD, SLICE, StubDriver, stub_driver

from harmonic_core.run.board import Board, BoardReader, read_boards, unread_boards
from harmonic_core.run.status import Device, Rank, Status, process_identity

ASK = """
import json, os, sys
from dataclasses import asdict
from harmonic_core.run.board import BoardReader

now = 0.0
reader = BoardReader(clock=lambda: now)
for mood, passed_s, uuid in json.loads(sys.argv[1]):
    open(os.environ["STUB_MOOD"], "w").write(mood)
    now += passed_s
    board = reader.read(uuid)
    print(json.dumps({**asdict(board), "is_hot": board.is_hot}))
reader.close()
assert "torch" not in sys.modules
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The driver, compiled once."""
    return stub_driver(tmp_path_factory.mktemp("driver") / "new").folder


@pytest.fixture
def driver(compiled: Path) -> StubDriver:
    """The driver in a good mood, without a past."""
    stub = StubDriver(compiled)
    stub.feel()
    (compiled / "notes").unlink(missing_ok=True)
    return stub


def asked(driver: StubDriver, *questions: tuple[str, float, str], **environment: str) -> list[dict[str, Any]]:
    """Answers to questions: how the driver feels, how many seconds went by, which card."""
    said = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(questions)],
        env={**driver.environment, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert said.returncode == 0, said.stderr
    return [json.loads(line) for line in said.stdout.splitlines()]


def test_every_figure_of_a_card_is_read_and_the_driver_is_opened_once_and_closed(driver: StubDriver) -> None:
    first, second = asked(driver, ("", 0, CARD), ("", 2, CARD))
    assert first == second
    assert first == {
        "index": 1,
        "total_bytes": 796 * GIB // 10,
        "free_bytes": 62 * GIB,
        "busy_percent": 93,
        "power_w": 412.3,
        "power_limit_w": 700.0,
        "temperature_c": 61,
        "slows_at_c": 89,
        "held_back_by": "",
        "is_slice": False,
        "missing": "",
        "is_hot": False,
    }
    assert driver.notes == ["init", "shutdown"]


@pytest.mark.parametrize("visible", ["1,0", "0,1", CARD], ids=["reordered", "in order", "one"])
def test_a_card_is_known_by_its_uuid_whatever_order_the_trainer_sees(driver: StubDriver, visible: str) -> None:
    # torch leaves out what the driver begins the identity with.
    questions = [("", 0.0, uuid.removeprefix("GPU-")) for uuid in (CARD, OTHER_CARD)]
    boards = asked(driver, *questions, CUDA_VISIBLE_DEVICES=visible)
    assert [(board["index"], board["busy_percent"], board["temperature_c"]) for board in boards] == [
        (1, 93, 61),
        (0, 3, 34),
    ]
    assert "by index" not in driver.notes


@pytest.mark.parametrize(
    ("refused", "figure"),
    [
        ("no-power", "power_w"),
        ("no-limit", "power_limit_w"),
        ("no-busy", "busy_percent"),
        ("no-temperature", "temperature_c"),
        ("no-threshold", "slows_at_c"),
        ("no-index", "index"),
        ("no-reasons", ""),
    ],
)
def test_a_figure_that_the_driver_refuses_is_unknown_alone(driver: StubDriver, refused: str, figure: str) -> None:
    whole, without = asked(driver, ("", 0, CARD), (refused, 2, CARD))
    assert without == {**whole, **({figure: None} if figure else {})}


def test_memory_that_the_driver_refuses_leaves_the_rest(driver: StubDriver) -> None:
    whole, without = asked(driver, ("", 0, CARD), ("no-memory", 2, CARD))
    assert without == {**whole, "total_bytes": None, "free_bytes": None}


def test_a_figure_that_fails_now_and_then_comes_back_by_itself(driver: StubDriver) -> None:
    boards = asked(driver, *[("moody", 2.0, CARD)] * 4)
    assert [board["busy_percent"] for board in boards] == [93, None, 93, None]
    assert {board["power_w"] for board in boards} == {412.3}
    assert driver.notes == ["init", "shutdown"]


def test_a_slice_has_its_own_memory_and_the_power_and_heat_of_its_card(driver: StubDriver) -> None:
    (board,) = asked(driver, ("", 0, SLICE.removeprefix("MIG-")))
    assert (board["is_slice"], board["index"]) == (True, 1)
    assert (board["total_bytes"], board["free_bytes"]) == (39 * GIB // 4, 4 * GIB)
    assert (board["busy_percent"], board["power_w"], board["temperature_c"]) == (None, 412.3, 61)


def test_a_slice_that_the_driver_tells_nothing_of_says_so(driver: StubDriver) -> None:
    (board,) = asked(driver, ("refuses", 0, SLICE))
    assert board["missing"] == "the driver tells nothing of this card"
    assert board["is_slice"]
    assert (board["total_bytes"], board["power_w"]) == (None, None)


def test_the_memory_of_a_whole_card_never_passes_for_that_of_a_slice(driver: StubDriver) -> None:
    (board,) = asked(driver, ("sliced", 0, CARD))
    assert (board["is_slice"], board["total_bytes"], board["free_bytes"]) == (True, None, None)
    assert (board["power_w"], board["temperature_c"]) == (412.3, 61)


def test_a_driver_that_knows_less_than_todays_tells_what_it_knows(tmp_path: Path) -> None:
    driver = stub_driver(tmp_path / "old", ["OLD"])
    (board,) = asked(driver, ("", 0, CARD))
    assert (board["busy_percent"], board["power_w"], board["temperature_c"]) == (93, 412.3, 61)
    assert (board["slows_at_c"], board["held_back_by"], board["is_slice"]) == (None, "", False)


@pytest.mark.parametrize(
    ("mood", "cause", "hot"), [("throttled", "heat", True), ("braked", "power supply", False), ("hot", "", True)]
)
def test_a_card_that_is_held_back_or_soon_will_be_is_told(driver: StubDriver, mood: str, cause: str, hot: bool) -> None:
    (board,) = asked(driver, (mood, 0, CARD))
    assert (board["held_back_by"], board["is_hot"]) == (cause, hot)


def test_a_card_at_its_power_limit_is_merely_at_work(driver: StubDriver) -> None:
    assert asked(driver, ("", 0, CARD))[0]["held_back_by"] == ""


def test_a_lost_card_is_left_alone_for_a_while_and_found_again_after_a_reset(driver: StubDriver) -> None:
    boards = asked(
        driver,
        ("", 0, CARD),
        ("lost", 2, CARD),
        ("lost", 2, OTHER_CARD),
        ("", 2, CARD),
        ("", 70, CARD),
    )
    lost = "the driver lost this card: GPU is lost"
    assert [board["missing"] for board in boards] == ["", lost, "", lost, ""]
    assert [board["busy_percent"] for board in boards] == [93, None, 3, None, 93]
    assert driver.notes == ["init", "shutdown", "init", "shutdown"]


def test_a_driver_that_was_unloaded_beneath_is_opened_anew_once_it_is_back(driver: StubDriver) -> None:
    boards = asked(
        driver, ("", 0, CARD), ("reset", 2, CARD), ("unloaded", 2, CARD), ("unloaded", 70, CARD), ("", 70, CARD)
    )
    assert [board["missing"] for board in boards] == [
        "",
        "the driver refuses: Uninitialized",
        "the driver refuses: Uninitialized",
        "the driver refuses: Driver Not Loaded",
        "",
    ]
    assert boards[-1]["busy_percent"] == 93
    assert driver.notes == ["init", "shutdown", "init", "init", "shutdown"]


def test_a_driver_that_forbids_everything_is_named_as_the_reason(driver: StubDriver) -> None:
    forbidden, silent = asked(driver, ("forbidden", 0, CARD), ("silent", 2, OTHER_CARD))
    assert forbidden["missing"] == "the driver refuses: Insufficient Permissions"
    assert silent["missing"] == "the driver tells nothing of this card"


@pytest.mark.parametrize("uuid", ["GPU-00000000-0000-0000-0000-000000000000", "00000000-0000", "\x1b[31m"])
def test_a_card_that_is_not_there_is_not_taken_for_another(driver: StubDriver, uuid: str) -> None:
    (board,) = asked(driver, ("", 0, uuid))
    assert board["missing"] == "the driver here does not know this card"
    assert board["busy_percent"] is None


def test_without_a_driver_it_is_looked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pynvml

    tries = []

    def not_there() -> None:
        tries.append(1)
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", not_there)
    now = 0.0
    reader = BoardReader(clock=lambda: now)
    for _ in range(3):
        assert reader.read(CARD) == Board(missing="no NVIDIA driver here")
        now += 1e6
    reader.close()
    assert tries == [1]


class CountingReader(BoardReader):
    """Counts the questions, and answers none."""

    def __init__(self) -> None:
        super().__init__()
        self.read_of: list[str] = []

    def read(self, uuid: str) -> Board:
        """Take note of the question."""
        self.read_of.append(uuid)
        return Board(busy_percent=1)


def status_of(**fields: Any) -> Status:
    identity = process_identity(os.getpid())
    return Status.model_validate({"state": "training", "started_at": 0.0, "heartbeat": 0.0, **identity, **fields})


CUDA = Device(kind="cuda", uuid=CARD)


def test_only_cards_of_a_live_run_on_this_very_host_are_asked_of() -> None:
    here, reader = socket.gethostname(), CountingReader()
    other = CUDA.model_copy(update={"uuid": OTHER_CARD})
    ranks = (Rank(rank=0, host=here, device=CUDA), Rank(rank=1, host="node-b", device=other))
    boards = read_boards(status_of(device=CUDA, ranks=ranks), reader, active=True)
    assert boards == {CARD: Board(busy_percent=1), OTHER_CARD: Board(missing="the card is in node-b, not here")}
    ended = read_boards(status_of(device=CUDA), reader, active=False)
    assert ended == {CARD: Board(missing="the run has ended")}
    assert read_boards(status_of(), reader, active=True) == {}
    assert reader.read_of == [CARD]


def test_a_card_without_a_uuid_is_not_guessed() -> None:
    nameless = Device(kind="cuda", name="some card")
    told = unread_boards(status_of(device=nameless), active=True)
    assert told == {"": Board(missing="the trainer does not know the card's UUID")}
