"""Every way to say how `harmonic train` should train, up to the point where training would begin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from asking import Asked, profile_of
from typer.testing import CliRunner

from harmonic_core.cli import app
from harmonic_core.cli import train as train_verb
from harmonic_core.profile.sections import Profile

OF_THE_COMMAND_ALONE = {
    *("profile", "config", "settings", "mode", "trials", "allow_changes", "allow_partial"),
    *("nproc", "nnodes", "rdzv_endpoint", "rdzv_id", "node_rank", "max_restarts"),
}


@pytest.mark.parametrize("flag", ["--batch_size", "--batch-size"])
def test_flags_take_dashes_and_underscores(asked: Asked, flag: str) -> None:
    assert profile_of(asked, "demo", flag, "48").train.batch_size == 48
    assert profile_of(asked, "demo", f"{flag}=24").train.batch_size == 24


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["demo", "--augment"], True),
        (["--augment", "demo"], True),
        (["demo", "--augment", "True"], True),
        (["demo", "--augment", "no"], False),
        (["demo", "--augment=False"], False),
        (["demo", "--augment", "--augment_strength", "0.25"], True),
        (["demo"], False),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_a_switch_stands_alone_or_with_a_value(asked: Asked, arguments: list[str], expected: bool) -> None:
    assert profile_of(asked, *arguments).augment.augment is expected


def test_every_switch_works_alone_and_spelled_out(asked: Asked) -> None:
    alone = profile_of(asked, "demo", "--mixed_precision", "--use_tensorboard", "--augment", "--compile")
    spelled = profile_of(
        *(asked, "demo", "--mixed_precision", "True", "--use_tensorboard", "True", "--augment", "True"),
        *("--compile", "True"),
    )
    assert alone == spelled
    assert alone.train.mixed_precision
    assert alone.output.use_tensorboard
    assert alone.train.compile


def test_a_data_set_and_flags_alone_are_enough(asked: Asked) -> None:
    profile = profile_of(
        asked,
        *("--dataset", "gtzan", "--mode", "train", "--epochs", "20", "--batch_size", "16", "--latent_dim", "64"),
        *("--output_dir", "output/quick_test", "--beta_start", "0.0001", "--beta_end", "0.01", "--beta_steps", "20"),
        *("--grad_accum_steps", "4", "--n_mels", "256", "--n_fft", "4096", "--hidden_dims", "512,256"),
    )
    assert (profile.data.dataset, profile.train.epochs, profile.model.latent_dim) == ("gtzan", 20, 64)
    assert (profile.train.grad_accum_steps, profile.audio.n_mels, profile.audio.n_fft) == (4, 256, 4096)
    assert profile.hidden_dims == (512, 256)
    assert asked.run.path == Path("output/quick_test")


def test_schedules_averages_and_the_end_of_training_have_flags(asked: Asked) -> None:
    profile = profile_of(
        *(asked, "demo", "--learning_rate_schedule", "plateau", "--beta-schedule", "cyclical", "--free-bits", "0.05"),
        *("--ema-decay", "0.999", "--early_stopping", "12"),
    )
    train, loss = profile.train, profile.loss
    assert (train.learning_rate_schedule, train.ema_decay, train.early_stopping) == ("plateau", 0.999, 12)
    assert (loss.beta_schedule, loss.free_bits) == ("cyclical", 0.05)


def test_a_flat_config_is_taken_as_it_is_and_flags_stand_above_it(asked: Asked) -> None:
    content = {
        "dataset": "gtzan",
        "dataset_dir": "data/gtzan",
        "mode": "train",
        "epochs": 100,
        "hidden_dims": [1024, 512, 256],
        "learning_rate": 0.0005,
        "beta_start": 0.0001,
        "segment_length": 3.0,
        "output_dir": "output/gtzan_production",
        "checkpoint_every": 10,
    }
    Path("config.json").write_text(json.dumps(content))
    profile = profile_of(asked, "--config", "config.json", "--epochs", "5")
    assert profile.train.learning_rate == 0.0005
    assert profile.hidden_dims == (1024, 512, 256)
    assert profile.train.epochs == 5
    assert asked.run.path == Path("output/gtzan_production")


def test_a_flag_stands_above_set_above_the_environment_above_the_profile(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("mine.toml").write_text("[train]\nepochs = 2\nbatch_size = 2\nlearning_rate = 2e-4\nwarmup_steps = 2\n")
    for name in ("EPOCHS", "BATCH_SIZE", "LEARNING_RATE"):
        monkeypatch.setenv(f"HARMONIC_{name}", "3")
    train = profile_of(asked, "./mine.toml", "--set", "epochs=4", "--set", "train.batch_size=4", "--epochs", "5").train
    assert (train.epochs, train.batch_size, train.learning_rate, train.warmup_steps) == (5, 4, 3.0, 2)


def test_a_run_lies_where_it_is_told_or_is_named_or_bears_the_time(asked: Asked) -> None:
    profile_of(asked, "demo", "--output-dir", "elsewhere/mine", "--name", "other")
    assert asked.run.path == Path("elsewhere/mine")
    profile_of(asked, "demo", "--name", "mine")
    assert asked.run.path == Path("runs/mine")
    profile_of(asked, "demo")
    assert asked.run.path.parent == Path("runs")
    assert asked.run.name.startswith("demo-20")


def test_every_flag_is_a_setting_of_the_profile() -> None:
    import inspect

    flags = set(inspect.signature(train_verb.train).parameters) - OF_THE_COMMAND_ALONE
    settings = {name for section in Profile.model_fields.values() for name in section.annotation.model_fields}  # type: ignore[union-attr]
    assert flags <= settings


def test_a_wrong_value_of_a_switch_is_named_with_what_is_allowed(asked: Asked) -> None:
    result = CliRunner().invoke(app, ["train", "demo", "--augment", "Truee"])
    assert "Truee" in str(result.exception)
    assert "true or false" in str(result.exception)
