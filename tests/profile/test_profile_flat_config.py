"""The flat `config.json`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harmonic_core.errors import ProfileError
from harmonic_core.profile.resolve import resolve

Write = Callable[..., Path]
DOCUMENTED = {
    "dataset": "gtzan",
    "dataset_dir": "data/gtzan",
    "mode": "train",
    "epochs": 100,
    "batch_size": 32,
    "latent_dim": 128,
    "hidden_dims": [1024, 512, 256],
    "learning_rate": 0.0005,
    "beta_start": 0.0001,
    "beta_end": 0.01,
    "segment_length": 3.0,
    "output_dir": "output/gtzan_production",
    "checkpoint_every": 10,
}


def test_the_documented_configuration_is_accepted_as_it_is(write: Write) -> None:
    resolved = resolve(None, config=write("config.json", json.dumps(DOCUMENTED, indent=4)), environ={})
    profile = resolved.profile
    assert resolved.name == "config"
    assert (profile.data.dataset, profile.data.dataset_dir) == ("gtzan", Path("data/gtzan"))
    assert (profile.hidden_dims, profile.train.learning_rate) == ((1024, 512, 256), 5e-4)
    assert profile.output.output_dir == Path("output/gtzan_production")
    assert resolved.origins["train.epochs"] == "config.json"
    assert resolved.origins["audio.n_mels"] == "default"


def test_a_configuration_can_stand_in_the_place_of_a_profile(write: Write) -> None:
    write("config.json", json.dumps(DOCUMENTED))
    assert resolve("config.json", environ={}).profile.train.epochs == 100


def test_a_configuration_wins_over_the_profile_and_loses_to_flags(write: Write) -> None:
    config = write("small.json", '{"epochs": 3, "batch_size": 4, "mixed_precision": "True", "dataset_dir": null}')
    resolved = resolve("gtzan", config=config, flags={"batch_size": 8}, environ={})
    profile = resolved.profile
    assert (profile.train.epochs, profile.train.batch_size, profile.train.mixed_precision) == (3, 8, True)
    assert (resolved.name, profile.data.dataset_dir) == ("gtzan", None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"epochs": 3,\n "epochs": 4}', "`epochs` stands there twice"),
        ("[1, 2]", "not a JSON object"),
        ('{"epochs": 3,\n}', "config.json:"),
        ("", "config.json:1, column 1: this is not JSON"),
        ('{"epoch": 3}', "did you mean `epochs`"),
        ('{"train": {"epochs": 3}}', "without sections"),
        ('{"train.epochs": 3}', "belongs to"),
        ('{"epochs": "many"}', 'config.json: train.epochs = "many"'),
        ('{"epochs": NaN}', "a whole number"),
        ('{"learning_rate": Infinity}', "a number above 0"),
        ('{"epochs": null}', "a whole number"),
        ('{"input_dim": 128}', "computed"),
        ("[" * 100_000, "nested too deep"),
        ('{"epochs": ' + "9" * 5000 + "}", "a number is too long"),
        ('{"mode": "preprocess"}', "that is `harmonic data preprocess`"),
        ('{"mode": "validate_data"}', "that is `harmonic data validate`"),
        ('{"mode": "download"}', "that is `harmonic data download`"),
        ('{"mode": "tune"}', "`harmonic tune`"),
        ('{"mode": "dance"}', "only train can stand here"),
        ('{"mode": ["train"]}', "only train can stand here"),
    ],
)
def test_a_wrong_configuration_is_told_why(text: str, expected: str, write: Write) -> None:
    with pytest.raises(ProfileError) as refused:
        resolve(None, config=write("config.json", text), environ={})
    assert expected.lower() in str(refused.value).lower()


def test_a_missing_configuration_is_refused_by_name() -> None:
    with pytest.raises(ProfileError, match=r"nowhere\.json cannot be read"):
        resolve(None, config=Path("nowhere.json"), environ={})
