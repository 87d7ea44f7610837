"""The device panel: whose memory it is, how busy and how hot the cards are, and what it says where that is not known.

The driver is a stub that the real binding loads. It is found when a program starts, so the console runs in one of its
own.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from recorded_run import CPU, GIB, GPU, NOW, Recording, ranks_of, record_run
from stub_driver import CARD, OTHER_CARD, SLICE, StubDriver, stub_driver
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from watching import alive, alive_now, sees, until

from harmonic_core.run.board import Board, BoardReader
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import Device, Rank
from harmonic_tui.app import Console
from harmonic_tui.themes import DEFAULT_HUES
from harmonic_tui.widgets.chart import Chart
from harmonic_tui.widgets.device import DevicePanel

TRAINING = Recording(state="training", device=GPU)
FULL, SMALL, BROAD = (120, 36), (80, 24), (200, 50)
HERE = socket.gethostname()
BOARD = Board(
    index=1,
    total_bytes=int(79.6 * GIB),
    free_bytes=62 * GIB,
    busy_percent=93,
    power_w=412.3,
    power_limit_w=700.0,
    temperature_c=61,
    slows_at_c=89,
)
HOT = replace(BOARD, temperature_c=91)

WATCH = """
import asyncio, json, os, sys
from pathlib import Path
from watching import sees, text_of
from harmonic_core.run.directory import RunDirectory
from harmonic_tui.app import Console

async def watch():
    console = Console(RunDirectory(Path(sys.argv[1])), sound=False)
    async with console.run_test(size=json.loads(sys.argv[2])) as pilot:
        for mood, words in json.loads(sys.argv[3]):
            Path(os.environ["STUB_MOOD"]).write_text(mood)
            await sees(pilot, *words)
        print(text_of(console), flush=True)

asyncio.run(watch())
"""
"""Runs a console and changes the driver's mood; after each change it waits until the words are on the screen."""


