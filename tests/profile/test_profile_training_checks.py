"""Schedules and stopping rules that could never work are refused with the way out."""

import pytest

from harmonic_core.errors import ProfileError
from harmonic_core.profile.resolve import resolve


def settings(*given: str) -> None:
    """Resolve a profile of these settings."""
    resolve(None, settings=given, environ={})


def refusal(*given: str) -> str:
    with pytest.raises(ProfileError) as refused:
        settings(*given)
    return str(refused.value)


PLATEAU = "train.learning_rate_schedule=plateau"


@pytest.mark.parametrize(
    ("given", "key", "way_out"),
    [
        (("train.early_stopping=5",), "train.early_stopping", "or an early_stopping of 0"),
        ((PLATEAU,), "train.learning_rate_schedule", "another schedule such as `cosine`"),
    ],
)
@pytest.mark.parametrize(
    "music",
    [
        (),
        ("data.dataset=gtzan",),
        ("data.dataset=maestro", "data.split=random"),
        ("data.dataset=maestro", 'data.official_parts=["train"]'),
        ("data.dataset=combined", "data.gtzan_dir=a", "data.custom_dir=b"),
        ("data.dataset=combined", "data.gtzan_dir=a", "data.split=official"),
    ],
)
def test_what_follows_the_validation_error_needs_one(
    given: tuple[str, ...], key: str, way_out: str, music: tuple[str, ...]
) -> None:
    message = refusal(*given, "data.validation_split=0", *music)
    assert key in message
    assert "a validation_split such as 0.1" in message
    assert way_out in message


@pytest.mark.parametrize(
    "music",
    [
        ("data.dataset=maestro",),
        ("data.dataset=maestro", "data.split=official"),
        ("data.dataset=maestro", 'data.official_parts=["train", "validation"]'),
        ("data.dataset=gtzan", "data.split=fault_filtered"),
        ("data.dataset=combined", "data.maestro_dir=a"),
        ("data.dataset=combined", "data.gtzan_dir=a", "data.split=fault_filtered"),
    ],
)
def test_an_official_division_holds_tracks_out_whatever_the_share_is(music: tuple[str, ...]) -> None:
    settings("train.early_stopping=5", PLATEAU, "data.validation_split=0", *music)


def test_with_tracks_held_out_both_are_welcome_even_together() -> None:
    settings("train.early_stopping=3", PLATEAU, "train.plateau_patience=5")


def test_without_either_nothing_needs_to_be_held_out() -> None:
    settings("data.validation_split=0", "train.learning_rate_schedule=constant")


def test_cycles_of_no_length_are_refused() -> None:
    message = refusal("loss.beta_schedule=cyclical", "loss.beta_steps=0")
    assert "loss.beta_" in message
    assert "a beta_steps of at least 1, or the beta_schedule `linear`" in message


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_a_rise_of_no_length_is_beta_end_at_once(schedule: str) -> None:
    settings(f"loss.beta_schedule={schedule}", "loss.beta_steps=0", "loss.beta_cycles=7")
