"""What counts as a change of a run that goes on, and how it is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harmonic_core.profile.changes import HARMLESS, ROUNDED, changes, lines
from harmonic_core.profile.explain import fields
from harmonic_core.profile.resolve import load, resolve
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.write import to_toml

Write = Callable[..., Path]


def profile(*settings: str) -> Profile:
    return resolve(None, settings=settings, environ={}, check=False).profile


def between(before: Profile, *settings: str) -> dict[str, bool]:
    """Keys that differ from `before` once `settings` are made on nothing, and whether each is harmless."""
    return {each.key: each.harmless for each in changes(before, profile(*settings))}


def test_a_profile_does_not_differ_from_itself_nor_from_what_was_written_of_it(write: Write) -> None:
    before = profile("hidden_dims=64,64", "custom_dir=music", "composers=Bach", "years=2004", "f_max=8000")
    assert changes(before, before) == []
    assert changes(before, load(write("profile.toml", to_toml(before)))) == []


@pytest.mark.parametrize(
    "setting",
    [
        *("run.seed=1", "data.segment_length=2", "data.validation_split=0.2", "data.split=official"),
        *("audio.n_mels=64", "model.latent_dim=64", "model.architecture=dense", "loss.beta_end=0.1"),
        *("loss.free_bits=0.1", "loss.beta_schedule=cosine", "train.epochs=101", "train.batch_size=16"),
        *("train.learning_rate=1e-4", "train.learning_rate_schedule=constant", "train.ema_decay=0.9"),
        *("train.mixed_precision=true", "train.grad_clip=2", "train.weight_decay=0", "augment.augment=true"),
        *("evaluation.max_validation_segments=10", "data.dataset=gtzan", "data.demo_minutes=20"),
    ],
)
def test_what_alters_figures_is_a_change(setting: str) -> None:
    assert between(Profile(), setting)[setting.split("=", maxsplit=1)[0]] is False


@pytest.mark.parametrize(
    "setting",
    [
        *("run.name=other", "run.description=other", "data.cache_dir=elsewhere", "train.log_every=3"),
        *("train.finetune_learning_rate=1", "train.max_bad_steps=3", "train.max_rollbacks=0", "train.early_stopping=9"),
        *("evaluation.prior_samples=0", "evaluation.reconstructions=0", "evaluation.griffin_lim_steps=3"),
        *("case_study.genre_accuracy=0.5", "case_study.clusters_by=9"),
        *("output.checkpoint_every=3", "output.keep=5", "output.use_tensorboard=true"),
    ],
)
def test_what_alters_no_figure_is_harmless(setting: str) -> None:
    assert between(Profile(), setting) == {setting.split("=", maxsplit=1)[0]: True}


@pytest.mark.parametrize("setting", ["run.device=cpu", "train.grad_accum_steps=2", "train.compile=true"])
def test_what_only_rounds_otherwise_is_harmless_with_a_remark(setting: str) -> None:
    (change,) = changes(Profile(), profile(setting))
    assert change.harmless
    assert "rounds differently" in lines([change])[0]


def test_where_a_run_lies_and_what_it_began_from_is_not_compared() -> None:
    assert between(Profile(), "output_dir=elsewhere", "resume_from=runs/old") == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["dataset=gtzan"], ["dataset=gtzan", "dataset_dir=data/gtzan"]),
        (["dataset=gtzan", "dataset_dir=here"], ["dataset=gtzan", "gtzan_dir=./here"]),
        (["dataset=custom", "custom_dir=music"], ["dataset=custom", "custom_dir=other/../music/"]),
        (["dataset=demo"], ["dataset=demo", "custom_dir=music"]),
        (["dataset=gtzan"], ["dataset=gtzan", "split=random"]),
        (["dataset=maestro", "split=official"], ["dataset=maestro"]),
        (["architecture=dense"], ["architecture=dense", "hidden_dims=1024,512,256"]),
        (["sample_rate=16000"], ["sample_rate=16000", "f_max=8000"]),
    ],
)
def test_what_comes_to_the_same_is_no_change(before: list[str], after: list[str]) -> None:
    assert between(profile(*before), *after) == {}
    assert between(profile(*after), *before) == {}


def test_a_link_to_the_same_music_is_the_same_music(workplace: Path) -> None:
    (workplace / "music").mkdir()
    (workplace / "link").symlink_to("music")
    assert between(profile("dataset=custom", "custom_dir=music"), "dataset=custom", "custom_dir=link") == {}


@pytest.mark.parametrize("folders", ['["b","a"]', '["a"]', '["a","c"]'])
def test_other_folders_and_another_order_of_them_are_a_change(folders: str) -> None:
    before = profile("dataset=custom", 'custom_dir=["a","b"]')
    assert between(before, "dataset=custom", f"custom_dir={folders}") == {"data.custom_dir": False}


@pytest.mark.parametrize(
    ("under", "setting"),
    [
        ("train.learning_rate_schedule=constant", "train.epochs=7"),
        ("train.learning_rate_schedule=constant", "train.final_learning_rate=0.5"),
        ("train.learning_rate_schedule=cosine", "train.plateau_patience=7"),
        ("loss.beta_schedule=cosine", "loss.beta_cycles=7"),
        ("augment.augment=false", "augment.augment_strength=0.1"),
        ("model.architecture=dense", "model.kernel_size=3"),
        ("data.dataset=gtzan", "data.hours=3"),
        ("data.dataset=custom", "data.gtzan_weight=3"),
    ],
)
def test_what_is_not_read_may_change(under: str, setting: str) -> None:
    assert between(profile(under), under, setting) == {setting.split("=", maxsplit=1)[0]: True}


def test_what_comes_into_force_with_another_setting_is_a_change() -> None:
    assert between(Profile(), "augment=true", "augment_strength=0.1") == {
        "augment.augment": False,
        "augment.augment_strength": False,
    }


def test_every_exemption_is_a_setting_and_has_a_reason() -> None:
    exempt = HARMLESS | ROUNDED
    assert exempt.keys() <= {each.key for each in fields()}
    assert all(exempt.values())
    assert not HARMLESS.keys() & ROUNDED.keys()


def test_changes_are_told_a_line_each_with_arrows_in_one_column() -> None:
    told = lines(changes(Profile(), profile("epochs=200", "learning_rate=1e-4", "f_max=8000", "hidden_dims=8,8")))
    assert [line.split(" → ")[1] for line in told] == ["8000.0", "[8, 8]", "200", "0.0001"]
    assert len({line.index("→") for line in told}) == 1
    assert told[0].startswith("audio.f_max ")
    assert lines([]) == []


def test_nothing_that_a_terminal_obeys_gets_through() -> None:
    hostile = profile("description=\x1b[31m[red]\nnew line", "dataset=custom", "custom_dir=\x9b2J\u202e")
    told = lines(changes(Profile(), hostile))
    assert all(line.isprintable() for line in told)
    assert any("[red]" in line for line in told)


def test_a_path_that_no_system_takes_is_compared_all_the_same() -> None:
    hostile = profile("dataset=custom", "custom_dir=a\0b")
    assert changes(hostile, hostile) == []
    assert not all(each.harmless for each in changes(hostile, Profile()))