@dataclass(frozen=True)
class Seat:
    """Where somebody sits at a console on a host that has the stub's cards."""

    driver: StubDriver

    def watch(self, run: RunDirectory, *steps: tuple[str, list[str]], size: tuple[int, int] = FULL) -> str:
        """What the console shows in the end; each step is the driver's mood, and words that must appear."""
        return self._run("-c", WATCH, str(run.path), json.dumps(size), json.dumps(steps))

    def once(self, run: RunDirectory, columns: int = 120) -> str:
        """What `harmonic-tui RUN --once` prints."""
        program = "from harmonic_tui.command import main; main()"
        return self._run("-c", program, str(run.path), "--once", COLUMNS=str(columns), LINES="36")

    def _run(self, *arguments: str, **environment: str) -> str:
        here = Path(__file__).parent
        paths = {"PYTHONPATH": f"{here}:{here.parent}"}
        done = subprocess.run(
            [sys.executable, *arguments],
            env={**self.driver.environment, **paths, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The driver, compiled once."""
    return stub_driver(tmp_path_factory.mktemp("driver") / "stub").folder


@pytest.fixture
def seat(compiled: Path) -> Seat:
    """A seat where all is well, and nothing was asked yet."""
    driver = StubDriver(compiled)
    driver.feel()
    (compiled / "notes").unlink(missing_ok=True)
    return Seat(driver)


def recorded(recording: Recording = TRAINING, name: str = "run") -> RunDirectory:
    """A run whose trainer lives on this host, by the real clock."""
    return record_run(Path(name), alive_now(recording))


def on_card(uuid: str | None) -> Recording:
    return replace(TRAINING, device=GPU.model_copy(update={"uuid": uuid}))


def ranks_here(*uuids: str) -> tuple[Rank, ...]:
    """Ranks on this host, each on one of the stub's cards."""
    return tuple(
        rank.model_copy(update={"host": HERE, "device": rank.device.model_copy(update={"uuid": uuid})})
        for rank, uuid in zip(ranks_of(len(uuids)), uuids, strict=True)
    )


def test_a_card_is_shown_with_whose_memory_it_is_and_how_the_board_is(seat: Seat) -> None:
    text = seat.once(recorded())
    assert "GPU 1  NVIDIA H100 80GB HBM3" in text
    assert "▮ 11.2  ▯ 14.0  ░ 3.60  / 79.6 GiB" in text
    assert "busy 93 %   412 of 700 W   61 °C" in text
    assert "peak 12.8 GiB   fragmentation 20 %" in text
    assert "retries 0   free 62.0 GiB" in text
    assert "uuid …7e3f2a" in text
    assert seat.driver.notes == ["init", "shutdown"]


def test_a_uuid_as_torch_writes_it_finds_the_same_card_and_not_the_first_one(seat: Seat) -> None:
    assert "busy 93 %   412 of 700 W   61 °C" in seat.once(recorded(on_card(CARD.removeprefix("GPU-"))))
    assert "busy 3 %   62 of 450 W   34 °C" in seat.once(recorded(on_card(OTHER_CARD.removeprefix("GPU-")), "other"))
    assert "by index" not in seat.driver.notes


def test_on_a_small_screen_the_line_has_memory_load_heat_and_power(seat: Seat) -> None:
    assert "GPU 1  NVIDIA H100 80GB HBM3   11.2│14.0 of 79.6 GiB   93 %   61 °C   412 W" in seat.once(recorded(), 80)


def test_each_figure_may_be_unknown_alone_and_comes_back(seat: Seat) -> None:
    seat.watch(
        recorded(),
        ("no-power", ["busy 93 %   n/a of 700 W   61 °C"]),
        ("no-limit no-temperature", ["busy 93 %   412 of n/a W   n/a °C"]),
        ("no-busy", ["busy n/a   412 of 700 W   61 °C"]),
        ("", ["busy 93 %   412 of 700 W   61 °C"]),
    )
    assert seat.driver.notes == ["init", "shutdown"]


def test_memory_that_the_driver_refuses_is_the_trainers_and_says_so(seat: Seat) -> None:
    seat.watch(
        recorded(),
        ("no-memory", ["░ 1.70  / 79.6 GiB", "busy 93 %", "free 63.9 GiB", "memory as the trainer tells it"]),
        ("", ["░ 3.60  / 79.6 GiB", "free 62.0 GiB"]),
    )


def test_of_a_slice_that_tells_nothing_memory_is_the_trainers(seat: Seat) -> None:
    sliced = GPU.model_copy(update={"uuid": SLICE, "total_bytes": int(9.75 * GIB), "free_bytes": 4 * GIB})
    recording = replace(TRAINING, device=sliced.model_copy(update={"allocated_bytes": GIB, "reserved_bytes": 2 * GIB}))
    refused = seat.watch(
        recorded(recording),
        ("", ["▮ 1.00  ▯ 2.00  ░ 3.75  / 9.75 GiB", "busy n/a   412 of 700 W   61 °C", "a slice (MIG)"]),
        ("refuses", ["board n/a: the driver tells nothing", "▮ 1.00  ▯ 2.00  ░ 3.75  / 9.75 GiB"]),
    )
    assert "this card; memory as the trainer" in refused


def test_heat_a_full_card_and_retries_are_told_in_words(seat: Seat) -> None:
    full = GPU.model_copy(update={"allocated_bytes": 70 * GIB, "reserved_bytes": 70 * GIB, "retries": 3, "ooms": 1})
    run = recorded(replace(TRAINING, device=full))
    seat.watch(
        run,
        ("", ["retries 3   out of memory 1 ×"]),
        ("hot", ["! hot: slows down at 89 °C", "87 °C"]),
        ("throttled", ["! slowed down by heat"]),
        ("braked", ["! slowed down by power supply"]),
    )
    tight = full.model_copy(update={"allocated_bytes": 75 * GIB})
    assert "! memory nearly full" in seat.once(recorded(replace(TRAINING, device=tight), "tight"))


def test_every_rank_has_the_figures_of_its_own_card(seat: Seat) -> None:
    run = recorded(replace(TRAINING, ranks=ranks_here(CARD, OTHER_CARD)))
    text = seat.once(run)
    assert text.index("busy 93 %  61 °C  412 W") < text.index("busy 3 %  34 °C  62 W")
    assert "frag 20 %  retries 0" in text
    small = seat.once(run, 80)
    assert "655 seg/s  busy 93 %  61 °C  412 W" in small
    assert "654 seg/s   busy 3 %  34 °C   62 W" in small


def test_a_lost_card_costs_its_own_figures_alone(seat: Seat) -> None:
    text = seat.watch(
        recorded(replace(TRAINING, ranks=ranks_here(CARD, OTHER_CARD))),
        ("", ["busy 93 %  61 °C"]),
        ("lost", ["busy n/a  n/a °C  n/a W", "busy 3 %  34 °C  62 W"]),
        size=FULL,
    )
    assert "board n/a: the driver lost this" in text


def test_a_driver_that_hangs_holds_up_neither_the_console_nor_its_end(seat: Seat) -> None:
    text = seat.watch(
        recorded(), ("hangs", ["Still improving", "119 of 128 active", "busy n/a   n/a of n/a W   n/a °C"])
    )
    assert "▮ 11.2  ▯ 14.0  ░ 1.70  / 79.6 GiB" in text


HANGS = """
import json, sys
from pathlib import Path
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import read_status
from harmonic_tui.runs.boards import BoardWatch

now = 0.0
status = read_status(RunDirectory(Path(sys.argv[1])).status)
watch = BoardWatch(clock=lambda: now)
for _ in range(3):
    print([board.missing for board in watch.look(status, active=True).values()])
    now += 10.0
"""


def test_a_driver_that_does_not_answer_for_long_is_named_as_the_reason(seat: Seat) -> None:
    seat.driver.feel("hangs")
    said = seat._run("-c", HANGS, str(recorded().path)).splitlines()
    assert said == ["[]", "[]", "['the driver has stopped answering']"]


CLOSED_EARLY = """
import sys, time
from pathlib import Path
from threading import Event, Thread
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import read_status
from harmonic_tui.runs import boards

starts = Event()

class SlowToStart(Thread):
    def start(self):
        starts.set()
        time.sleep(0.2)
        super().start()

boards.Thread = SlowToStart
status = read_status(RunDirectory(Path(sys.argv[1])).status)
watch = boards.BoardWatch()
look = Thread(target=watch.look, args=(status,), kwargs={"active": True})
look.start()
starts.wait()
watch.close()
look.join()
print("closed")
"""


def test_a_console_can_be_left_while_it_begins_to_ask_the_driver(seat: Seat) -> None:
    assert seat._run("-c", CLOSED_EARLY, str(recorded().path)) == "closed\n"


async def test_without_a_driver_the_trainer_is_believed_and_it_is_said() -> None:
    console = Console(record_run(Path("run"), alive(TRAINING)), clock=lambda: NOW, sound=False)
    async with console.run_test(size=FULL) as pilot:
        await sees(
            pilot,
            "GPU  NVIDIA H100",
            "░ 1.70  / 79.6 GiB",
            "board n/a: no NVIDIA driver here;",
            "memory as the trainer tells it",
        )


async def test_the_cards_of_another_host_are_not_asked_of_from_here() -> None:
    console = Console(record_run(Path("run"), replace(alive(TRAINING), host="node-b")), clock=lambda: NOW, sound=False)
    async with console.run_test(size=BROAD) as pilot:
        await sees(pilot, "board n/a: the card is in node-b, not here", "░ 1.70  / 79.6 GiB")


async def test_once_a_run_has_ended_its_cards_are_no_business_of_it() -> None:
    console = Console(record_run(Path("run"), replace(TRAINING, state="finished")), clock=lambda: NOW, sound=False)
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "✓ finished", "board n/a: the run has ended", "peak 12.8 GiB")


async def test_of_a_replay_no_card_is_asked() -> None:
    console = Console(record_run(Path("run"), alive(TRAINING)), clock=lambda: NOW, sound=False, replayed=True)
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "board n/a: this is a replay")


