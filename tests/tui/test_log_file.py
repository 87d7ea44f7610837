"""A log of any size: where its lines are, what may be shown of them, and what matches."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harmonic_tui.runs import log_file
from harmonic_tui.runs.log_file import LogFile, shown_line


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log of five thousand lines."""
    path = tmp_path / "console.log"
    path.write_text("".join(f"line {number}\n" for number in range(5000)))
    return path


def test_lines_are_counted_and_read_wherever_they_are(path: Path) -> None:
    log = LogFile(path)
    assert log.count == 0
    assert log.scan()
    assert (log.count, log.read(4998, 10)) == (5000, ["line 4998", "line 4999"])
    assert log.read(0, 1) == ["line 0"]
    assert not log.scan()


def test_what_is_added_is_found_and_a_last_line_without_an_end_is_shown(path: Path) -> None:
    log = LogFile(path)
    log.scan()
    with path.open("a") as file:
        file.write("half a li")
        file.flush()
        assert log.scan()
        assert (log.count, log.read(5000, 1)) == (5001, ["half a li"])
        file.write("ne\nnext\n")
        file.flush()
        assert log.scan()
    assert (log.count, log.read(5000, 5)) == (5002, ["half a line", "next"])


@pytest.mark.parametrize("how", ["shorter", "another"])
def test_a_log_that_was_replaced_is_begun_anew(path: Path, how: str) -> None:
    log = LogFile(path)
    log.scan()
    if how == "shorter":
        path.write_text("new\n")
    else:
        other = path.with_name("other")
        other.write_text("new\n" + "x" * 100_000 + "\n")
        other.replace(path)
    assert log.scan()
    assert (log.restarts, log.read(0, 1)) == (1, ["new"])


def test_a_log_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "no" / "log")
    assert (log.scan(), log.count, log.read(0, 5)) == (False, 0, [])


def test_a_log_that_vanishes_says_so_instead_of_its_lines(path: Path) -> None:
    log = LogFile(path)
    log.scan()
    path.unlink()
    assert set(log.read(0, 3)) == {"the log cannot be read any more"}


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain  text", "plain  text"),
        ("    indented\ttab", "    indented tab"),
        ("10 %\r50 %\r100 %\r\n", "100 %"),
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07end", "red end"),
        ("bell\x07 and \x9b2J", "bell\\x07 and"),
        ("[bold]no markup[/bold]", "[bold]no markup[/bold]"),
        ("", ""),
    ],
)
def test_only_what_is_harmless_is_shown(raw: str, shown: str) -> None:
    assert shown_line(raw) == shown


def test_of_a_huge_line_the_beginning_is_read_and_of_an_overwritten_one_the_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("a" * 3_000_000 + "\n" + "\r".join(f"{share} %" for share in range(400_000)) + "\nlast\n")
    log = LogFile(path)
    log.scan()
    long, overwritten, last = log.read(0, 3)
    assert (len(long), long[-1]) == (log_file.LONGEST_LINE, "…")
    assert (overwritten, last) == ("399999 %", "last")


def test_what_matches_is_found_part_by_part(path: Path) -> None:
    path.write_text("".join(f"line {number}\n" for number in range(100_000)))
    log = LogFile(path)
    log.scan()
    found, following, parts = [], 0, 0
    while following < log.count:
        part = log.find(re.compile(r"line \d*77\d0$"), following, most_bytes=10_000)
        found, following, parts = found + part.lines, part.following, parts + 1
    assert found == [number for number in range(100_000) if re.search(r"77\d0$", str(number))]
    assert parts > 1


def test_what_is_searched_is_what_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"\x1b[31mlo\x1b[0mss\n" + b"\xff\xfe\n" + b"x" * 2_000_000 + b"loss\n" + b"50 %\rloss 1\n")
    log = LogFile(path)
    log.scan()
    found, following = [], 0
    while following < log.count:
        part = log.find(re.compile("^loss"), following)
        found, following = found + part.lines, part.following
    assert found == [0, 3]


def test_how_far_it_is_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "_CHUNK", 1000)
    told: list[float] = []
    LogFile(path).scan(told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 10
