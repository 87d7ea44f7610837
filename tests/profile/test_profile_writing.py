"""A profile written as TOML is the same profile when it is read."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harmonic_core.profile.resolve import load, resolve
from harmonic_core.profile.sections import Audio, Data, Loss, Model, Profile, Run, Train
from harmonic_core.profile.write import to_toml

Write = Callable[..., Path]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
PATH = TEXT.filter(lambda text: text.strip("./") and "\0" not in text).map(Path)
PATHS = st.none() | PATH
FOLDERS = st.lists(PATH, max_size=3).map(tuple)
POSITIVE = st.floats(min_value=1e-12, max_value=100)
PROFILES = st.builds(
    Profile,
    run=st.builds(Run, description=TEXT, seed=st.integers(0, 2**32 - 1), name=st.none() | st.just("a.b-c_1")),
    data=st.builds(
        Data,
        dataset_dir=PATHS,
        custom_dir=FOLDERS,
        segment_length=POSITIVE.filter(lambda s: s <= 60),
        years=st.none() | st.lists(st.integers(1900, 2100), min_size=1, max_size=3).map(tuple),
        composers=st.none() | st.lists(TEXT, min_size=1, max_size=3).map(tuple),
        official_parts=st.none() | st.just(("train", "test")),
    ),
    audio=st.builds(Audio, f_max=st.none() | POSITIVE),
    model=st.builds(Model, hidden_dims=st.none() | st.lists(st.integers(1, 16384), min_size=1, max_size=12).map(tuple)),
    loss=st.builds(Loss, beta_start=st.floats(0, 1000), beta_end=st.floats(0, 1000)),
    train=st.builds(Train, learning_rate=POSITIVE, mixed_precision=st.booleans(), resume_from=PATHS),
)


@given(profile=PROFILES, comments=st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_reading_what_was_written_gives_exactly_the_same_profile(
    profile: Profile, comments: bool, write: Write
) -> None:
    text = to_toml(profile, comments=comments)
    assert all(line.isprintable() for line in text.splitlines())
    assert load(write("profile.toml", text)) == profile


@pytest.mark.parametrize("name", ["demo", "gtzan", "maestro_full", "custom"])
def test_a_resolved_profile_resolves_to_itself(name: str, write: Write) -> None:
    profile = resolve(name, environ={}, flags={"custom_dir": "music"}).profile
    write("profile.toml", to_toml(profile))
    assert resolve("./profile.toml", environ={}).profile == profile


def test_comments_say_what_each_setting_does() -> None:
    text = to_toml(Profile(), comments=True)
    assert "# Number of mel bands.\nn_mels = 128" in text


def test_settings_without_a_value_are_left_out() -> None:
    assert "custom_dir" not in to_toml(Profile())