async def test_a_run_without_cards_never_opens_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    import pynvml

    tries = []
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: tries.append(1))
    console = Console(record_run(Path("run"), alive(Recording(state="training"))), clock=lambda: NOW, sound=False)
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "Still improving", "process ▮ 1.31 of 15.6 GiB", "CPU 187 % (1.9 cores)")
        await sees(pilot, "others ░ 4.09   free · 10.2 GiB")
    assert tries == []


async def test_away_from_the_terminal_cards_are_asked_less_often() -> None:
    console = Console(record_run(Path("run"), alive(TRAINING)), clock=lambda: NOW, sound=False)
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "Still improving")
        assert console.watched is not None
        often = console.watched.board_watch.every_s
        console.app_focus = False
        await pilot.pause()
        assert console.watched.board_watch.every_s > often
        console.app_focus = True
        await pilot.pause()
        assert console.watched.board_watch.every_s == often


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
@pytest.mark.parametrize("number", [1, 2, 8])
def test_dashboard_of_a_run_whose_cards_are_known(  # type: ignore[no-untyped-def]
    snap_compare, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], number: int
) -> None:
    def read(reader: BoardReader, uuid: str) -> Board:
        return HOT if uuid.endswith("03") else BOARD

    async def see_cards(pilot: Pilot[str]) -> None:
        seen = "busy 93 %" if number == 1 and size != SMALL else "61 °C"
        await sees(pilot, "Still improving", "prior 1", *([] if number == 8 and size == FULL else [seen]))
        await until(pilot, lambda: all(chart.is_current for chart in pilot.app.screen.query(Chart)))
        await pilot.pause()

    monkeypatch.setattr(BoardReader, "read", read)
    monkeypatch.setattr("socket.gethostname", lambda: "node-a")
    ranks = ranks_of(number) if number > 1 else ()
    recording = replace(alive(replace(TRAINING, ranks=ranks)), host="node-a")
    app = Console(record_run(Path("gtzan_ld128_e100"), recording), clock=lambda: NOW, sound=False)
    assert snap_compare(app, terminal_size=size, run_before=see_cards)


