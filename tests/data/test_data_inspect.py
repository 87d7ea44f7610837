"""What is wrong with a sound follows from the facts alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harmonic_core.audio.facts import SoundFacts
from harmonic_core.data.inspect import Kind, fault_of_reason, faults, wrong_ending


def facts(**changed: Any) -> SoundFacts:
    """Facts of half a minute of good music, but for what is changed."""
    fine = {
        "container": "wav",
        "codec": "pcm_s16le",
        "decoder": "ffmpeg",
        "sample_rate": 44_100,
        "channels": 2,
        "seconds": 30.0,
        "declared_seconds": 30.0,
        "peak": 0.9,
        "mono_peak": 0.8,
        "rms": 0.1,
        "tags": {},
    }
    return SoundFacts(**{**fine, **changed})


def test_good_music_has_no_faults() -> None:
    assert faults(facts(), 1.0) == []


@pytest.mark.parametrize(
    ("changed", "kind", "refuses", "words"),
    [
        ({"seconds": 20.0}, "truncated", True, "20.00 s of the 30.00 s"),
        ({"missing_seconds": 2.0}, "truncated", True, "2.00 s are missing in the middle"),
        ({"ended": False}, "truncated", True, "stops after 30.00 s"),
        ({"seconds": 0.5, "declared_seconds": None}, "too_short", True, "0.50 s long, shorter than"),
        ({"peak": 0.0, "mono_peak": 0.0}, "silent", True, "every sample is zero"),
        ({"peak": 9e-4, "mono_peak": 9e-4}, "silent", True, "-61 dB"),
        ({"mono_peak": 1e-4}, "silent", True, "cancel out"),
        ({"clipped": 3_000}, "clipped", False, "0.1 % of the samples"),
        ({"dc_offset": -0.02}, "dc_offset", False, "-2.0 %"),
        ({"sample_rate": 44_056}, "odd_rate", False, "44056 Hz"),
        ({"channels": 6}, "odd_channels", False, "6 channels"),
    ],
)
def test_each_fault_is_found_alone_and_said_with_its_figures(
    changed: dict[str, Any], kind: Kind, refuses: bool, words: str
) -> None:
    (fault,) = faults(facts(**changed), 1.0)
    assert (fault.kind, fault.refuses) == (kind, refuses)
    assert words in fault.message


@pytest.mark.parametrize(
    "changed",
    [
        {"declared_seconds": None},
        {"declared_seconds": 29.0},
        {"clipped": 2_000},
        {"dc_offset": 0.009},
        {"peak": 1.2, "mono_peak": 1.1},
        {"peak": 2e-3, "mono_peak": 2e-3},
        {"codec": "mp3", "declared_seconds": 30.05},  # the encoder's delay
        {"sample_rate": 192_000},
    ],
)
def test_what_is_usual_is_no_fault(changed: dict[str, Any]) -> None:
    assert faults(facts(**changed), 1.0) == []


def test_all_faults_are_named_those_that_refuse_first() -> None:
    found = faults(facts(seconds=0.3, dc_offset=0.1, channels=3), 1.0)
    assert [fault.kind for fault in found] == ["truncated", "too_short", "dc_offset", "odd_channels"]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Permission denied", "unreadable"),
        ("Input/output error", "unreadable"),
        ("is a folder", "unreadable"),
        ("is not audio: a ZIP archive", "not_audio"),
        ("holds samples that are not finite numbers, before 1.5 s", "not_finite"),
        ("ffmpeg (mp3): invalid data after 12.3 s", "undecodable"),
        ("the decoder crashed", "undecodable"),
    ],
)
def test_the_words_of_a_failure_tell_its_kind(reason: str, kind: Kind) -> None:
    fault = fault_of_reason(reason)
    assert (fault.kind, fault.message, fault.refuses) == (kind, reason, True)


def test_an_ending_is_compared_with_the_content() -> None:
    assert wrong_ending("a.WAV", facts()) is None
    assert wrong_ending("a.unheard-of", facts()) is None
    fault = wrong_ending("a.mp3", facts())
    assert fault is not None
    assert "called .mp3 and is wav" in fault.message


def test_facts_survive_json_and_later_versions_fields() -> None:
    record = json.loads(json.dumps(facts(tags={"title": "x"}).record()))
    assert SoundFacts.read(record | {"of_a_later_version": 1}) == facts(tags={"title": "x"})
    with pytest.raises(ValueError, match="seconds"):
        SoundFacts.read(record | {"seconds": "long"})
