"""`[tune.space]`: what a profile says a study may vary."""

from __future__ import annotations

from pathlib import Path

import pytest

from harmonic_core.errors import ProfileError
from harmonic_core.profile.draft import Draft
from harmonic_core.profile.explain import field
from harmonic_core.profile.resolve import load, resolve
from harmonic_core.profile.save import changed_text
from harmonic_core.profile.search_space import space_of
from harmonic_core.profile.write import to_toml
from harmonic_core.tuning.space import points, searched

WRITTEN = """extends = "demo"

[tune.space]
# As one would write it.
architecture = ["harmonic", "dense"]
latent_dim = [64, 128, 256]
"loss.beta_end" = [0.001, 0.01]
loss.reconstruction = ["l1", "mse"]
train.learning_rate = { low = 1e-4, high = 2e-3, log = true }
batch_size = { low = 16, high = 64, step = 16 }
mixed_precision = [true, false]

[tune.space.hidden_dims]
harmonic = [[], [128, 256]]
dense = [[512, 256]]
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(WRITTEN)
    return path


def words(path: Path) -> dict[str, str]:
    """The space of a profile, by key path."""
    return {axis.key: str(axis) for axis in space_of(resolve(path, environ={}).profile).axes}


def test_lists_ranges_and_what_depends_on_the_architecture_are_read_by_name_key_path_or_section(written: Path) -> None:
    assert words(written) == {
        "model.architecture": "one of harmonic, dense",
        "model.latent_dim": "one of 64, 128, 256",
        "loss.beta_end": "one of 0.001, 0.01",
        "loss.reconstruction": "one of l1, mse",
        "train.learning_rate": "0.0001 to 0.002, by ratio",
        "train.batch_size": "16 to 64, in steps of 16",
        "train.mixed_precision": "one of true, false",
        "model.hidden_dims": "harmonic: one of [], [128, 256]; dense: one of [512, 256]",
    }


def test_a_space_comes_back_from_what_a_run_writes_down(written: Path, tmp_path: Path) -> None:
    profile = resolve(written, environ={}).profile
    (tmp_path / "run.toml").write_text(to_toml(profile))
    assert load(tmp_path / "run.toml").tune == profile.tune


def test_a_space_can_be_set_in_one_line_and_from_the_environment() -> None:
    line = "{latent_dim = [8, 16], learning_rate = {low = 1e-4, high = 1e-3}}"
    assert (
        resolve("demo", settings=[f"tune.space={line}"], environ={}).profile.tune
        == resolve("demo", environ={"HARMONIC_TUNE_SPACE": line}).profile.tune
    )


def test_without_one_it_is_the_manuals() -> None:
    space = space_of(resolve("gtzan", environ={}).profile)
    assert [axis.key for axis in space.axes] == [
        "model.latent_dim",
        "loss.beta_end",
        "model.hidden_dims",
        "train.learning_rate",
    ]
    # The profile's own widths are among those tried.
    assert str(space.axes[2]).startswith("one of [1024, 512, 256], [128, 128, 192, 256], ")


def test_a_copy_of_a_profile_keeps_the_space_and_can_have_another(written: Path, tmp_path: Path) -> None:
    draft = Draft(written, environ={})
    draft.set_text(("train", "epochs"), "7")
    copy = tmp_path / "copy.toml"
    copy.write_text(changed_text(WRITTEN, draft.changes))
    assert words(copy) == words(written)
    assert "# As one would write it." in copy.read_text()
    other = Draft("demo", environ={})
    other.set_text(("tune", "space"), "{latent_dim = [8, 16]}")
    copy.write_text(changed_text('extends = "demo"\n', other.changes))
    assert words(copy) == {"model.latent_dim": "one of 8, 16"}


def test_it_can_be_typed_as_it_is_shown(written: Path) -> None:
    draft = Draft(written, environ={})
    before = draft.value(("tune", "space"))
    draft.set_text(("tune", "space"), draft.text(("tune", "space")))
    assert draft.value(("tune", "space")) == before
    assert not draft.changes


def test_explain_says_how_it_is_written() -> None:
    explanation = field(("tune", "space"))
    assert explanation is not None
    assert explanation.allowed == "a table of settings, each with a list of values, or with low and high"
    for example in ("latent_dim = [64, 128]", "log = true", "step = 16", "harmonic = [[], [128, 256]]"):
        assert example in explanation.doc


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("latent_dimm = [1, 2]", "`latent_dimm`: there is no such setting; did you mean `latent_dim`"),
        ("nothing.like_it = [1, 2]", "`nothing.like_it`: there is no such setting"),
        ("latent_dim = []", "`latent_dim`: the list is empty"),
        ("latent_dim = 64", "`latent_dim`: 64 is one value, and a search needs several"),
        ("latent_dim = [64, 64]", "`latent_dim`: 64 stands there twice"),
        ("latent_dim = [64, 0]", "`latent_dim`: 0 is not allowed; allowed is a whole number from 1 to 65536"),
        ("latent_dim = [64, true]", "`latent_dim`: true is not allowed"),
        ("latent_dim = [64, 2.5]", "`latent_dim`: 2.5 is not allowed"),
        ("hidden_dims = [[64], [true]]", "`hidden_dims`: [true] is no value of a setting"),
        ("latent_dim = [64]\nmodel.latent_dim = [8]", "`model.latent_dim`: the setting stands there twice"),
        ("beta_end = {low = 1, high = 0.1}", "`beta_end`: low = 1 is not below high = 0.1"),
        ("beta_end = {low = 0, high = 1, log = true}", "`beta_end`: low = 0 has no ratio to high"),
        ("beta_end = {low = 0.1, high = 2000}", "`beta_end`: 2000 is not allowed; allowed is a number from 0 to 1000"),
        ("beta_end = {low = 0.1}", "`beta_end`: a range needs high"),
        ("beta_end = {low = 0.1, high = 1, steps = 3}", '`beta_end`: "steps" belongs to no range'),
        ("beta_end = {low = 0.1, high = inf}", "`beta_end`: high = inf is no number"),
        ("beta_end = {low = 0.1, high = 1, log = true, step = 0.1}", "`beta_end`: log and step exclude each other"),
        ("beta_end = {low = 0.1, high = 1, step = 2}", "`beta_end`: step = 2 fits nowhere"),
        ("batch_size = {low = 1.5, high = 8}", "`batch_size`: 1.5 is no whole number"),
        ("reconstruction = {low = 1, high = 2}", "`reconstruction`: it has no low and high"),
        ("reconstruction = ['l1', 'l3']", "`reconstruction`: l3 is not allowed; allowed is l1 or mse"),
        ("hidden_dims = {dense = [[512]]}", "`hidden_dims`: it has no values for the architecture harmonic"),
        ("hidden_dims = [[512, -1]]", "`hidden_dims`: [512, -1] is not allowed"),
        ("hop_length = [256, 512]", "`hop_length`: a setting of [audio] cannot be varied"),
        ("epochs = [10, 20]", "`epochs`: it cannot be varied: all trials get the same budget"),
        ('"a\\u001b[31m" = []', "`a\\x1b[31m`: the list is empty"),
    ],
)
def test_what_is_no_space_is_one_clear_line_that_names_the_setting(line: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(f'extends = "demo"\n[tune.space]\n{line}\n')
    with pytest.raises(ProfileError) as refusal:
        resolve(path, environ={})
    head, where, why = str(refusal.value).splitlines()
    assert head.endswith("cannot be used: one problem.")
    assert where.strip().endswith("bad.toml:2: tune.space")
    assert said in why
    assert str(refusal.value).replace("\n", "").isprintable()


@pytest.mark.parametrize("value", ["3", '"all"', "[]", "{}", "[[1]]"])
def test_what_is_no_table_at_all_is_refused(value: str) -> None:
    with pytest.raises(ProfileError, match=r"tune\.space"):
        resolve("demo", settings=[f"tune.space={value}"], environ={})


def test_what_is_set_by_hand_is_not_searched() -> None:
    resolved = resolve("demo", settings=["beta_end=0.1", "latent_dim=8"], environ={})
    assert [axis.key for axis in searched(resolved).axes] == ["model.hidden_dims", "train.learning_rate"]


def test_what_goes_with_another_architecture_alone_is_not_searched(written: Path) -> None:
    resolved = resolve(written, settings=["architecture=dense"], environ={})
    assert {axis.key: str(axis) for axis in searched(resolved).axes}["model.hidden_dims"] == "one of [512, 256]"


def test_a_few_values_stand_for_a_range() -> None:
    steps = "batch_size={low=16, high=64, step=16}, beta_end={low=0, high=1}"
    line = f"{{learning_rate={{low=1e-4, high=1e-2, log=true}}, {steps}}}"
    space = searched(resolve("demo", settings=[f"tune.space={line}"], environ={}))
    found = {axis.key: points(axis.domain) for axis in space.axes if axis.domain}
    assert found == {
        "train.learning_rate": [1e-4, 0.000316, 1e-3, 0.00316, 1e-2],
        "train.batch_size": [16, 32, 48, 64],
        "loss.beta_end": [0, 0.25, 0.5, 0.75, 1],
    }
