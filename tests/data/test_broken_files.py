"""Every broken file is named with what is wrong with it, and everything good is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from broken_files import originals, write_broken_files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harmonic_core.audio import headers
from harmonic_core.audio.decode import decode
from harmonic_core.audio.reasons import DecodeError
from harmonic_core.data.inspect import Fault, Kind, fault_of_reason, faults, wrong_ending

RATE = 8_000
MIN_SECONDS = 1.0


def judge(path: Path) -> list[Fault]:
    """What is wrong with a file, as a worker process and its parent find it."""
    try:
        decoding = decode(path, RATE)
        for _ in decoding:
            pass
    except DecodeError as error:
        return [fault_of_reason(str(error))]
    except OSError as error:
        return [fault_of_reason(error.strerror or str(error))]
    ending = wrong_ending(path.name, decoding.facts)
    return faults(decoding.facts, MIN_SECONDS) + ([ending] if ending else [])


def test_each_is_named_with_what_is_wrong_with_it(tmp_path: Path) -> None:
    expected = write_broken_files(tmp_path / "files", tmp_path / "good")
    assert len(expected) > 80
    found = {name: judge(tmp_path / "files" / name) for name in expected}
    first: dict[str, Kind | None] = {name: faults[0].kind if faults else None for name, faults in found.items()}
    assert first == expected
    assert all(fault.message and "\n" not in fault.message for faults in found.values() for fault in faults)


def test_the_place_of_damage_is_named(tmp_path: Path) -> None:
    write_broken_files(tmp_path / "files", tmp_path / "good")
    assert judge(tmp_path / "files" / "zeroed.mp3")[0].message == "ffmpeg (mp3): invalid data after 1.3 s"


def test_a_playlist_never_opens_what_it_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The listed file is good audio beside it: were it opened, also where the text goes unseen, it would decode."""
    original = originals(tmp_path)
    (tmp_path / "real.aac").write_bytes(original["mp3"])
    for name, text in {
        "hls.wav": "\n#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nreal.aac\n#EXT-X-ENDLIST\n",
        "m3u.m4a": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nreal.aac\n#EXT-X-ENDLIST\n",
        "concat.mp3": "ffconcat version 1.0\nfile real.aac\n",
        "dash.m4a": '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><BaseURL>real.aac</BaseURL></MPD>\n',
    }.items():
        (tmp_path / name).write_text(text)
        assert [fault.kind for fault in judge(tmp_path / name)] == ["not_audio"], name
        with monkeypatch.context() as unseen:
            unseen.setattr(headers, "what_else", lambda head: None)
            assert [fault.kind for fault in judge(tmp_path / name)] == ["not_audio"], name


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A good file of every format."""
    return originals(tmp_path_factory.mktemp("short"))


@settings(
    max_examples=500,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_mutation_crashes_or_ends_without_samples_or_a_reason(
    tmp_path: Path, short: dict[str, bytes], data: st.DataObject
) -> None:
    content = bytearray(short[data.draw(st.sampled_from(sorted(short)))])
    # Headers are where damage hurts: half of it goes into the first 200 bytes.
    place = st.integers(0, len(content) - 1) | st.integers(0, 199)
    for where, value in data.draw(st.lists(st.tuples(place, st.integers(0, 255)), min_size=1, max_size=12)):
        content[where] = value
    if data.draw(st.booleans()):
        where, length = data.draw(place), data.draw(st.integers(1, 3_000))
        if data.draw(st.booleans()):
            del content[where : where + length]
        else:
            content[where:where] = data.draw(st.binary(min_size=1, max_size=64)) * (1 + length // 64)
    path = tmp_path / "mutant"
    path.write_bytes(content)
    seconds, reason = 0.0, ""
    try:
        decoding = decode(path, RATE)
        seconds = sum(len(block) for block in decoding) / RATE
    except DecodeError as error:
        reason = str(error)
    # What a damaged header stretches is still bounded by what the file holds.
    assert 0 < seconds < 600 if not reason else fault_of_reason(reason).refuses