class PanelAlone(App[None]):
    """The panel and nothing else."""

    def __init__(self, recording: Recording, boards: dict[str, Board]) -> None:
        super().__init__()
        self._told = recording, boards

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The console's hues."""
        return DEFAULT_HUES

    def compose(self) -> ComposeResult:
        """The panel."""
        yield DevicePanel()

    def on_mount(self) -> None:
        """Tell it everything."""
        from recorded_run import status_of

        recording, boards = self._told
        panel = self.query_one(DevicePanel)
        panel.styles.border = ("round", "gray")
        panel.tell(status_of(recording), boards)


async def shown(recording: Recording, boards: dict[str, Board], size: tuple[int, int]) -> list[str]:
    """Lines of the panel at a size."""
    app = PanelAlone(recording, boards)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        return [strip.text for strip in app.screen._compositor.render_strips()]


async def test_a_bar_is_divided_as_the_figures_below_it_say() -> None:
    bar, legend, *_ = (await shown(TRAINING, {CARD: BOARD}, (82, 12)))[1:]
    counts = {sign: bar.count(sign) for sign in "▮▯░·"}
    assert counts == {"▮": 11, "▯": 3, "░": 4, "·": 62}
    assert "allocated ▮ 11.2  reserved ▯ 14.0  others ░ 3.60  / 79.6 GiB" in legend


@pytest.mark.parametrize("width", [24, 40, 66, 120])
@pytest.mark.parametrize("number", [1, 2, 8])
async def test_whatever_the_width_no_line_is_longer(width: int, number: int) -> None:
    ranks = ranks_of(number, hosts=2) if number > 1 else ()
    boards = {rank.device.uuid or "": HOT for rank in ranks} | {CARD: HOT}
    lines = await shown(replace(TRAINING, ranks=ranks), boards, (width, 12))
    assert all(line.startswith(("╭", "│", "╰")) and line.endswith(("╮", "│", "╯")) for line in lines)


async def test_a_hot_card_is_named_even_where_there_is_no_column_for_heat() -> None:
    ranks = ranks_of(8)
    boards: dict[str, Board] = {rank.device.uuid or "": BOARD for rank in ranks}
    hot = {**boards, ranks[3].device.uuid or "": HOT}
    calm, alarmed = [await shown(replace(TRAINING, ranks=ranks), told, (40, 11)) for told in (boards, hot)]
    assert "   7  ▮" in calm[-2]
    assert "and 1 more, hot: rank 3" in alarmed[-2]
    wide = await shown(replace(TRAINING, ranks=ranks), hot, (82, 11))
    assert [line.count("91 °C hot") for line in wide if "of 79.6" in line] == [0, 0, 0, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("unknown", ["allocated_bytes", "reserved_bytes", "total_bytes", "peak_bytes", "retries"])
@pytest.mark.parametrize("device", [GPU, CPU], ids=["card", "processor"])
async def test_what_the_trainer_does_not_tell_is_not_shown_as_nothing(device: Device, unknown: str) -> None:
    told: Any = device.model_copy(update={unknown: None})
    text = "\n".join(await shown(replace(TRAINING, device=told), {}, (60, 12)))
    assert "n/a" in text or device.kind == "cpu"
    assert "None" not in text
