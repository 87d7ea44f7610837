"""Log and events of a run: followed, searched, copied, and gone on from."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded_evaluation import record_evaluation, report_at
from recorded_run import NOW, PREPARING, Recording, record_run
from textual.pilot import Pilot
from watching import alive, sees, text_of, until

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import encode_row
from harmonic_tui.app import Console
from harmonic_tui.screens.dashboard import DashboardScreen
from harmonic_tui.screens.evaluation import EvaluationScreen
from harmonic_tui.screens.log import LogScreen
from harmonic_tui.screens.refused import RefusedScreen
from harmonic_tui.screens.whole import WholeTextScreen
from harmonic_tui.widgets.find import FindInput
from harmonic_tui.widgets.happenings import Happenings
from harmonic_tui.widgets.log_lines import LogLines

FULL, SMALL, BROAD = (120, 36), (80, 24), (200, 50)
THIN = "\N{THIN SPACE}"
TRAINING = Recording(state="training")


def console_on(run: RunDirectory) -> Console:
    return Console(run, clock=lambda: NOW, sound=False)


def a_run(recording: Recording = TRAINING) -> RunDirectory:
    return record_run(Path("run"), alive(recording))


def log_of(pilot: Pilot[str]) -> LogLines:
    return pilot.app.screen.query_one(LogLines)


def events_of(pilot: Pilot[str]) -> Happenings:
    return pilot.app.screen.query_one(Happenings)


def add_to_log(run: RunDirectory, text: str) -> None:
    with run.console_log.open("a") as file:
        file.write(text)


def add_event(run: RunDirectory, kind: str, message: str, moment: float = NOW - 1.0, **details: object) -> None:
    with run.events.open("ab") as file:
        file.write(encode_row({"time": moment, "kind": kind, "message": message, **details}))


async def open_log(pilot: Pilot[str]) -> None:
    await sees(pilot, "● training")
    await pilot.press("8")
    await sees(pilot, "Log  38 lines", "Epoch 37/100")


async def look_for(pilot: Pilot[str], words: str) -> None:
    await pilot.press("slash")
    await until(pilot, lambda: isinstance(pilot.app.focused, FindInput))
    await pilot.press(*words, "enter")


@pytest.mark.parametrize("size", [FULL, BROAD], ids=["full", "broad"])
async def test_log_and_events_stand_side_by_side_or_above_each_other_with_numbers_and_times(
    size: tuple[int, int],
) -> None:
    async with console_on(a_run()).run_test(size=size) as pilot:
        await open_log(pilot)
        await sees(pilot, "38  Epoch 37/100", "20:13:02  checkpoint  step 1200, best so far", "Events  [all 9]")


async def test_where_there_is_room_for_one_list_only_tab_shows_the_other() -> None:
    async with console_on(a_run()).run_test(size=SMALL) as pilot:
        await open_log(pilot)
        assert "best so far" not in text_of(pilot.app)
        await sees(pilot, "tab shows the events")
        await pilot.press("tab")
        await sees(pilot, "step 1200, best so far", "tab shows the log")
        assert "Epoch 37/100" not in text_of(pilot.app)
        await pilot.press("tab")
        await sees(pilot, "Epoch 37/100")


async def test_the_end_is_followed_until_one_moves_away_and_again_with_f() -> None:
    run = a_run()
    async with console_on(run).run_test(size=FULL) as pilot:
        await open_log(pilot)
        await sees(pilot, "at the end, follows")
        add_to_log(run, "a new line\n")
        await sees(pilot, "39  a new line")
        await pilot.press("up")
        await until(pilot, lambda: not log_of(pilot).follows)
        add_to_log(run, "\n".join(f"more {number}" for number in range(100)) + "\n")
        await sees(pilot, "Log  139 lines")
        assert log_of(pilot).cursor == 37
        await pilot.press("f")
        await sees(pilot, "139  more 99")
        assert log_of(pilot).cursor == 138
        await pilot.press("f")
        assert not log_of(pilot).follows


async def test_new_events_come_by_themselves() -> None:
    run = a_run()
    async with console_on(run).run_test(size=FULL) as pilot:
        await open_log(pilot)
        add_event(run, "oom", "batch halved \x1b[2J[red]")
        await sees(pilot, "memory      batch halved [red]", "[all 10]", "memory 1")


async def test_both_are_searched_and_n_goes_round_through_the_hits() -> None:
    async with console_on(a_run()).run_test(size=FULL) as pilot:
        await open_log(pilot)
        await look_for(pilot, r"^Epoch [12]0/")
        await sees(pilot, "2 in the log, 0 in the events")
        await until(pilot, lambda: log_of(pilot).cursor == 20)
        await pilot.press("n")
        await until(pilot, lambda: log_of(pilot).cursor == 10)
        await pilot.press("n")
        await until(pilot, lambda: log_of(pilot).cursor == 20)
        await pilot.press("N")
        await until(pilot, lambda: log_of(pilot).cursor == 10)


async def test_what_only_an_event_says_is_found_there() -> None:
    async with console_on(a_run()).run_test(size=FULL) as pilot:
        await open_log(pilot)
        await look_for(pilot, "damaged")
        await sees(pilot, "0 in the log, 1 in the events")
        await until(pilot, lambda: events_of(pilot).has_focus)
        assert events_of(pilot).cursor == 1


async def test_small_letters_find_large_ones_and_large_ones_only_themselves() -> None:
    async with console_on(a_run()).run_test(size=FULL) as pilot:
        await open_log(pilot)
        await look_for(pilot, "epoch 3/")
        await sees(pilot, "1 in the log")
        await pilot.press("escape")
        await look_for(pilot, "EPOCH 3/")
        await sees(pilot, "found nowhere")


async def test_a_hit_is_underlined_where_it_stands() -> None:
    async with console_on(a_run()).run_test(size=FULL) as pilot:
        await open_log(pilot)
        await look_for(pilot, "Epoch 37")
        await sees(pilot, "1 in the log")
        await pilot.pause()
        listing = log_of(pilot)
        strip = listing.render_line(listing.cursor - listing.scroll_offset.y)
        underlined = "".join(part.text for part in strip if part.style and part.style.underline)
        assert underlined == "Epoch 37"


async def test_what_is_no_regular_expression_is_refused_with_the_reason() -> None:
    async with console_on(a_run()).run_test(size=FULL) as pilot:
        await open_log(pilot)
        await look_for(pilot, "loss (")
        await sees(pilot, "no pattern: missing ), unterminated subpattern, at 6")
        await until(pilot, lambda: isinstance(pilot.app.focused, FindInput))
        await pilot.press("escape")
        await until(pilot, lambda: log_of(pilot).has_focus)


async def test_new_lines_are_searched_as_they_come() -> None:
    run = a_run()
    async with console_on(run).run_test(size=FULL) as pilot:
        await open_log(pilot)
        await look_for(pilot, "needle")
        await sees(pilot, "found nowhere")
        add_to_log(run, "hay\nneedle\n")
        await sees(pilot, "1 in the log")
        add_event(run, "warning", "a needle")
        await sees(pilot, "1 in the log, 1 in the events")


async def test_escape_ends_the_search_and_then_goes_back() -> None:
    console = console_on(a_run())
    async with console.run_test(size=FULL) as pilot:
        await open_log(pilot)
        await look_for(pilot, "epoch")
        await sees(pilot, "37 in the log")
        await pilot.press("escape")
        await until(pilot, lambda: "in the log" not in text_of(console))
        await pilot.press("n")
        assert isinstance(console.screen, LogScreen)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(console.screen, DashboardScreen))


async def test_events_of_one_kind_are_chosen_with_brackets_or_a_click() -> None:
    async with console_on(a_run()).run_test(size=FULL) as pilot:
        await open_log(pilot)
        await pilot.press("right_square_bracket")
        await sees(pilot, "[checkpoint 3]")
        assert events_of(pilot).count == 3
        await pilot.press("left_square_bracket", "left_square_bracket")
        await sees(pilot, "[sample 3]")
        row = next(row for row, line in enumerate(text_of(pilot.app).splitlines()) if "[sample 3]" in line)
        await pilot.click(offset=(text_of(pilot.app).splitlines()[row].index("refused 1") + 1, row))
        await sees(pilot, "[refused 1]", "the header is damaged")
        assert events_of(pilot).count == 1


async def test_the_line_is_copied_whole_and_harmless() -> None:
    run = a_run()
    async with console_on(run).run_test(size=SMALL) as pilot:
        await open_log(pilot)
        add_to_log(run, "\x1b[31m" + "word " * 40 + "end\n")
        await sees(pilot, "Log  39 lines")
        await until(pilot, lambda: log_of(pilot).text(38).endswith("end"))
        await pilot.press("y")
        await until(pilot, lambda: pilot.app.clipboard == "word " * 40 + "end")
        await pilot.press("tab", "y")
        await until(pilot, lambda: "step 1200, best so far" in pilot.app.clipboard)


async def test_enter_shows_a_long_line_to_its_end() -> None:
    run = a_run()
    async with console_on(run).run_test(size=SMALL) as pilot:
        await open_log(pilot)
        add_to_log(run, "word " * 40 + "[end]\n")
        await until(pilot, lambda: log_of(pilot).text(38).endswith("[end]"))
        await pilot.press("enter")
        await sees(pilot, "Line 39 of the log", "[end]")
        await pilot.press("y", "escape")
        await until(pilot, lambda: pilot.app.clipboard.endswith("[end]"))
        await until(pilot, lambda: isinstance(pilot.app.screen, LogScreen))


@pytest.mark.parametrize(
    ("kind", "screen"), [("evaluation", EvaluationScreen), ("refused", RefusedScreen), ("warning", WholeTextScreen)]
)
async def test_enter_on_an_event_goes_to_its_place(kind: str, screen: type[object]) -> None:
    run = a_run()
    record_evaluation(run, report_at(30))
    add_event(run, kind, "broken/jazz.00054.wav: not decodable", title="broken/jazz.00054.wav")
    async with console_on(run).run_test(size=FULL) as pilot:
        await open_log(pilot)
        await pilot.press("tab")
        await until(pilot, lambda: events_of(pilot).has_focus and events_of(pilot).count == 10)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, screen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, LogScreen))


async def test_a_sample_leads_to_the_samples() -> None:
    console = console_on(a_run())
    async with console.run_test(size=FULL) as pilot:
        await open_log(pilot)
        await pilot.press("tab", "home", "down", "down", "down", "enter")
        await until(pilot, lambda: type(console.screen).__name__ == "SamplesScreen")


async def test_a_click_moves_the_cursor_and_a_second_one_opens() -> None:
    console = console_on(a_run())
    async with console.run_test(size=FULL) as pilot:
        await open_log(pilot)
        row = next(row for row, line in enumerate(text_of(console).splitlines()) if "Epoch 36/100" in line)
        await pilot.click(offset=(20, row))
        await until(pilot, lambda: log_of(pilot).cursor == 36)
        await pilot.click(offset=(20, row))
        await sees(pilot, "Line 37 of the log")


@pytest.mark.parametrize(
    ("keys", "line"), [("pageup", 38 - 19), ("home", 0), ("k", 36), ("up", 36)], ids=["page", "home", "k", "up"]
)
async def test_the_cursor_moves_by_lines_and_pages_and_to_the_ends(keys: str, line: int) -> None:
    async with console_on(a_run()).run_test(size=FULL) as pilot:
        await open_log(pilot)
        height = log_of(pilot).scrollable_content_region.height
        await pilot.press(keys)
        await until(pilot, lambda: log_of(pilot).cursor == (37 - height if keys == "pageup" else line))
        await pilot.press("end")
        await until(pilot, lambda: log_of(pilot).cursor == 37)


async def test_a_log_of_many_lines_is_read_only_where_one_looks() -> None:
    run = a_run()
    run.console_log.write_text("".join(f"line {number} of many\n" for number in range(300_000)))
    async with console_on(run).run_test(size=FULL) as pilot:
        await sees(pilot, "● training")
        await pilot.press("8")
        await sees(pilot, f"Log  300{THIN}000 lines", f"300{THIN}000  line 299999 of many")
        await pilot.press("home")
        await sees(pilot, "line 0 of many")
        await look_for(pilot, "line 1234[0-4] of")
        await sees(pilot, "5 in the log")
        await until(pilot, lambda: log_of(pilot).cursor == 12_340)
        await sees(pilot, "line 12340 of many")


async def test_a_log_that_is_replaced_is_read_anew() -> None:
    run = a_run()
    async with console_on(run).run_test(size=FULL) as pilot:
        await open_log(pilot)
        run.console_log.write_text("begun anew\n")
        await sees(pilot, "Log  1 lines", "1  begun anew")


async def test_before_anything_is_printed_it_says_what_will_stand_here() -> None:
    run = a_run(PREPARING)
    run.console_log.unlink()
    run.events.unlink()
    async with console_on(run).run_test(size=FULL) as pilot:
        await sees(pilot, "preparing")
        await pilot.press("8")
        await sees(pilot, "What the trainer prints appears here", "Checkpoints, samples, refused files")
        await pilot.press("y")
        await until(pilot, lambda: any("no line to copy" in told.message for told in pilot.app._notifications))


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
def test_picture_of_log_and_events(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def search(pilot: Pilot[str]) -> None:
        await open_log(pilot)
        await look_for(pilot, "epoch 3[0-5]/")
        await sees(pilot, "6 in the log, 0 in the events")
        await pilot.pause()

    assert snap_compare(console_on(record_run(Path("gtzan"), alive(TRAINING))), terminal_size=size, run_before=search)
