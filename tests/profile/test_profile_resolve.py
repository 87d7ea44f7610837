"""How a profile comes together, and where each value says it comes from."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harmonic_core.errors import ProfileError
from harmonic_core.profile.explain import fields
from harmonic_core.profile.layers import environment_names, from_tables
from harmonic_core.profile.resolve import load, resolve

Write = Callable[..., Path]


def test_without_anything_the_defaults_hold_and_say_so() -> None:
    resolved = resolve(None, environ={})
    assert resolved.name == "demo"
    assert resolved.origins.keys() == {each.key for each in fields()}
    assert set(resolved.origins.values()) == {"default"}


def test_each_source_wins_over_the_ones_below_it_and_origins_name_it(write: Write) -> None:
    write("base.toml", "[train]\nepochs = 1\nbatch_size = 1\nlearning_rate = 1.0\nwarmup_steps = 1\nlog_every = 1")
    write(
        "mine.toml",
        'extends = "base.toml"\n[train]\nbatch_size = 2\nlearning_rate = 2.0\nwarmup_steps = 2\nlog_every = 2\n',
    )
    resolved = resolve(
        "./mine.toml",
        environ={"HARMONIC_LEARNING_RATE": "3.0", "HARMONIC_WARMUP_STEPS": "3", "HARMONIC_LOG_EVERY": "3"},
        settings=["train.warmup_steps=4", "train.log_every=4"],
        flags={"log_every": 5, "seed": None},
    )
    train = resolved.profile.train
    assert (train.epochs, train.batch_size, train.learning_rate, train.warmup_steps, train.log_every) == (
        1,
        2,
        3.0,
        4,
        5,
    )
    origins = {key: resolved.origins[f"train.{key}"] for key in type(train).model_fields}
    assert {key: origin for key, origin in origins.items() if origin != "default"} == {
        "epochs": "extends base.toml:2",
        "batch_size": "mine.toml:3",
        "learning_rate": "HARMONIC_LEARNING_RATE",
        "warmup_steps": "--set",
        "log_every": "--log-every",
    }
    assert resolved.origins["run.seed"] == "default"
    assert resolved.name == "mine"


def test_a_base_holds_where_no_profile_and_no_flag_says_otherwise(write: Write) -> None:
    write("mine.toml", "[model]\nlatent_dim = 8")
    said = {"audio": {"n_mels": 40, "n_fft": 512}, "model": {"latent_dim": 4, "kernel_size": 5}}
    base = from_tables(said, {}, "elsewhere").only({("audio", "n_mels"), ("model", "latent_dim")}, "base run old")
    resolved = resolve("./mine.toml", flags={"n_mels": "20"}, environ={}, base=[base])
    assert (resolved.profile.audio.n_mels, resolved.profile.model.latent_dim) == (20, 8)
    resolved = resolve(None, environ={}, base=[base])
    assert (resolved.profile.audio.n_mels, resolved.profile.model.latent_dim) == (40, 4)
    assert resolved.origins["model.latent_dim"] == "base run old"
    assert (resolved.profile.audio.n_fft, resolved.origins["audio.n_fft"]) == (2048, "default")


def test_extends_may_chain_and_is_relative_to_the_file_that_says_it(write: Write) -> None:
    write("far/basic.toml", "[train]\nepochs = 3")
    write("far/middle.toml", 'extends = "basic"\n[train]\nbatch_size = 4')
    write("near/mine.toml", 'extends = "../far/middle.toml"\n[model]\nlatent_dim = 8')
    profile = resolve("near/mine.toml", environ={}).profile
    assert (profile.train.epochs, profile.train.batch_size, profile.model.latent_dim) == (3, 4, 8)


def test_a_profile_of_ones_own_extends_the_shipped_one_of_the_same_name(write: Write) -> None:
    write("profiles/gtzan.toml", 'extends = "gtzan"\n[train]\nepochs = 3')
    resolved = resolve("gtzan", environ={})
    assert (resolved.profile.train.epochs, resolved.profile.model.latent_dim) == (3, 128)
    assert resolved.origins["model.latent_dim"].startswith("extends packaged gtzan.toml:")


def test_a_circle_of_extends_is_refused_and_shown(write: Write) -> None:
    write("a.toml", 'extends = "b.toml"')
    write("b.toml", 'extends = "a.toml"')
    with pytest.raises(ProfileError, match=r"a\.toml → b\.toml → a\.toml"):
        resolve("./a.toml", environ={})


def test_extending_what_is_not_there_names_the_line(write: Write) -> None:
    write("a.toml", '# first\nextends = "gtzen"')
    with pytest.raises(ProfileError, match=r"a\.toml:2: extends: .*Did you mean `gtzan`"):
        resolve("./a.toml", environ={})


@pytest.mark.parametrize(
    "name", ["HARMONIC_LEARNING_RATE", "HARMONIC_TRAIN_LEARNING_RATE", "HARMONIC_TRAIN__LEARNING_RATE"]
)
def test_the_environment_sets_a_value_by_its_short_and_its_long_name(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "0.25")
    resolved = resolve("demo")
    assert resolved.profile.train.learning_rate == 0.25
    assert resolved.origins["train.learning_rate"] == name


def test_no_two_settings_share_a_name_in_the_environment_or_on_the_command_line() -> None:
    assert len({each.leaf for each in fields()}) == len(fields())
    assert len(environment_names()) == 3 * len(fields())


def test_an_unknown_variable_is_a_warning_with_the_nearest_known_one() -> None:
    warnings = resolve(None, environ={"HARMONIC_EPOCH": "3", "HARMONIC_\x1bX": "", "HARMONY": "1"}).warnings
    assert len(warnings) == 2
    assert any("HARMONIC_EPOCH " in warning and "did you mean HARMONIC_EPOCHS?" in warning for warning in warnings)
    assert all(warning.isprintable() for warning in warnings)


def test_an_empty_variable_counts_as_not_there() -> None:
    assert resolve(None, environ={"HARMONIC_EPOCHS": ""}).profile.train.epochs == 100


def test_an_empty_value_takes_an_optional_setting_back(write: Write) -> None:
    profile = resolve("combined", environ={}, flags={"maestro_dir": [""]}, settings=["hidden_dims="]).profile
    assert profile.data.maestro_dir == ()
    assert profile.model.hidden_dims is None
    assert profile.data.gtzan_dir == (Path("data/gtzan"),)


@pytest.mark.parametrize("text", ["1024,512,256", "[1024, 512, 256]", " 1024, 512 ,256 ", "[1024,512,256,]"])
def test_hidden_dims_can_be_written_with_and_without_brackets(text: str) -> None:
    assert resolve(None, flags={"hidden_dims": text}, environ={}).profile.hidden_dims == (1024, 512, 256)
    assert resolve(None, settings=[f"hidden_dims={text}"], environ={}).profile.hidden_dims == (1024, 512, 256)


@pytest.mark.parametrize("text", ["True", "true", "yes", "1", "TRUE", "Yes"])
@pytest.mark.parametrize(("opposite", "expected"), [({}, True), ({"1": "0", "yes": "no", "true": "false"}, False)])
def test_a_switch_takes_what_people_write(text: str, opposite: dict[str, str], expected: bool) -> None:
    text = opposite.get(text.lower(), text)
    assert resolve(None, flags={"mixed_precision": text}, environ={}).profile.train.mixed_precision is expected


def test_text_that_looks_like_a_number_or_a_date_stays_text() -> None:
    profile = resolve(None, flags={"name": "2024-05-01", "custom_dir": "1e3"}, environ={}).profile
    assert (profile.run.name, profile.data.custom_dir) == ("2024-05-01", (Path("1e3"),))


def test_a_setting_cannot_smuggle_in_another() -> None:
    profile = resolve(None, settings=["description=1\nvalue2 = 3"], environ={}).profile
    assert profile.run.description == "1\nvalue2 = 3"


def test_typed_values_are_taken_as_they_are() -> None:
    flags = {"output_dir": Path("out"), "epochs": 3, "hidden_dims": (8, 8), "augment": True, "device": "cpu"}
    profile = resolve(None, flags=flags, environ={}).profile
    assert profile.output.output_dir == Path("out")
    assert (profile.train.epochs, profile.hidden_dims, profile.augment.augment) == (3, (8, 8), True)


def test_a_folder_whose_name_is_not_utf8_is_refused_before_it_cannot_be_written_down() -> None:
    with pytest.raises(ProfileError, match="not UTF-8"):
        resolve("custom", flags={"custom_dir": os.fsdecode(b"caf\xe9")}, environ={})


def test_load_reads_the_file_alone(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMONIC_EPOCHS", "9")
    assert load(write("profile.toml", "[train]\nepochs = 3")).train.epochs == 3


def test_several_folders_are_a_list_in_toml_and_a_repeated_flag_on_the_command_line(write: Write) -> None:
    write("mine.toml", 'data.custom_dir = ["jazz", "a, b; c"]\n')
    assert resolve("./mine.toml", environ={}).profile.data.custom_dir == (Path("jazz"), Path("a, b; c"))
    flags = {"custom_dir": ["2004", "x=y"]}
    assert resolve("./mine.toml", environ={}, flags=flags).profile.data.custom_dir == (Path("2004"), Path("x=y"))
    assert resolve("./mine.toml", environ={}, settings=['custom_dir=["one", "two"]']).profile.data.custom_dir == (
        Path("one"),
        Path("two"),
    )


def test_lists_of_words_and_years_can_be_given_with_commas() -> None:
    data = resolve(None, flags={"years": "2004, 2008", "composers": "Chopin,Bach"}, environ={}).profile.data
    assert (data.years, data.composers) == ((2004, 2008), ("Chopin", "Bach"))
    data = resolve(None, flags={"years": "2004", "official_parts": "train"}, environ={}).profile.data
    assert (data.years, data.official_parts) == ((2004,), ("train",))


def test_a_division_that_the_data_set_has_not_is_refused() -> None:
    with pytest.raises(ProfileError, match="`gtzan` has"):
        resolve(None, flags={"dataset": "maestro", "split": "fault_filtered"}, environ={})
