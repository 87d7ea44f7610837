"""Lines that one process writes while others read: nothing lost, nothing doubled, nothing believed that is torn."""

from __future__ import annotations

import errno
import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonic_core.run.events import event_row
from harmonic_core.run.records import RecordTail, RecordWriter, decode_row, encode_row, keep_rows, last_row, read_rows

# What a file name can hold: any text, and surrogates for the bytes that are none.
text = st.text(st.characters(exclude_categories=["Cs"])) | st.text(
    st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF)
)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | text
values = st.recursive(
    scalars.filter(lambda value: value not in {"NaN", "Infinity", "-Infinity"}),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)


def same(a: Any, b: Any) -> bool:
    return repr(a) == repr(b)  # nan is not equal to itself, but reads the same


@settings(max_examples=200, deadline=None)
@given(row=st.dictionaries(text, values, max_size=6))
def test_any_row_comes_back_as_it_was_on_one_line_of_valid_json(row: dict[str, Any]) -> None:
    line = encode_row(row)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert same(decode_row(line), row)
    json.loads(line.decode("utf-8"), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_has_no_word_for_come_back(number: float) -> None:
    row = {"a": number, "b": [number, {"c": number}]}
    assert same(decode_row(encode_row(row)), row)


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[1]", b"12", b"null", b"\xff\xfe", b'{"a":}', b"[" * 100_000, b"\x00" * 9]
)
def test_a_line_that_holds_no_object_is_no_row(line: bytes) -> None:
    assert decode_row(line) is None


def test_a_reader_gets_every_row_once_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    tail, writer = RecordTail(path), RecordWriter(path)
    assert tail.read() == []
    writer.append({"step": 1})
    assert tail.read() == [{"step": 1}]
    writer.append({"step": 2})
    writer.append({"step": 3})
    assert tail.read() == [{"step": 2}, {"step": 3}]
    assert tail.read() == []
    writer.close()


def test_a_half_written_line_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    tail = RecordTail(path)
    path.write_bytes(b'{"step":1}\n{"st')
    assert tail.read() == [{"step": 1}]
    with path.open("ab") as file:
        file.write(b'ep":2}\n')
    assert tail.read() == [{"step": 2}]


def test_garbage_is_counted_and_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"step":1}\n\xff\xff\nnot json\n{"step":2}\n')
    tail = RecordTail(path)
    assert tail.read() == [{"step": 1}, {"step": 2}]
    assert tail.unreadable == 2


def test_a_small_limit_gives_the_rest_with_the_next_calls(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"".join(encode_row({"step": i}) for i in range(50)))
    tail = RecordTail(path)
    batches = [tail.read(limit=64) for _ in range(20)]
    assert [row["step"] for batch in batches for row in batch] == list(range(50))


def test_a_replaced_file_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"".join(encode_row({"step": i}) for i in range(5)))
    tail = RecordTail(path)
    assert len(tail.read()) == 5
    keep_rows(path, lambda row: row["step"] < 2)
    assert tail.read() == [{"step": 0}, {"step": 1}]
    assert tail.restarts == 1


def test_a_truncated_file_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"step":1}\n{"step":2}\n')
    tail = RecordTail(path)
    tail.read()
    path.write_bytes(b'{"step":9}\n')
    assert tail.read() == [{"step": 9}]
    assert tail.restarts == 1


def test_a_file_that_goes_and_comes_again_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    tail = RecordTail(path)
    path.write_bytes(b'{"step":1}\n')
    assert len(tail.read()) == 1
    path.unlink()
    assert tail.read() == []
    assert read_rows(path) == []
    assert last_row(path, "step") is None


def test_keeping_rows_drops_the_others_and_the_torn_end(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"step":1}\n{"step":2}\n{"step":3}\n{"st')
    keep_rows(path, lambda row: row["step"] != 2)
    assert path.read_bytes() == b'{"step":1}\n{"step":3}\n'
    keep_rows(tmp_path / "none.jsonl", lambda row: True)
    assert not (tmp_path / "none.jsonl").exists()


def test_a_writer_made_before_the_file_was_replaced_writes_to_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"step":1}\n{"step":2}\n')
    writer = RecordWriter(path)
    keep_rows(path, lambda row: row["step"] < 2)
    writer.append({"step": 5})
    writer.close()
    assert read_rows(path) == [{"step": 1}, {"step": 5}]


def test_the_torn_line_of_a_killed_writer_does_not_swallow_the_next_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"step":1}\n{"st')
    writer = RecordWriter(path)
    writer.append({"step": 2})
    writer.close()
    assert read_rows(path) == [{"step": 1}, {"step": 2}]


def test_a_row_that_found_only_half_its_room_is_an_error_not_a_silent_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = RecordWriter(tmp_path / "rows.jsonl")
    write = os.write
    monkeypatch.setattr("os.write", lambda descriptor, data: write(descriptor, data[: len(data) // 2]))
    with pytest.raises(OSError, match="No space left") as full:
        writer.append({"step": 1, "loss": 0.5})
    assert full.value.errno == errno.ENOSPC


def test_two_writers_never_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    writers = [RecordWriter(path) for _ in range(2)]
    for i in range(200):
        writers[i % 2].append({"i": i, "padding": "x" * (i * 7 % 300)})
    assert [row["i"] for row in read_rows(path)] == list(range(200))


def test_the_newest_row_of_a_kind_is_found_from_the_end(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"kind": "epoch" if i % 10 == 0 else "step", "step": i} for i in range(1, 1_000)]
    path.write_bytes(b"".join(map(encode_row, rows)) + b'{"kind":"epoch","st')
    assert last_row(path, "epoch") == {"kind": "epoch", "step": 990}
    assert last_row(path, "epoch", tail_bytes=300) == {"kind": "epoch", "step": 990}
    assert last_row(path, "other") is None


def test_an_event_has_its_time_kind_and_words_whatever_they_hold(tmp_path: Path) -> None:
    writer = RecordWriter(tmp_path / "events.jsonl")
    writer.append(event_row("refused", "a\nb", title="caf\udce9.wav"))
    writer.close()
    (event,) = read_rows(tmp_path / "events.jsonl")
    assert event["time"] > 0
    assert (event["kind"], event["message"], event["title"]) == ("refused", "a\nb", "caf\udce9.wav")
